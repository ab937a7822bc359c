//! API keys over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    archive::{Given, ask},
    harness::{Scene, program::create_key, subscriber::Subscriber},
};

/// Asks with an API key and, where there is one, a body.
fn door(scene: &Scene, request: &str, key: &str, body: Option<&Value>) -> Given {
    let bearer = format!("authorization: Bearer {key}");
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = format!("content-length: {}", body.len());
    // The body follows the empty line that ends the last header.
    let last = format!("x-last: 1\r\n\r\n{body}");
    ask(&scene.server.addr, request, &[&bearer, &length, &last])
}

fn json(given: &Given) -> Value {
    serde_json::from_slice(&given.bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_over_http_opens_at_once_and_its_end_closes_its_sockets() {
    let scene = Scene::quiet().await;
    let admin = create_key(scene.dir.path(), &["--scopes", "admin"]);
    let wish = json!({"name": "desk", "scopes": ["stream"], "expires_in": "90d"});

    let made = door(&scene, "POST /v1/keys", &admin, Some(&wish));
    assert_eq!(made.status(), "201");
    assert_eq!(made.header("cache-control"), "no-store");
    let made_key = json(&made);
    let (id, key) = (
        made_key["id"].as_str().unwrap(),
        made_key["key"].as_str().unwrap(),
    );
    assert_eq!(made.header("location"), format!("/v1/keys/{id}"));
    let mut subscriber = Subscriber::subscribe(&scene.server.stream(), key, "").await;

    let listed = door(&scene, "GET /v1/keys", &admin, None);
    let secret = key.rsplit('_').next().unwrap();
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(secret));
    let states = |given: &Given| -> Vec<String> {
        let keys = json(given)["keys"].as_array().unwrap().clone();
        let state = |key: &Value| format!("{} {}", key["name"], key["state"]);
        keys.iter().map(state).collect()
    };
    assert_eq!(states(&listed).last().unwrap(), "\"desk\" \"active\"");

    let (since, path) = (Instant::now(), format!("DELETE /v1/keys/{id}"));
    let revoked = door(&scene, &path, &admin, None);
    let (refusal, close) = subscriber.refusal().await;
    assert!(
        since.elapsed() < Duration::from_secs(2),
        "{:?}",
        since.elapsed()
    );
    assert_eq!((revoked.status(), revoked.bytes.len()), ("204", 0));
    assert_eq!(refusal.unwrap().code.as_str(), "unauthorized");
    assert_eq!(close, Some(4401));
    assert_eq!(door(&scene, &path, &admin, None).status(), "204");
    let listed = door(&scene, "GET /v1/keys", &admin, None);
    assert_eq!(states(&listed).last().unwrap(), "\"desk\" \"revoked\"");
    let log = scene.server.lines().join("\n");
    assert!(
        log.contains("API key revoked") && !log.contains(secret),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_for_an_admin_and_every_mistake_is_a_problem() {
    let scene = Scene::quiet().await;
    let admin = create_key(scene.dir.path(), &["--scopes", "admin"]);
    for (request, key, body, status, code) in [
        ("GET /v1/keys", "", None, "401", "unauthorized"),
        ("GET /v1/keys", &*scene.server.key, None, "403", "forbidden"),
        (
            "POST /v1/keys",
            &*scene.server.key,
            Some(json!({"name": "x"})),
            "403",
            "forbidden",
        ),
        (
            "DELETE /v1/keys/nobody",
            &*scene.server.key,
            None,
            "403",
            "forbidden",
        ),
        ("DELETE /v1/keys/nobody", &*admin, None, "404", "not_found"),
        ("DELETE /v1/keys/%ff", &*admin, None, "404", "not_found"),
        ("POST /v1/keys", &*admin, None, "422", "bad_parameter"),
        (
            "POST /v1/keys",
            &*admin,
            Some(json!({"nam": "x"})),
            "422",
            "bad_parameter",
        ),
        ("PUT /v1/keys", &*admin, None, "405", "method_not_allowed"),
    ] {
        let given = door(&scene, request, key, body.as_ref());
        assert_eq!(given.status(), status, "{request} {body:?}");
        assert_eq!(given.header("content-type"), "application/problem+json");
        assert_eq!(json(&given)["code"], code, "{request} {body:?}");
    }
    let listed = json(&door(&scene, "GET /v1/keys", &admin, None));
    assert_eq!(
        listed["keys"].as_array().unwrap().len(),
        2,
        "nothing was made"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_keys_runs_its_own_script_alone() {
    let scene = Scene::quiet().await;

    let page = ask(&scene.server.addr, "GET /keys", &[]);

    let policy = page.header("content-security-policy");
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap();
    let nonce = nonce.split('\'').next().unwrap();
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(html.contains(&format!("<script nonce=\"{nonce}\">")));
    assert!(
        !html.contains("NONCE") && !policy.contains("unsafe"),
        "{policy}"
    );
}
