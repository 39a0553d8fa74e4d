//! Files that are written by a chore, committed, and checked to be what the chore would write.

use crate::failure::Failure;
use crate::shell;
use std::fs;

/// Write, or only compare.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail when a file is not what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or compares `files`: path from the root, and content.
pub(crate) fn settle(
    options: Options,
    chore: &str,
    files: &[(String, String)],
) -> Result<(), Failure> {
    let mut stale = Vec::new();
    for (path, content) in files {
        let full = shell::root().join(path);
        let current = fs::read_to_string(&full).unwrap_or_default();
        if current == *content {
            continue;
        }
        if options.check {
            let line = current.lines().zip(content.lines()).take_while(|(a, b)| a == b).count();
            stale.push(format!(
                "{path} is stale (first difference at line {}); run: cargo xtask {chore}",
                line + 1
            ));
        } else {
            if let Some(folder) = full.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&full, content)?;
            println!("wrote {path}");
        }
    }
    Failure::from_complaints(&stale)
}
