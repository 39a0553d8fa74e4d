//! The authorization matrix and the sweep of ids, through nginx, against the four processes.

use crate::api::Api;
use crate::authority::create;
use crate::cluster::{Cluster, Options};
use crate::figures::beside_others;
use crate::world::{PASSWORD, date, domain};
use chrono::NaiveDate;
use contracts::Service;
use reqwest::Method;
use serde_json::Value;
use testkit::app::Answer;
use testkit::matrix::{Caller, Front, judge};
use testkit::sweep::sweep;

/// A platform in required mode, as the matrix asks it.
struct Outside {
    cluster: Cluster,
    api: Api,
}

impl Outside {
    async fn start() -> Self {
        let cluster = Cluster::start(Options { auth: "required", ..Options::default() }).await;
        let api = cluster.api();
        Self { cluster, api }
    }
}

impl Front for Outside {
    async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        let api = if token.is_empty() { self.api.clone() } else { self.api.with_token(token) };
        let reply = api.call(method, path, body).await;
        let text = reply.body.to_string();
        let status = reply.status.try_into().unwrap();
        Answer { status, headers: reply.headers, body: reply.body, text }
    }

    async fn operator(&self, email: &str) {
        let done = create(self.cluster.database(Service::User), email, &[], Some(PASSWORD));
        assert_eq!(done.code, Some(0), "{}", done.output);
    }

    fn signing_key(&self) -> String {
        std::fs::read_to_string(format!("{}/signing-key.pem", self.cluster.data())).unwrap()
    }

    async fn settle(&self) {}

    fn today(&self) -> NaiveDate {
        date(0)
    }
}

#[tokio::test]
async fn every_operation_answers_each_caller_as_its_row_says_through_nginx() {
    let _beside = beside_others().await;
    let front = Outside::start().await;
    judge(&front, &domain(), &Caller::ALL).await;
    front.cluster.assert_no_errors();
}

#[tokio::test]
async fn a_sweep_of_a_tenants_ids_finds_nothing_through_nginx() {
    let _beside = beside_others().await;
    let front = Outside::start().await;
    sweep(&front, &domain()).await;
    front.cluster.assert_no_errors();
}
