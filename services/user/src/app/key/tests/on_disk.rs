//! The key file: made, rotated, changed under a running signer.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("marca-key-{:016x}", rand::random::<u64>());
        Self(std::env::temp_dir().join(name))
    }

    fn file(&self) -> PathBuf {
        self.0.join("signing-key.pem")
    }

    /// A signer with the file, in development.
    fn signer(&self) -> Signer {
        let file = self.file().display().to_string();
        let env = Env::from_iter([("SIGNING_KEY_FILE", file.as_str())]);
        let settings = Settings::read(&env, Topology::Single(Service::User));
        Signer::load(&settings.unwrap_or_else(|_| panic!("valid"))).unwrap()
    }

    fn age(&self, seconds: u64) {
        let file = File::options().append(true).open(self.file()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let names = fs::read_dir(&self.0).unwrap().map(name);
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn signing(signer: &Signer) -> String {
    signer.told().into_iter().find(|key| key.signs).unwrap().kid
}

fn all(signer: &Signer) -> Vec<String> {
    signer.told().into_iter().map(|key| key.kid).collect()
}

#[test]
fn the_key_file_is_made_once_for_its_owner_alone() {
    let folder = Folder::new();
    let path = folder.file();
    assert!(read(&path).is_err(), "production makes no key");
    make_missing(&path, now()).unwrap();
    let made = read(&path).unwrap().0;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    make_missing(&path, now()).unwrap();
    assert_eq!(read(&path).unwrap().0, made);
    assert_eq!(folder.files(), ["signing-key.pem"], "no draft is left behind");
}

#[test]
fn a_rotated_file_is_published_at_once_and_signs_when_it_has_settled() {
    let folder = Folder::new();
    let mut signer = folder.signer();
    let first = signing(&signer);
    let before = fs::metadata(folder.file()).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let etag = signer.published().etag;
    let done = rotate(&folder.file(), false, SystemClock.now()).unwrap();
    assert_eq!((&done.kept, done.dropped.len()), (&vec![first.clone()], 0));
    let after = fs::metadata(folder.file()).unwrap();
    assert_eq!(after.permissions().mode() & 0o777, 0o600);
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_eq!(folder.files(), ["signing-key.pem", "signing-key.pem.lock"]);

    assert_eq!(all(&signer), [first.as_str()], "nobody has looked yet");
    assert!(signer.reload().unwrap());
    assert!(!signer.reload().unwrap(), "read once");
    assert_eq!(all(&signer), [done.fresh.as_str(), first.as_str()]);
    assert_ne!(signer.published().etag, etag);
    assert_eq!(signing(&signer), first);
    assert_eq!(signing(&folder.signer()), first, "one that starts now does the same");
    folder.age(11);
    assert!(!signer.reload().unwrap(), "the same keys");
    assert_eq!(signing(&signer), done.fresh);
    folder.age(0);
    signer.reload().unwrap();
    assert_eq!(signing(&signer), first);
    signer.delay = TimeDelta::zero();
    assert_eq!(signing(&signer), done.fresh, "the delay decides");
}

#[test]
fn a_key_that_became_known_is_gone_at_once() {
    let folder = Folder::new();
    let signer = folder.signer();
    let first = signing(&signer);
    let kept = rotate(&folder.file(), false, SystemClock.now()).unwrap().fresh;
    let done = rotate(&folder.file(), true, SystemClock.now()).unwrap();
    assert_eq!((done.dropped, done.kept), (vec![kept, first], Vec::new()));
    signer.reload().unwrap();
    assert_eq!((all(&signer), signing(&signer)), (vec![done.fresh.clone()], done.fresh));
}

#[test]
fn a_broken_file_changes_nothing_and_is_not_shown() {
    let folder = Folder::new();
    let signer = folder.signer();
    let first = all(&signer);
    let whole = fs::read_to_string(folder.file()).unwrap();
    let body = whole.lines().nth(2).unwrap();
    for broken in ["", "not a key", &whole[..whole.len() - 8]] {
        fs::write(folder.file(), broken).unwrap();
        let error = signer.reload().unwrap_err().to_string();
        assert!(error.contains("Ed25519") && !error.contains(body), "{error}");
        assert!(rotate(&folder.file(), false, now()).is_err(), "nothing is put on top of ruins");
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), broken);
    }
    fs::remove_file(folder.file()).unwrap();
    assert!(signer.reload().is_err());
    assert_eq!(all(&signer), first);
    fs::write(folder.file(), format!("{}{whole}", fresh(now()))).unwrap();
    assert!(signer.reload().unwrap());
    assert_eq!(all(&signer).len(), 2, "mended");
}

#[test]
fn rotations_at_the_same_time_lose_no_key() {
    let folder = Folder::new();
    let first = signing(&folder.signer());
    let path = folder.file();
    let rotate = || rotate(&path, false, SystemClock.now()).unwrap().fresh;
    let mut made: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    made.push(first);
    let mut there = all(&folder.signer());
    made.sort();
    there.sort();
    assert_eq!(there, made);
}

#[test]
fn a_link_keeps_leading_to_the_rotated_file() {
    let folder = Folder::new();
    let signer = folder.signer();
    let link = folder.0.join("link.pem");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    let done = rotate(&link, false, SystemClock.now()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    signer.reload().unwrap();
    assert!(all(&signer).contains(&done.fresh));
}
