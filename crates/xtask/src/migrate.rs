//! `cargo xtask migrate`: the migrations of one service or all, each by its own binary.

use crate::failure::Failure;
use crate::shell;
use clap::ValueEnum;
use contracts::Service;

/// Whose databases, and what to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// `all`, or one service.
    target: Target,
    /// What to do; the databases are named by the services' own variables.
    #[arg(default_value = "up")]
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    All,
    Tenant,
    User,
    Resource,
    Booking,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    Up,
    Down,
    Status,
}

impl Target {
    fn covers(self, service: Service) -> bool {
        match self {
            Self::All => true,
            Self::Tenant => service == Service::Tenant,
            Self::User => service == Service::User,
            Self::Resource => service == Service::Resource,
            Self::Booking => service == Service::Booking,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let action = match options.action {
        Action::Up => "up",
        Action::Down => "down",
        Action::Status => "status",
    };
    for service in Service::ALL.into_iter().filter(|service| options.target.covers(*service)) {
        let package = format!("marca-{}", service.name());
        let mut command = shell::cargo();
        command.args(["run", "--quiet", "--package", &package, "--", "migrate", action]);
        shell::run(&mut command)?;
    }
    Ok(())
}
