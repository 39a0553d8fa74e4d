//! Metrics in the Prometheus text format. A registry belongs to a platform, not to the process, so
//! two platforms in one test process do not mix.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::{
    counter::Counter, family::Family, gauge::Gauge, histogram::Histogram,
};
use prometheus_client::registry::Registry;

/// Labels of an answered request. The route is its template, never the raw path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    service: &'static str,
    method: String,
    route: String,
    status: u16,
}

/// Labels of something counted per service and kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    service: &'static str,
    kind: String,
}

/// The counters and histograms of a platform.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Histogram>,
    neighbour_calls: Family<KindLabels, Counter>,
    consumer_lag: Family<KindLabels, Gauge>,
    dead_letters: Family<KindLabels, Gauge>,
    password_comparisons: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("marca");
        let requests = Family::<RequestLabels, Histogram>::new_with_constructor(|| {
            Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
        });
        let neighbour_calls = Family::<KindLabels, Counter>::default();
        let consumer_lag = Family::<KindLabels, Gauge>::default();
        let dead_letters = Family::<KindLabels, Gauge>::default();
        registry.register("http_request_seconds", "Time to answer, by route", requests.clone());
        registry.register("neighbour_calls", "Calls to other services", neighbour_calls.clone());
        registry.register("consumer_lag", "Head minus checkpoint, by source", consumer_lag.clone());
        registry.register(
            "dead_letters",
            "Events laid aside after failing, at most 1,000 counted",
            dead_letters.clone(),
        );
        let password_comparisons = Counter::default();
        registry.register(
            "password_comparisons",
            "Passwords compared with a hash, or with a decoy",
            password_comparisons.clone(),
        );
        let tzdb: Family<Vec<(&str, String)>, Gauge> = Family::default();
        tzdb.get_or_create(&vec![("version", scheduling::zone::tzdb_version())]).set(1);
        registry.register("tzdb_info", "Time zone database in use", tzdb);
        Self(Arc::new(Inner {
            registry,
            requests,
            neighbour_calls,
            consumer_lag,
            dead_letters,
            password_comparisons,
        }))
    }
}

impl Metrics {
    /// Counts an answered request.
    pub fn request(
        &self,
        service: &'static str,
        method: &str,
        route: &str,
        status: u16,
        took: Duration,
    ) {
        let (method, route) = (method.to_owned(), route.to_owned());
        let labels = RequestLabels { service, method, route, status };
        self.0.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a call to a neighbour.
    pub fn neighbour_call(&self, service: &'static str, outcome: &str) {
        let labels = KindLabels { service, kind: outcome.to_owned() };
        self.0.neighbour_calls.get_or_create(&labels).inc();
    }

    /// Sets how far a consumer is behind a source.
    pub fn lag(&self, consumer: &'static str, source: &str, behind: i64) {
        let labels = KindLabels { service: consumer, kind: source.to_owned() };
        self.0.consumer_lag.get_or_create(&labels).set(behind);
    }

    /// Sets how many events a consumer could not apply and laid aside.
    pub fn dead_letters(&self, consumer: &'static str, count: usize) {
        let labels = KindLabels { service: consumer, kind: "dead".to_owned() };
        self.0.dead_letters.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a password that is compared.
    pub fn password_compared(&self) {
        self.0.password_comparisons.inc();
    }

    /// Everything as Prometheus text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}
