//! `cargo xtask openapi`: the API documents, as the handlers describe themselves.

use crate::failure::Failure;
use crate::generated::{self, Options};
use crate::shell;
use contracts::Service;

pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let mut files = Vec::new();
    for service in Service::ALL {
        let name = service.name();
        let mut command = shell::cargo();
        command.args(["run", "--quiet", "--package", "marca", "--", "openapi", name]);
        let mut text = shell::capture(&mut command)?;
        serde_json::from_str::<serde_json::Value>(&text)
            .map_err(|error| Failure::new(format!("marca openapi {name}: not JSON: {error}")))?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        files.push((format!("docs/openapi/{name}.json"), text));
    }
    generated::settle(options, "openapi", &files)
}
