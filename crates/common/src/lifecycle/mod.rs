//! From the command line to a running process, and to its end.

mod command;
mod letters;
mod running;

pub use command::{Cli, Command, Direction, Program, main, run};
pub use running::Running;
