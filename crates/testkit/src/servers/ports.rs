//! Ports that stay ours: chosen outside the range from which the kernel serves outgoing
//! connections, and leased by a file lock against other test processes.

use super::{ServerError, workdir};
use std::fs::File;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

/// Linux hands out 32768 and above to outgoing connections; a port from there could be taken
/// while the server that owns it is being restarted.
const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;

static LEASES: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A free port on 127.0.0.1 that no other call gets while this process lives.
///
/// # Panics
/// When no port of the range is free.
pub fn free_port() -> u16 {
    match lease() {
        Ok(port) => port,
        Err(error) => panic!("no free port: {error}"),
    }
}

fn lease() -> Result<u16, ServerError> {
    let folder = workdir::base()?.join("ports");
    std::fs::create_dir_all(&folder).map_err(ServerError::io("create the folder of leases"))?;
    // A random start keeps processes that begin together apart.
    let random = uuid::Uuid::new_v4().as_u128();
    let start = u16::try_from(random % u128::from(COUNT)).unwrap_or(0);
    for step in 0..COUNT {
        let port = FIRST + (start + step) % COUNT;
        let file = File::create(folder.join(port.to_string()))
            .map_err(ServerError::io("open the lease of a port"))?;
        if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            LEASES.lock().unwrap_or_else(PoisonError::into_inner).push(file);
            return Ok(port);
        }
    }
    Err(ServerError::Missing {
        program: "a free port",
        advice: format!("All of {FIRST}..{} are taken.", FIRST + COUNT),
    })
}
