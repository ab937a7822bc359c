//! What the program says of its doors: OpenAPI, AsyncAPI and the schemas, held against what a
//! running server answers. Every frame that any test's subscriber gets is held against them too.

use std::{collections::BTreeSet, time::Duration};

use protocol::{
    event::EventType,
    frame::{ErrorCode, ServerFrame},
};
use serde_json::{Value, json};

use crate::{
    archive::ask,
    harness::{
        Scene, eventually,
        program::create_key,
        schema::{check, is_learnt},
        subscriber::{Next, Subscriber},
    },
};

const PATIENCE: Duration = Duration::from_secs(20);

fn get(scene: &Scene, path: &str, key: &str) -> Value {
    let bearer = format!("authorization: Bearer {key}");
    let given = ask(&scene.server.addr, &format!("GET {path}"), &[&bearer]);
    serde_json::from_slice(&given.bytes).unwrap()
}

/// The schema that an operation has for an answer.
fn answer<'a>(document: &'a Value, path: &str, status: &str) -> &'a Value {
    let media = if status == "default" {
        "application/problem+json"
    } else {
        "application/json"
    };
    &document["paths"][path]["get"]["responses"][status]["content"][media]["schema"]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_of_a_session_is_as_described() {
    let mut scene = Scene::quiet().await;
    assert!(
        is_learnt(),
        "frames are held against the description of the stream"
    );
    let mut subscriber =
        Subscriber::connect(&format!("{}?defer=true", scene.server.stream()), None).await;
    let described = get(&scene, "/asyncapi.json", "");
    let said = |name: &str| &described["components"]["messages"][name]["payload"];
    let messages = [
        ("auth", json!({"op": "auth", "key": scene.server.key})),
        (
            "subscribe",
            json!({"op": "subscribe", "after": "oldest", "filter": {"types": ["*"]}}),
        ),
        ("ping", json!({"op": "ping", "id": {"any": 7}})),
    ];

    subscriber.hello().await;
    for (name, message) in messages {
        check(&described, said(name), &message).unwrap();
        subscriber.say(message.to_string()).await;
    }
    subscriber.subscribed().await;
    scene.edgar.publish_now(1);
    let wanted = BTreeSet::from(["pong", "heartbeat", "filing.seen", "filing.archived"]);
    let mut met = BTreeSet::new();
    while !met.is_superset(&wanted) {
        met.insert(match subscriber.frame().await {
            ServerFrame::Pong(_) => "pong",
            ServerFrame::Heartbeat(_) => "heartbeat",
            ServerFrame::Event(event) => event.body.event_type().as_str(),
            other => panic!("{other:?}"),
        });
    }
    let mut lite = scene.subscribe("after=oldest&view=lite").await;
    assert!(matches!(lite.frame().await, ServerFrame::Lite(_)));
    let head = subscriber.heartbeat().await.head;
    let mut ending = scene.subscribe(&format!("after=oldest&until={head}")).await;
    while !matches!(ending.frame().await, ServerFrame::Done(_)) {}
    let stream = format!("{}?froms=8-K", scene.server.stream());
    let (refusal, _) = Subscriber::connect(&stream, Some(&scene.server.key))
        .await
        .refusal()
        .await;
    assert_eq!(refusal.unwrap().code, ErrorCode::FilterUnknownField);
    assert!(scene.server.stop().await.success());
    loop {
        match subscriber.next().await {
            Next::Frame(ServerFrame::Notice(notice)) => break assert_eq!(notice.code, "draining"),
            Next::Frame(_) => {}
            Next::Closed(close) => panic!("no notice before {close:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_described() {
    let scene = Scene::quiet().await;
    let admin = create_key(scene.dir.path(), &["--scopes", "admin"]);
    let accession = scene.edgar.publish_now(1).remove(0);
    let mut subscriber = scene.subscribe("after=oldest&types=filing.archived").await;
    subscriber.event().await;
    eventually("it is in the catalog", PATIENCE, async || {
        let filing = get(
            &scene,
            &format!("/v1/filings/{accession}"),
            &scene.server.key,
        );
        filing["archived_cursors"].is_array()
    })
    .await;
    let document = get(&scene, "/openapi.json", "");
    let stream = &scene.server.key;
    for (path, query, key, status) in [
        ("/v1/activity", "", "", "200"),
        ("/v1/status", "", "", "200"),
        ("/readyz", "", "", "200"),
        ("/v1/filings", "?forms=*", &**stream, "200"),
        ("/v1/filings/{accession}", "", &**stream, "200"),
        ("/v1/keys", "", &*admin, "200"),
        ("/v1/events", "?after=oldest", &**stream, "200"),
        ("/v1/events", "?after=oldest&view=lite", &**stream, "200"),
        ("/v1/events", "?froms=8-K", &**stream, "default"),
        ("/v1/keys", "", &**stream, "default"),
        ("/sec-websocket/", "", &**stream, "200"),
    ] {
        let schema = answer(&document, path, status);
        assert!(schema.is_object(), "{path} {status}");
        let filled = path.replace("{accession}", &accession);
        let value = get(&scene, &format!("{filled}{query}"), key);
        check(&document, schema, &value)
            .unwrap_or_else(|mistake| panic!("{path}{query}: {mistake}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_described_door_is_there_and_asks_for_what_it_says() {
    let scene = Scene::quiet().await;
    let document = get(&scene, "/openapi.json", "");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let filled = path
                .replace("{accession}", "0001999999-26-000042")
                .replace("{shape}", "tar")
                .replace("{document}", "1")
                .replace("{file}", "main.js")
                .replace("{id}", "nobody00");
            let request = format!("{} {filled}", method.to_uppercase());
            let given = ask(&scene.server.addr, &request, &["content-length: 0"]);
            let security = operation["security"].as_array().unwrap();
            let expected: &[&str] = match security.first() {
                Some(first) if first.get("key").is_some() => &["401", "426"],
                _ => &["200", "401", "426"],
            };
            assert!(
                expected.contains(&given.status()),
                "{request}: {}",
                given.status()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_list_exactly_the_names_of_the_enums() {
    let scene = Scene::quiet().await;
    let documents = [
        get(&scene, "/openapi.json", ""),
        get(&scene, "/asyncapi.json", ""),
    ];
    for document in documents {
        let schemas = &document["components"]["schemas"];
        let names = |value: &Value| -> Vec<String> {
            let names = value.as_array().unwrap().iter();
            names
                .map(|name| name.as_str().unwrap().to_owned())
                .collect()
        };
        let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        let types: Vec<&str> = EventType::ALL.iter().map(|name| name.as_str()).collect();
        assert_eq!(names(&schemas["ErrorCode"]["enum"]), codes);
        assert_eq!(names(&schemas["EventType"]["enum"]), types);
        let table = document["x-error-codes"].as_array().unwrap();
        let told: Vec<&str> = table
            .iter()
            .map(|row| row["code"].as_str().unwrap())
            .collect();
        assert_eq!(told, codes);
    }
}
