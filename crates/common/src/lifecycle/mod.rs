//! From the command line to a running process, and to its end.

mod command;
mod letters;
mod own;
mod running;

pub use command::{Cli, Command, Direction, Program, main, main_with, run, say};
pub use own::{Bench, NoCommand, OwnCommand};
pub use running::Running;
