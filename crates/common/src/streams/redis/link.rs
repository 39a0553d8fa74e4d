//! A connection to Redis that never makes a caller wait for long.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ScriptInvocation, ServerErrorKind,
};
use thiserror::Error;
use tokio::time::{Instant, timeout};

use crate::streams::bus::BusError;

/// How long commands fail at once after one has failed. Then one is let through as a probe.
const REST: Duration = Duration::from_millis(500);

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, Error)]
pub(crate) enum LinkError {
    /// No connection, no answer in time, or none tried because the last one failed a moment ago.
    #[error("{0}")]
    Unreachable(String),
    /// Redis answered with an error.
    #[error(transparent)]
    Answer(#[from] RedisError),
}

impl From<LinkError> for BusError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Unreachable(why) => Self::Unreachable(why),
            LinkError::Answer(answer) => Self::Refused(answer.to_string()),
        }
    }
}

/// One multiplexed connection for short commands, made when needed, with a breaker.
#[derive(Clone)]
pub(crate) struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    limit: Duration,
    connection: tokio::sync::Mutex<Option<MultiplexedConnection>>,
    /// Until when commands fail at once; none while all is well.
    resting: Mutex<Option<Instant>>,
}

impl Link {
    /// A link to `url` whose commands take `limit` at most, connecting included.
    pub(crate) fn open(url: &str, limit: Duration) -> Result<Self, BusError> {
        // The URL may hold a password.
        let client = Client::open(url)
            .map_err(|_| BusError::Refused("REDIS_URL is not a Redis URL".to_owned()))?;
        let (connection, resting) = Default::default();
        Ok(Self { inner: Arc::new(Inner { client, limit, connection, resting }) })
    }

    /// Sends a command.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, LinkError> {
        self.guard(async |mut connection| command.query_async(&mut connection).await).await
    }

    /// Calls a script.
    pub(crate) async fn invoke<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, LinkError> {
        self.guard(async |mut connection| call.invoke_async(&mut connection).await).await
    }

    /// A connection of the caller's own, for commands that block. Nothing limits them but the
    /// caller.
    pub(crate) async fn dedicated(&self) -> Result<MultiplexedConnection, LinkError> {
        let limit = self.inner.limit;
        bounded(limit, self.connect(None)).await
    }

    async fn connect(&self, response: Option<Duration>) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.inner.limit))
            .set_response_timeout(response);
        self.inner.client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn guard<T, F>(&self, work: F) -> Result<T, LinkError>
    where
        F: AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    {
        self.enter()?;
        let limit = self.inner.limit;
        let done = bounded(limit, async {
            let connection = self.connection().await?;
            work(connection).await
        });
        let done = done.await;
        match &done {
            Err(LinkError::Unreachable(_)) => {
                self.rest(Some(REST));
                // Whatever is wrong with the connection, a new one has not got it.
                if let Ok(mut connection) = self.inner.connection.try_lock() {
                    *connection = None;
                }
            }
            Ok(_) | Err(LinkError::Answer(_)) => self.rest(None),
        }
        done
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut held = self.inner.connection.lock().await;
        if let Some(connection) = held.as_ref() {
            return Ok(connection.clone());
        }
        let connection = self.connect(Some(self.inner.limit)).await?;
        *held = Some(connection.clone());
        Ok(connection)
    }

    fn enter(&self) -> Result<(), LinkError> {
        let mut resting = self.inner.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match *resting {
            Some(until) if now < until => {
                Err(LinkError::Unreachable("not tried, it failed a moment ago".to_owned()))
            }
            Some(_) => {
                // This caller is the probe; the others wait for what it finds.
                *resting = Some(now + self.inner.limit + REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn rest(&self, rest: Option<Duration>) {
        let mut resting = self.inner.resting.lock().unwrap_or_else(PoisonError::into_inner);
        *resting = rest.map(|rest| Instant::now() + rest);
    }
}

/// Waits for an answer no longer than `limit`, and tells an answer from none.
pub(super) async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> Result<T, LinkError> {
    match timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if is_answer(&error) => Err(LinkError::Answer(error)),
        Ok(Err(error)) => Err(LinkError::Unreachable(error.to_string())),
        Err(_) => Err(LinkError::Unreachable(format!("no answer within {limit:?}"))),
    }
}

fn is_answer(error: &RedisError) -> bool {
    let away =
        [ServerErrorKind::BusyLoading, ServerErrorKind::MasterDown, ServerErrorKind::ReadOnly];
    if let ErrorKind::Server(kind) = error.kind() {
        return !away.contains(&kind);
    }
    !error.is_unrecoverable_error() && !error.is_timeout() && !error.is_io_error()
}
