//! The server over real sockets: what it lets a client take of time, memory and requests, and whose
//! word about the client's address it believes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use common::Platform;
use common::http::{Bound, ClientIp, Context, Outcome, Raw, Subject, finish, serve};
use common::settings::{Bounds, Settings, Topology};
use contracts::Service;
use http::HeaderMap;
use reqwest::{Client, Response};
use serde_json::Value;
use testkit::wait::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Far longer than any bound of these tests, and no time that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);
/// A bound that is waited for.
const SOON: Duration = Duration::from_millis(100);

/// A server that ends with its test.
struct Server {
    address: SocketAddr,
    client: Client,
    /// Parts of the endless answer that were taken, and whether its end was.
    taken: Arc<AtomicUsize>,
    let_go: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Tells when it is dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Server {
    async fn start(variables: &[(&str, &str)], adjust: impl FnOnce(&mut Bounds)) -> Self {
        let env = variables.iter().copied().collect();
        let mut settings = Settings::read(&env, Topology::Single(Service::Booking))
            .unwrap_or_else(|offences| panic!("{offences:?}"));
        adjust(&mut settings.edge.bounds);
        let bounds = settings.edge.bounds;
        let platform = Platform::open(settings).expect("a platform");
        let (taken, let_go) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let router = finish(&platform, "test", routes(&platform, &taken, &let_go), &[]);
        let bound = Bound::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let (address, stop) = (bound.address(), CancellationToken::new());
        TaskTracker::new().spawn(serve(bound, router, bounds, stop.clone()));
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { address, client, taken, let_go, stop }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.client.get(self.url(path));
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("an answer")
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends `bytes` and nothing more, and reads until the server ends the connection.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may refuse, and end, before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let reading = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
        let _ = reading.await.expect("the server ends the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn routes(platform: &Platform, taken: &Arc<AtomicUsize>, let_go: &Arc<AtomicBool>) -> Router {
    let (taken, let_go, limits) = (Arc::clone(taken), Arc::clone(let_go), platform.limits.clone());
    let endless = move || {
        let (taken, guard) = (Arc::clone(&taken), Guard(Arc::clone(&let_go)));
        let parts = futures_util::stream::unfold(guard, move |guard| {
            taken.fetch_add(1, Ordering::SeqCst);
            async move { Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 65_536])), guard)) }
        });
        async move { Body::from_stream(parts) }
    };
    let who = |client: ClientIp| async move {
        client.address().map(|address| address.to_string()).unwrap_or_default()
    };
    let account = move |context: Context| async move {
        let outcome: Outcome<()> = limits.admit(&context, Subject::Account(Uuid::from_u128(1)));
        outcome.map(|()| "counted")
    };
    let keep = |Raw(value): Raw| async move { value.to_string() };
    Router::new()
        .route("/who", get(who))
        .route("/hang", get(std::future::pending::<&'static str>))
        .route("/endless", get(endless))
        .route("/account", get(account))
        .route("/keep", post(keep))
        .route("/health", get(|| async { "ok" }))
}

/// An error in the contract's shape; its headers.
async fn problem(answer: Response, status: u16, code: &str) -> HeaderMap {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let headers = answer.headers().clone();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["error"], code, "{body}");
    assert_eq!(body["success"], false);
    assert_eq!(body["trace_id"].as_str(), headers["x-request-id"].to_str().ok());
    headers
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let server = Server::start(&[], |bounds| bounds.head = SOON).await;
    let answer = server.raw(b"GET /who HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(!answer.contains("200"), "{answer}");
    // One that hurries is served, and cut only when it dawdles over the next request.
    let answer = server.raw(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_head_is_bounded_in_size_and_number() {
    let server = Server::start(&[], |_| {}).await;
    let head =
        |lines: &str| format!("GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n");
    let many = |count: usize| {
        (0..count).fold(String::new(), |text, number| text + &format!("X-{number}: y\r\n"))
    };
    let large = |bytes: usize| format!("X-Large: {}\r\n", "y".repeat(bytes));
    for (lines, status) in
        [(many(98), "200"), (many(99), "431"), (large(60_000), "200"), (large(70_000), "431")]
    {
        let answer = server.raw(head(&lines).as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
}

#[tokio::test]
async fn a_body_is_bounded_in_size_and_time() {
    let server = Server::start(&[], |bounds| bounds.body = SOON).await;
    let send = async |length: usize| {
        let body = format!("\"{}\"", "x".repeat(length - 2));
        let request = server.client.post(server.url("/keep")).body(body);
        request.header("content-type", "application/json").send().await.expect("an answer")
    };
    assert_eq!(send(1_048_576).await.status(), 200);
    problem(send(1_048_577).await, 413, "payload_too_large").await;
    let slow = server
        .raw(
            b"POST /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
              Content-Length: 9\r\n\r\n\"abc",
        )
        .await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    assert!(slow.contains("\"error\":\"request_timeout\""), "{slow}");
}

#[tokio::test]
async fn what_only_reads_is_answered_in_time_or_refused() {
    let server = Server::start(&[], |bounds| bounds.answer = SOON).await;
    let late = problem(server.get("/hang", &[]).await, 503, "unavailable").await;
    assert_eq!(header(&late, "retry-after"), "2");
    assert_eq!(server.get("/who", &[]).await.status(), 200);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let server = Server::start(&[], |bounds| bounds.write = SOON).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    until(PATIENCE, "the server lets the answer go", async || server.let_go.load(Ordering::SeqCst))
        .await;
    assert!(server.taken.load(Ordering::SeqCst) > 0);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is over");
}

/// The pause of a write bound counts only while nothing moves: whoever reads may take long.
#[tokio::test]
async fn a_client_that_reads_is_not_cut() {
    let server = Server::start(&[], |bounds| bounds.write = SOON).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let (mut part, mut read) = (vec![0; 65_536], 0);
    let began = std::time::Instant::now();
    while began.elapsed() < 5 * SOON || read < 64 * 65_536 {
        read += stream.read(&mut part).await.expect("still there");
    }
    assert!(!server.let_go.load(Ordering::SeqCst));
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_the_client_is() {
    let who = async |trusted: &str, headers: &[(&str, &str)]| {
        let server = Server::start(&[("TRUSTED_PROXIES", trusted)], |_| {}).await;
        server.get("/who", headers).await.text().await.expect("text")
    };
    let claims = [("x-real-ip", "203.0.113.9"), ("x-forwarded-for", "198.51.100.1")];
    assert_eq!(who("none", &claims).await, "127.0.0.1");
    assert_eq!(who("10.0.0.0/8", &claims).await, "127.0.0.1");
    assert_eq!(who("127.0.0.1", &claims).await, "203.0.113.9");
    assert_eq!(who("127.0.0.1", &claims[1..]).await, "198.51.100.1");
    assert_eq!(who("127.0.0.1", &[]).await, "127.0.0.1");
}

#[tokio::test]
async fn an_address_has_one_bucket_whatever_it_claims() {
    let env = [("TRUSTED_PROXIES", "none"), ("RATE_LIMIT_IP", "3")];
    let server = Server::start(&env, |_| {}).await;
    for left in (0..3).rev() {
        let claimed = format!("203.0.113.{left}");
        let headers = [("x-forwarded-for", &*claimed), ("x-real-ip", &*claimed)];
        let answer = server.get("/who", &headers).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(answer.headers(), "ratelimit-policy"), "\"ip\";q=3;w=60");
        assert!(header(answer.headers(), "ratelimit").starts_with(&format!("\"ip\";r={left};t=")));
    }
    // What has no route is counted as well, and a write is refused before its body is read.
    for path in ["/who", "/nothing"] {
        let refused = server.get(path, &[("x-real-ip", "203.0.113.77")]).await;
        let refused = problem(refused, 429, "rate_limited").await;
        let wait: u64 = header(&refused, "retry-after").parse().expect("seconds");
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(header(&refused, "ratelimit"), format!("\"ip\";r=0;t={wait}"));
    }
    for _ in 0..5 {
        let health = server.get("/health", &[]).await;
        assert_eq!((health.status().as_u16(), header(health.headers(), "ratelimit")), (200, ""));
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_bucket() {
    let env = [("TRUSTED_PROXIES", "127.0.0.0/8"), ("RATE_LIMIT_IP", "1")];
    let server = Server::start(&env, |_| {}).await;
    let ask =
        async |client: &str| server.get("/who", &[("x-real-ip", client)]).await.status().as_u16();
    assert_eq!([ask("203.0.113.1").await, ask("203.0.113.1").await], [200, 429]);
    assert_eq!(ask("203.0.113.2").await, 200);
    // One /64 is one client: whoever has one has all its addresses.
    assert_eq!([ask("2001:db8::1").await, ask("2001:db8::ffff:2").await], [200, 429]);
    assert_eq!(ask("2001:db8:0:1::1").await, 200);
}

/// Of the limits that count a request the answer tells the one that binds most.
#[tokio::test]
async fn an_account_is_limited_wherever_it_asks_from() {
    let env =
        [("TRUSTED_PROXIES", "127.0.0.0/8"), ("RATE_LIMIT_IP", "9"), ("RATE_LIMIT_ACCOUNT", "2")];
    let server = Server::start(&env, |_| {}).await;
    let ask = async |client: &str| server.get("/account", &[("x-real-ip", client)]).await;
    for (client, left) in [("203.0.113.1", 1), ("203.0.113.2", 0)] {
        let answer = ask(client).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(answer.headers(), "ratelimit-policy"), "\"account\";q=2;w=60");
        assert!(
            header(answer.headers(), "ratelimit").starts_with(&format!("\"account\";r={left};"))
        );
    }
    let refused = problem(ask("203.0.113.3").await, 429, "rate_limited").await;
    assert!(header(&refused, "ratelimit").starts_with("\"account\";r=0;"));
}
