//! Temporary folders that other users may enter and that a later run sweeps up.

use super::ServerError;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder below the system's temporary folder, removed when dropped.
///
/// Unlike `tempfile`'s it may be entered by other users: Postgres and the workers of nginx do not
/// run as root.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
}

impl WorkDir {
    /// Creates an empty folder whose name starts with this process's id and `label`.
    pub fn new(label: &str) -> Result<Self, ServerError> {
        static SWEPT: Once = Once::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = base()?;
        SWEPT.call_once(|| sweep(&base));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("{}-{label}-{number}", std::process::id()));
        fs::create_dir(&path).map_err(ServerError::io(format!("create {}", path.display())))?;
        Ok(Self { path })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `content` to a file in the folder and returns its path.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, ServerError> {
        let path = self.path.join(name);
        fs::write(&path, content).map_err(ServerError::io(format!("write {}", path.display())))?;
        Ok(path)
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // A process that is still ending may write once more; what stays is swept by a later run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The folder of all test folders of this user.
pub(super) fn base() -> Result<PathBuf, ServerError> {
    let base = std::env::temp_dir().join(format!("marca-test-{}", nix::unistd::geteuid()));
    fs::create_dir_all(&base).map_err(ServerError::io(format!("create {}", base.display())))?;
    Ok(base)
}

/// Removes folders whose process is gone: those of runs that were killed.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
            && Path::new("/proc/self").exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
