//! Services at work: relays, consumers, jobs and the watch that keeps near caches right.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::platform::{Job, Platform, Service};
use crate::streams::Watch;

/// Built services whose background work is under way.
pub struct Running {
    platform: Platform,
    services: Arc<Vec<Service>>,
    /// In tests, where the watch runs on demand.
    watch: Mutex<Option<Box<dyn Watch>>>,
}

impl Running {
    /// Introduces the services to each other and starts their background work.
    pub fn start(platform: &Platform, services: Vec<Service>) -> Self {
        platform.introduce(&services);
        let running = Self {
            platform: platform.clone(),
            services: Arc::new(services),
            watch: Mutex::new(None),
        };
        for index in 0..running.services.len() {
            running.spawn_service(index);
        }
        running.spawn_watch();
        running
    }

    /// Introduces the services to each other without starting background work; [`Self::settle`] then
    /// does it on demand, as tests want it.
    pub fn idle(platform: &Platform, services: Vec<Service>) -> Self {
        platform.introduce(&services);
        let watch = Mutex::new(Some(platform.bus.watch(&platform.heard())));
        Self { platform: platform.clone(), services: Arc::new(services), watch }
    }

    /// The services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    fn spawn_service(&self, index: usize) {
        let platform = &self.platform;
        let (services, stop) = (Arc::clone(&self.services), platform.stop.clone());
        platform.tasks.spawn(async move { services[index].relay.run(stop).await });
        for consumer in 0..self.services[index].consumers.len() {
            let (services, stop) = (Arc::clone(&self.services), platform.stop.clone());
            platform
                .tasks
                .spawn(async move { services[index].consumers[consumer].run(stop).await });
        }
        for job in 0..self.services[index].jobs.len() {
            let (services, stop) = (Arc::clone(&self.services), platform.stop.clone());
            platform.tasks.spawn(async move { repeat(&services[index].jobs[job], stop).await });
        }
    }

    /// One watch a process: it hears events and drops what the near caches hold of it.
    fn spawn_watch(&self) {
        let platform = self.platform.clone();
        self.platform.tasks.spawn(async move {
            let mut watch = platform.bus.watch(&platform.heard());
            loop {
                let news = tokio::select! {
                    () = platform.stop.cancelled() => break,
                    news = watch.next() => news,
                };
                platform.tell(&news);
            }
        });
    }

    /// Carries every event to its end: publishes, applies, and again until nothing is left.
    pub async fn settle(&self) -> Result<(), String> {
        for _ in 0..50 {
            let mut moved = 0;
            for service in self.services.iter() {
                moved += service.relay.drain().await.map_err(|error| error.to_string())?;
            }
            for consumer in self.services.iter().flat_map(|service| &service.consumers) {
                moved += consumer.drain().await.map_err(|error| error.to_string())?;
            }
            self.hear_news().await;
            if moved == 0 {
                return Ok(());
            }
        }
        Err("events never came to rest".to_owned())
    }

    /// Tells the near caches what the watch has heard so far.
    async fn hear_news(&self) {
        let mut held = self.watch.lock().await;
        let Some(watch) = held.as_mut() else { return };
        while let Some(news) = watch.next().now_or_never() {
            self.platform.tell(&news);
        }
        // What listeners handed to tasks of their own is to be done as well.
        tokio::task::yield_now().await;
    }

    /// The router of this process: one service's, or the gateway's table over all of them.
    pub fn router(&self, root: Router) -> Router {
        if let [service] = self.services.as_slice() {
            let name = service.name;
            let internal =
                crate::http::finish(&self.platform, name.name(), service.internal.clone(), &[]);
            let inner = service.probe.clone().routes().fallback_service(internal);
            return crate::http::gateway([(name, service.routes.clone())].into(), inner);
        }
        let routes = self.services.iter().map(|service| (service.name, service.routes.clone()));
        crate::http::gateway(routes.collect(), root)
    }
}

async fn woken(job: &Job) {
    match &job.wake {
        Some(wake) => wake.notified().await,
        None => std::future::pending().await,
    }
}

async fn repeat(job: &Job, stop: CancellationToken) {
    let mut every = tokio::time::interval(job.every.max(Duration::from_millis(100)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
            () = woken(job) => {}
        }
        if let Err(error) = (job.run)().await {
            tracing::warn!(job = job.name, error, "a job failed and will be tried again");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{Notify, mpsc};

    use super::*;

    #[tokio::test]
    async fn a_job_that_is_woken_does_not_wait_for_its_time() {
        let (told, mut runs) = mpsc::unbounded_channel();
        let wake = Arc::new(Notify::new());
        let job = Job {
            name: "test",
            every: Duration::from_hours(1),
            wake: Some(Arc::clone(&wake)),
            run: Arc::new(move || {
                let told = told.clone();
                Box::pin(async move { told.send(()).map_err(|error| error.to_string()) })
            }),
        };
        let stop = CancellationToken::new();
        let watched = async {
            runs.recv().await.unwrap();
            for _ in 0..3 {
                wake.notify_one();
                runs.recv().await.unwrap();
            }
            stop.cancel();
        };
        tokio::join!(repeat(&job, stop.clone()), watched);
    }
}
