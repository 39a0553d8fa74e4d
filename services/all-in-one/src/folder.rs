//! The data folder: there, writable, and this process's alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

/// Makes the folder and takes its lock.
pub(crate) fn claim(folder: &Path) -> Result<File, String> {
    let shown = folder.display();
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make the data folder {shown}: {error}"))?;
    let path = folder.join(".lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|error| {
        format!("cannot write to the data folder {shown}: {error}. DATA_DIR chooses another one.")
    })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(format!(
            "another Marca uses the data folder {shown}. Stop it, or choose another one with DATA_DIR."
        )),
        Err(TryLockError::Error(error)) => {
            Err(format!("cannot lock the data folder {shown}: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_claimed_once_and_again_when_let_go() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let first = claim(folder.path());
        assert!(first.is_ok());
        assert!(claim(folder.path()).is_err_and(|error| error.contains("another Marca")));
        drop(first);
        assert!(claim(folder.path()).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let error = claim(Path::new("/proc/nowhere/data")).err().unwrap_or_default();
        assert!(error.contains("/proc/nowhere/data"), "{error}");
    }
}
