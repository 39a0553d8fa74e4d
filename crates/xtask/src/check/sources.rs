//! What source files may contain: no file longer than the limit, the web framework and the
//! database only in their rooms.

use crate::failure::Failure;
use crate::shell;
use std::fs;
use std::path::Path;

/// The most lines a file may have.
const LONGEST: usize = 400;

/// A library and the rooms it may be named in; `*` stands for one folder. Its handles are types
/// that may be passed through anywhere: to carry a transaction is not to make a query.
struct Room {
    library: &'static str,
    paths: &'static [&'static str],
    handles: &'static [&'static str],
}

const ROOMS: [Room; 3] = [
    Room {
        library: "axum",
        paths: &[
            "crates/common/src/auth",
            "crates/common/src/http",
            "crates/testkit/src/",
            "crates/xtask/src/check/",
            "services/*/src/http",
            "services/*/src/lib.rs",
            "services/all-in-one/src/",
        ],
        handles: &["Router"],
    },
    Room { library: "sea_orm", paths: DATABASE, handles: HANDLES },
    Room { library: "sea_orm_migration", paths: DATABASE, handles: HANDLES },
];

const DATABASE: &[&str] = &[
    "crates/common/src/db",
    "crates/common/src/providers",
    "crates/common/src/streams",
    "crates/testkit/src/",
    "crates/xtask/src/check/",
    "services/*/src/store",
    "services/*/src/migration",
];

const HANDLES: &[&str] =
    &["ConnectionTrait", "DatabaseConnection", "DatabaseTransaction", "DbErr", "MigratorTrait"];

pub(crate) fn run() -> Result<(), Failure> {
    let mut found = Vec::new();
    let root = shell::root();
    for folder in ["crates", "services", "tests"] {
        visit(&root, &root.join(folder), &mut found)?;
    }
    Failure::from_complaints(&found)
}

fn visit(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<(), Failure> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            visit(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root)?.display().to_string();
            found.extend(offences(&name, &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn offences(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST {
        found.push(format!("{path}: {lines} lines, at most {LONGEST}"));
    }
    if !path.contains("/src/") {
        return found;
    }
    for Room { library, paths, handles } in &ROOMS {
        if paths.iter().any(|room| lies_in(path, room)) {
            continue;
        }
        let mut lines = text.lines();
        let used = lines.position(|line| names(line, library) && !passes(line, library, handles));
        found.extend(used.map(|at| format!("{path}:{}: {library} is not allowed here", at + 1)));
    }
    found
}

/// Whether a line of code (not a comment) uses a path that starts with `library`.
fn names(line: &str, library: &str) -> bool {
    let code = line.trim_start();
    if code.starts_with("//") {
        return false;
    }
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let starts = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':'));
        let after = &code[at + library.len()..];
        let imported = code.starts_with("use ") && after.starts_with([';', ' ']);
        starts && (after.starts_with("::") || imported)
    })
}

/// Whether all that a line takes from `library` are its handles.
fn passes(line: &str, library: &str, handles: &[&str]) -> bool {
    let path = format!("{library}::");
    line.split(&path).skip(1).all(|rest| {
        let (list, one) = match rest.strip_prefix('{') {
            Some(list) => (list.split('}').next().unwrap_or(list), false),
            None => (rest, true),
        };
        let words = list.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let mut words = words.filter(|word| !word.is_empty() && *word != "as" && *word != "_");
        if one {
            words.next().is_some_and(|word| handles.contains(&word))
        } else {
            words.all(|word| handles.contains(&word))
        }
    })
}

/// Whether `path` starts with `room`, in which a `*` is one folder.
fn lies_in(path: &str, room: &str) -> bool {
    match room.split_once('*') {
        None => path.starts_with(room),
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            rest.find('/').is_some_and(|slash| rest[slash..].starts_with(after))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_stay_in_their_rooms() {
        let text = "//! axum::Json\nuse axum::Json;\n";
        assert!(offences("services/booking/src/http/place.rs", text).is_empty());
        assert_eq!(
            offences("services/booking/src/app/place.rs", text),
            ["services/booking/src/app/place.rs:2: axum is not allowed here"]
        );
        let query = "let row = sea_orm::Statement::from_string(b, q);\n";
        assert!(offences("services/user/src/store/find.rs", query).is_empty());
        assert_eq!(offences("services/user/src/events.rs", query).len(), 1);
        assert!(offences("services/user/src/events.rs", "let x = my_axum::y;\n").is_empty());
    }

    #[test]
    fn handles_may_be_passed_through_anywhere() {
        let app = "services/user/src/app/login.rs";
        assert!(offences(app, "use sea_orm::{ConnectionTrait as _, DbErr};\n").is_empty());
        assert!(offences(app, "fn f(error: sea_orm::DbErr) -> String {\n").is_empty());
        assert_eq!(offences(app, "use sea_orm::{DbErr, EntityTrait};\n").len(), 1);
        assert_eq!(offences(app, "use sea_orm::Statement;\n").len(), 1);
    }

    #[test]
    fn long_files_are_named() {
        assert_eq!(offences("tests/tests/a.rs", &"\n".repeat(401)).len(), 1);
        assert!(offences("tests/tests/a.rs", &"\n".repeat(400)).is_empty());
    }
}
