//! A demo tenant in an empty database, made through the public API like anyone's.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const EMAIL: &str = "admin@demo.example";
const PASSWORD: &str = "demo-password-1";

/// Makes the demo tenant if there is no tenant at all; what to tell the person who started us.
pub(crate) async fn seed(router: Router) -> Result<Option<String>, String> {
    let client = Client { router, token: None };
    let there = client.call(Method::GET, "/tenants/?limit=1", Value::Null).await?;
    if there.as_array().is_none_or(|list| !list.is_empty()) {
        return Ok(None);
    }
    let tenant = id(&client.call(Method::POST, "/tenants/", tenant()).await?)?;
    let admin = json!({
        "tenant_id": tenant, "name": "Demo Admin", "email": EMAIL, "user_type": "admin",
        "password": PASSWORD,
    });
    client.call(Method::POST, "/users/", admin).await?;
    let login = json!({ "email": EMAIL, "password": PASSWORD, "tenant_id": tenant });
    let token = client.call(Method::POST, "/users/login", login).await?;
    let client = Client { token: token["access_token"].as_str().map(str::to_owned), ..client };
    let category = json!({
        "tenant_id": tenant, "name": "Salas (demo)", "type": "fisico", "icon": "room",
        "color": "#4CAF50",
    });
    let category = id(&client.call(Method::POST, "/categories/", category).await?)?;
    for number in 1..=2 {
        let name = format!("Sala {number} (demo)");
        let resource =
            json!({ "tenant_id": tenant, "category_id": category, "name": name, "capacity": 10 });
        client.call(Method::POST, "/resources/", resource).await?;
    }
    Ok(Some(format!(
        "A demo tenant was made: sign in as {EMAIL} with {PASSWORD} (--no-demo leaves it out)"
    )))
}

fn tenant() -> Value {
    json!({
        "name": "Empresa Demo", "domain": "demo.example", "logo_url": "https://demo.example/logo.png",
        "theme_primary_color": "#3B5BDB", "plan": "basico",
        "settings": {
            "business_type": "demo", "timezone": "America/Sao_Paulo",
            "working_hours_start": "08:00", "working_hours_end": "18:00",
            "custom_labels": {
                "resource_singular": "Sala", "resource_plural": "Salas",
                "booking_label": "Reserva", "user_label": "Cliente",
            },
        },
    })
}

fn id(created: &Value) -> Result<String, String> {
    created["id"].as_str().map(str::to_owned).ok_or_else(|| format!("no id in {created}"))
}

struct Client {
    router: Router,
    token: Option<String>,
}

impl Client {
    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.header("content-type", "application/json").body(body);
        let request = request.map_err(|error| error.to_string())?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let bytes =
            response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            return Err(format!("demo: {path}: {status}: {}", String::from_utf8_lossy(&bytes)));
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("demo: {path}: {error}"))
    }
}
