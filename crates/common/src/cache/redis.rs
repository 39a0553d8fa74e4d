//! The cache all replicas share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Script, cmd};

use super::Cache;
use crate::streams::{BusError, Link, LinkError};

/// How long a command may take: a cache that is slow is of no use.
const COMMAND: Duration = Duration::from_millis(100);
/// How long a generation is remembered. A forgotten one is made anew, and higher.
const GENERATION_MS: u64 = 24 * 3_600_000;
/// Invalidations that could not be made and are remembered; then the oldest names go.
const OWED: usize = 10_000;
/// Of these, how many are made good at a time.
const SETTLED: usize = 100;

/// Raises generations. Microseconds of the server, or one more than before: whatever became of the
/// key, eviction or restart, a generation never comes back.
const RAISE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for _, key in ipairs(KEYS) do
  local last = tonumber(redis.call('GET', key)) or 0
  redis.call('SET', key, string.format('%.0f', math.max(last + 1, now)), 'PX', ARGV[1])
end
return 1
";

/// Reads a generation, or makes it.
const READ: &str = r"
local last = redis.call('GET', KEYS[1])
if last then return last end
local time = redis.call('TIME')
local first = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], first, 'PX', ARGV[1])
return first
";

/// Stores a value with its generation in front, if that is still current.
const STORE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[3])
return 1
";

/// Entries in Redis, under `cache:`. Clones share the connection.
#[derive(Clone)]
pub struct RedisCache {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    raise: Script,
    read: Script,
    store: Script,
    /// Scopes whose invalidation did not get through. For us they are empty until it does.
    owed: Mutex<BTreeSet<String>>,
}

impl RedisCache {
    /// A cache at `url`. Connects with the first command; only a URL that cannot be read is an
    /// error.
    pub fn connect(url: &str) -> Result<Self, BusError> {
        let inner = Inner {
            link: Link::open(url, COMMAND)?,
            raise: Script::new(RAISE),
            read: Script::new(READ),
            store: Script::new(STORE),
            owed: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn owed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.inner.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes good what is owed, if Redis is back. True if nothing is owed to `scope` then.
    async fn settled(&self, scope: &str) -> bool {
        let some: Vec<String> = self.owed().iter().take(SETTLED).cloned().collect();
        if some.is_empty() {
            return true;
        }
        if self.raise(&some).await.is_ok() {
            let mut owed = self.owed();
            for scope in &some {
                owed.remove(scope);
            }
        }
        !self.owed().contains(scope)
    }

    async fn raise(&self, scopes: &[String]) -> Result<(), LinkError> {
        let mut call = self.inner.raise.prepare_invoke();
        for scope in scopes {
            call.key(generation_key(scope));
        }
        call.arg(GENERATION_MS);
        self.inner.link.invoke::<i64>(&call).await.map(drop)
    }
}

fn generation_key(scope: &str) -> String {
    format!("cache:g:{scope}")
}

fn value_key(scope: &str, key: &str) -> String {
    format!("cache:v:{scope}:{key}")
}

/// What one command came to; its errors are misses.
fn heard<T>(answer: Result<T, LinkError>) -> Option<T> {
    answer.inspect_err(|error| tracing::debug!(%error, "cache")).ok()
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, scope: &str, key: &str) -> Option<Bytes> {
        if !self.settled(scope).await {
            return None;
        }
        let mut command = cmd("MGET");
        command.arg(generation_key(scope)).arg(value_key(scope, key));
        let (generation, stored): (Option<Vec<u8>>, Option<Vec<u8>>) =
            heard(self.inner.link.query(&command).await)?;
        let (generation, stored) = (generation?, Bytes::from(stored?));
        let value = stored.strip_prefix(generation.as_slice())?.strip_prefix(b":")?;
        Some(stored.slice_ref(value))
    }

    async fn generation(&self, scope: &str) -> Option<u64> {
        if !self.settled(scope).await {
            return None;
        }
        let mut call = self.inner.read.prepare_invoke();
        call.key(generation_key(scope)).arg(GENERATION_MS);
        heard(self.inner.link.invoke(&call).await)
    }

    async fn put(&self, scope: &str, key: &str, generation: u64, value: Bytes, ttl: Duration) {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, GENERATION_MS);
        if self.owed().contains(scope) {
            return;
        }
        let mut call = self.inner.store.prepare_invoke();
        call.key(generation_key(scope)).key(value_key(scope, key));
        call.arg(generation).arg(value.as_ref()).arg(ttl);
        heard::<i64>(self.inner.link.invoke(&call).await);
    }

    async fn invalidate(&self, scope: &str) -> bool {
        let scopes = [scope.to_owned()];
        if heard(self.raise(&scopes).await).is_some() {
            // A value that was stored before is raised above as well.
            self.owed().remove(scope);
            return true;
        }
        let mut owed = self.owed();
        owed.insert(scope.to_owned());
        if owed.len() > OWED {
            owed.pop_first();
        }
        false
    }
}
