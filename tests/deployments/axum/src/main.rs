//! An XKS proxy on axum. README.md beside this folder says what the environment holds.

mod keys;
mod operations;
mod refusal;
mod sigv4;

use std::{env, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    body::{to_bytes, Body, Bytes},
    extract::{Path, Request, State},
    http::{request::Parts, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
    Json, Router,
};
use axum_server::tls_rustls::RustlsConfig;
use serde::Serialize;
use serde_json::{json, Value};

use keys::{ExternalKey, KeyManager};
use refusal::Refusal;
use sigv4::Credentials;

const MAX_BODY: usize = 1 << 20;

struct Proxy {
    credentials: Credentials,
    keys: KeyManager,
}

type Shared = State<Arc<Proxy>>;

/// Whether to make the mistake of that name (expected.toml).
fn wrong(name: &str) -> bool {
    env::var("XKS_WRONG").is_ok_and(|value| value == name)
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("it is installed once");
    let tls = RustlsConfig::from_pem_file(setting("XKS_CERTIFICATE"), setting("XKS_PRIVATE_KEY"))
        .await
        .expect("the certificate is good");
    let port = setting("XKS_PORT").parse().expect("a port is a number");
    let proxy = Arc::new(Proxy {
        credentials: sigv4::credentials(&setting("XKS_CREDENTIALS")),
        keys: keys::key_manager(),
    });
    axum_server::bind_rustls(SocketAddr::from(([127, 0, 0, 1], port)), tls)
        .serve(routes(&setting("XKS_URI_PATH"), proxy).into_make_service())
        .await
        .expect("the port is free");
}

fn routes(uri_path: &str, proxy: Arc<Proxy>) -> Router {
    // A route of post() answers a GET with 405, as "API operations" asks. Not nest(),
    // which takes the prefix from the URI: the path that came is signed.
    let on_key = format!("{uri_path}/keys/{{key}}");
    let router = Router::new()
        .route(&format!("{uri_path}/health"), post(health))
        .route(&format!("{on_key}/metadata"), post(metadata))
        .route(&format!("{on_key}/encrypt"), post(encrypt))
        .route(&format!("{on_key}/decrypt"), post(decrypt))
        // For load balancers ("Load balancer health checks").
        .route("/ping", get(|| async {}));
    if wrong("no-fallback") {
        return router.with_state(proxy);
    }
    // axum's own 404 has no body.
    router.fallback(not_found).with_state(proxy)
}

async fn health(State(proxy): Shared, request: Request) -> Response {
    served(&proxy, request, |_| {
        Ok(json!({
            "xksProxyFleetSize": 1,
            "xksProxyVendor": "Example",
            "xksProxyModel": "axum proxy 1.0",
            "ekmVendor": "Example",
            "ekmFleetDetails": [
                { "id": "memory", "model": "In memory 1.0", "healthStatus": "ACTIVE" },
            ],
        }))
    })
    .await
}

async fn metadata(State(proxy): Shared, Path(key): Path<String>, request: Request) -> Response {
    on_key(&proxy, &key, request, operations::get_key_metadata).await
}

async fn encrypt(State(proxy): Shared, Path(key): Path<String>, request: Request) -> Response {
    on_key(&proxy, &key, request, operations::encrypt).await
}

async fn decrypt(State(proxy): Shared, Path(key): Path<String>, request: Request) -> Response {
    on_key(&proxy, &key, request, operations::decrypt).await
}

async fn not_found(State(proxy): Shared, request: Request) -> Response {
    served(&proxy, request, |_| -> Result<Value, Refusal> {
        Err(Refusal::InvalidUriPath)
    })
    .await
}

async fn on_key<Answer: Serialize>(
    proxy: &Proxy,
    id: &str,
    request: Request,
    operate: fn(&ExternalKey, &[u8]) -> Result<Answer, Refusal>,
) -> Response {
    let key = proxy.keys.get(id).ok_or(Refusal::KeyNotFound);
    served(proxy, request, |body| operate(key?, body)).await
}

/// Authenticates, operates, answers and logs.
async fn served<Answer: Serialize>(
    proxy: &Proxy,
    request: Request,
    operate: impl FnOnce(&[u8]) -> Result<Answer, Refusal>,
) -> Response {
    let begin = Instant::now();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let result = match authentic(proxy, &head, body).await {
        Ok(body) => operate(&body).map(|answer| (answer, operations::logged(&body))),
        Err(refusal) => Err(refusal),
    };
    let outcome = match &result {
        Ok((_, metadata)) => json!({ "success": metadata }),
        Err(refusal) => json!({ "refused": refusal.name() }),
    };
    let milliseconds = begin.elapsed().as_millis();
    println!(
        "{}",
        json!({ "path": path, "outcome": outcome, "ms": milliseconds as u64 })
    );
    match result {
        Ok((answer, _)) => (StatusCode::OK, Json(answer)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

// Not the extractor Json<T>: the signature is over the bytes, it wants a Content-Type
// (415), and it answers in text, with 422 for a member of the wrong type.
async fn authentic(proxy: &Proxy, head: &Parts, body: Body) -> Result<Bytes, Refusal> {
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| Refusal::Unsupported("The body is too large."))?;
    sigv4::authenticate(head, &body, &proxy.credentials)?;
    Ok(body)
}
