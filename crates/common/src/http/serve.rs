//! The server. `axum::serve` has no header time-out, no cap on connections, and waits for idle ones
//! for ever when it stops; this one has and does not.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::client::Peer;
use crate::settings::Bounds;

/// The most connections held at once.
const MAX_CONNECTIONS: usize = 4_096;
/// The longest a request may take to be finished once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// A bound port.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Binds, so that a taken port is known before anything else is started.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address bound, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves until `stop`, then finishes the requests under way, at most [`DRAIN`] long.
pub async fn serve(bound: Bound, router: Router, bounds: Bounds, stop: CancellationToken) {
    let router = router.layer(DefaultBodyLimit::max(bounds.body_bytes));
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(bounds.head).keep_alive(true);
    // A head beyond either is answered 431.
    server.max_header_size(bounds.head_bytes).max_headers(bounds.headers);
    let connections = tokio_util::task::TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&bound.listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let router = router.clone();
        let service = tower::service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request)
        });
        // A client that does not read its answer holds a connection and memory: it is cut.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(bounds.write));
        let (stream, service) = (TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
        let connection = graceful.watch(server.serve_connection(stream, service));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(bound.listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections were still open and are cut");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
            Some((stream, peer, slot))
        }
        Err(error) => {
            // Out of file descriptors, for one. Give the others time to end.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
