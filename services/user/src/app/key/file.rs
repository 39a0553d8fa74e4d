//! The file the keys lie in: read whole, replaced whole, its owner's alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::KeyError;
use super::ring::{Member, Ring};

/// By what a changed file is told from the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// When it was last written.
    pub(super) modified: SystemTime,
    length: u64,
    device: u64,
    inode: u64,
}

impl Stamp {
    fn of(found: &fs::Metadata) -> io::Result<Self> {
        let (device, inode) = (found.dev(), found.ino());
        Ok(Self { modified: found.modified()?, length: found.len(), device, inode })
    }

    /// Of the file that is at `path` now.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Self::of(&fs::metadata(path)?)
    }
}

/// The text of a file, and the stamp of just this text.
pub(super) fn read(path: &Path) -> io::Result<(String, Stamp)> {
    let mut file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, stamp))
}

/// Makes a file with one key unless there is one. Of several processes one is first: its key counts.
pub(super) fn make_missing(path: &Path, now: DateTime<Utc>) -> Result<(), KeyError> {
    let failed = |source| KeyError::file(path, source);
    if path.try_exists().map_err(failed)? {
        return Ok(());
    }
    make(path, &Ring::of(Member::fresh(now)?)).map_err(failed)
}

/// What a rotation has changed.
pub(crate) struct Rotated {
    /// The new key.
    pub(crate) fresh: String,
    /// Those that go on verifying.
    pub(crate) kept: Vec<String>,
    /// Those whose tokens are refused from now on.
    pub(crate) dropped: Vec<String>,
}

/// Puts a fresh key in front. Two at the same time do it one after the other.
pub(crate) fn rotate(path: &Path, drop_old: bool, now: DateTime<Utc>) -> Result<Rotated, KeyError> {
    let failed = |source| KeyError::file(path, source);
    // A link keeps leading to the file.
    let path = fs::canonicalize(path).map_err(failed)?;
    let _lock = lock(&path).map_err(failed)?;
    let (text, stamp) = read(&path).map_err(failed)?;
    let old = Ring::parse(&text)?;
    let names = |ring: &Ring| -> Vec<String> {
        ring.members().iter().map(|member| member.public.kid.clone()).collect()
    };
    let before = names(&old);
    let fresh = Member::fresh(now)?;
    let ring =
        if drop_old { Ring::of(fresh) } else { old.rotated(fresh, now, stamp.modified.into()) };
    replace(&path, &ring).map_err(failed)?;
    let mut kept = names(&ring);
    let fresh = kept.remove(0);
    let dropped = before.into_iter().filter(|kid| !kept.contains(kid)).collect();
    Ok(Rotated { fresh, kept, dropped })
}

/// Waits until nobody else changes the file. The lock ends with what is returned; its file stays,
/// since removing it would let two in.
fn lock(path: &Path) -> io::Result<File> {
    let beside = beside(path, "lock");
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(beside)?;
    lock.lock()?;
    Ok(lock)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// A whole file beside `path`, on the disk, for its owner alone; `then` puts it in place.
fn draft(
    path: &Path,
    ring: &Ring,
    then: impl FnOnce(&File, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let draft = beside(path, &format!("{:016x}", rand::random::<u64>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(ring.to_text().as_bytes()).and_then(|()| file.sync_all());
    let done = written.and_then(|()| then(&file, &draft));
    // Gone already where it was renamed; never left behind.
    let _ = fs::remove_file(&draft);
    done?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Puts a file at `path` unless there is one by now.
fn make(path: &Path, ring: &Ring) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    draft(path, ring, |_, draft| match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    })
}

/// Replaces the file at `path` at once, for the same owner.
fn replace(path: &Path, ring: &Ring) -> io::Result<()> {
    let owner = fs::metadata(path)?;
    draft(path, ring, |file, draft| {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
            fchown(file, Some(owner.uid()), Some(owner.gid()))?;
        }
        fs::rename(draft, path)
    })
}
