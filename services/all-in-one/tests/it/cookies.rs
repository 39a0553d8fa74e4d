//! Sessions as a browser has them: a real cookie jar in front of a listening server.

use chrono::TimeDelta;
use cookie_store::{CookieError, CookieStore};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::world::{PASSWORD, World};

testkit::on_both_engines!(crate::world::guarded =>
    a_browser_stays_signed_in_and_signs_out,
    a_stolen_cookie_that_comes_late_ends_both,
    two_tabs_at_once_are_one_success_and_no_lock_out,
);

/// A browser: it keeps what it is told to keep, and shows it where it was told to.
struct Browser {
    jar: CookieStore,
    client: Client,
    base: Url,
}

/// What a page gets to see.
struct Seen {
    status: u16,
    body: Value,
}

impl Browser {
    async fn at(app: &TestApp) -> Self {
        let base = app.listen().await.parse().unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { jar: CookieStore::default(), client, base }
    }

    /// The same browser's jar in other hands.
    fn stolen(&self) -> Self {
        Self { jar: self.jar.clone(), client: self.client.clone(), base: self.base.clone() }
    }

    /// What it would send to a path.
    fn cookies(&self, path: &str) -> String {
        let url = self.base.join(path).unwrap();
        let pairs = self.jar.get_request_values(&url);
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn fetch(&self, path: &str, token: &str, body: &Value) -> reqwest::Response {
        let url = self.base.join(path).unwrap();
        let mut request = match path {
            "/auth/me" => self.client.get(url),
            _ => self.client.post(url),
        };
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let cookies = self.cookies(path);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    async fn take(&mut self, path: &str, answer: reqwest::Response) -> Seen {
        let url = self.base.join(path).unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            match self.jar.parse(cookie.to_str().unwrap(), &url) {
                // Taking away what is not there is fine.
                Ok(_) | Err(CookieError::Expired) => {}
                Err(error) => panic!("{cookie:?}: {error}"),
            }
        }
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Seen { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    async fn post(&mut self, path: &str, body: Value) -> Seen {
        let answer = self.fetch(path, "", &body).await;
        self.take(path, answer).await
    }

    async fn sign_in(&mut self, email: &str) -> String {
        let body = json!({ "username": email, "password": PASSWORD });
        let seen = self.post("/auth/token", body).await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        assert_eq!(seen.body["refresh_token"], Value::Null, "no script sees it");
        seen.body["access_token"].as_str().unwrap().to_owned()
    }

    async fn is_in(&self, token: &str) -> bool {
        let status = self.fetch("/auth/me", token, &Value::Null).await.status().as_u16();
        assert!(matches!(status, 200 | 401), "{status}");
        status == 200
    }

    fn is_empty(&self) -> bool {
        self.cookies("/auth/refresh").is_empty()
    }
}

async fn a_browser_stays_signed_in_and_signs_out(app: TestApp) {
    World::new(&app, "aba.example").await;
    let mut browser = Browser::at(&app).await;
    let token = browser.sign_in("joao@aba.example").await;
    assert!(browser.is_in(&token).await);
    let first = browser.cookies("/auth/refresh");
    assert!(first.starts_with("marca_refresh=mr_"), "{first}");
    assert_eq!(browser.cookies("/users/"), "", "it goes to /auth alone");
    assert_eq!(browser.cookies("/"), "");
    app.clock.advance(TimeDelta::hours(2));
    assert!(!browser.is_in(&token).await, "the access token has run out");
    let seen = browser.post("/auth/refresh", Value::Null).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert_ne!(browser.cookies("/auth/refresh"), first, "it was traded");
    let token = seen.body["access_token"].as_str().unwrap().to_owned();
    assert!(browser.is_in(&token).await);
    let late = browser.stolen();
    assert_eq!(browser.post("/auth/logout", Value::Null).await.status, 204);
    assert!(browser.is_empty(), "the cookie is taken away");
    assert!(!browser.is_in(&token).await);
    assert_eq!(browser.post("/auth/refresh", Value::Null).await.status, 401);
    let mut late = late;
    assert_eq!(late.post("/auth/refresh", Value::Null).await.status, 401);
    assert_eq!(browser.post("/auth/logout", Value::Null).await.status, 204, "once more");
    app.stop().await;
}

async fn a_stolen_cookie_that_comes_late_ends_both(app: TestApp) {
    World::new(&app, "ladra.example").await;
    let mut browser = Browser::at(&app).await;
    browser.sign_in("joao@ladra.example").await;
    let mut thief = browser.stolen();
    let seen = browser.post("/auth/refresh", Value::Null).await;
    assert_eq!(seen.status, 200);
    let token = seen.body["access_token"].as_str().unwrap().to_owned();
    app.clock.advance(TimeDelta::seconds(11));
    let seen = thief.post("/auth/refresh", Value::Null).await;
    assert_eq!((seen.status, seen.body["error"].as_str()), (401, Some("unauthorized")));
    assert!(thief.is_empty());
    assert!(!browser.is_in(&token).await, "the family is at an end");
    assert_eq!(browser.post("/auth/refresh", Value::Null).await.status, 401);
    assert!(browser.is_empty());
    // The honest one signs in again.
    let token = browser.sign_in("joao@ladra.example").await;
    assert!(browser.is_in(&token).await);
    app.stop().await;
}

async fn two_tabs_at_once_are_one_success_and_no_lock_out(app: TestApp) {
    World::new(&app, "abas.example").await;
    let mut browser = Browser::at(&app).await;
    browser.sign_in("joao@abas.example").await;
    for _ in 0..5 {
        // Both tabs read the jar before either answer is in it.
        let tabs = (0..2).map(|_| browser.fetch("/auth/refresh", "", &Value::Null));
        let answers = futures_util::future::join_all(tabs).await;
        let mut seen = Vec::new();
        for answer in answers {
            seen.push(browser.take("/auth/refresh", answer).await);
        }
        let good: Vec<&Seen> = seen.iter().filter(|seen| seen.status == 200).collect();
        let late = seen.iter().filter(|seen| seen.status == 409).count();
        assert_eq!((good.len(), late), (1, 1));
        let token = good[0].body["access_token"].as_str().unwrap();
        assert!(browser.is_in(token).await);
        // The tab that was late tries again, with what the jar has by then.
        assert_eq!(browser.post("/auth/refresh", Value::Null).await.status, 200);
    }
    app.stop().await;
}
