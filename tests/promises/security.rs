//! What strangers at the doors can do, and what is never told to anybody. What is tested elsewhere is
//! named, claim by claim, in docs/security.md.

use std::{
    collections::BTreeMap,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use protocol::event::Body;
use simulator::{Config, Simulator, Wish};

use crate::harness::{
    Scene,
    program::{self, Ended, Server, create_key, get, get_with_key},
    s3::S3,
    subscriber::{Next, Subscriber},
};

/// The secret of the bucket: nothing else is spelt so.
const S3_SECRET: &str = "Hush0Bucket0Secret";

/// A key that opens nothing.
const WRONG_KEY: &str = "fw_abcdefgh_Wrong0Secret0That0Nobody0Made0000000";

/// The part of a key or ticket that is the secret.
fn secret_of(key: &str) -> String {
    key.rsplit('_').next().unwrap().to_owned()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// A server at its most talkative, on a bucket of S3.
async fn talkative(dir: &Path, edgar: &Simulator, s3: &S3, key: &str) -> Server {
    let mut command = program::serve(dir, &edgar.url());
    command.arg("-vv").envs(s3.environment(S3_SECRET));
    let mut server = Server::run(command, key);
    assert!(server.serves().await, "no server: {:#?}", server.lines());
    server
}

/// A ticket of this key, for what `query` says.
async fn ticket(server: &Server, key: &str, query: &str) -> String {
    let request = format!(
        "POST /v1/tickets{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    );
    let addr = server.addr.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(addr).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        std::io::read_to_string(socket).unwrap()
    });
    let answer = answer.await.unwrap();
    let body: serde_json::Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
    body["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_line_or_file_however_talkative_the_program_is() {
    let (s3, edgar) = (
        S3::start_with(S3_SECRET).await,
        Simulator::start_local(Config::quiet()).await.unwrap(),
    );
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let mut server = talkative(dir.path(), &edgar, &s3, &key).await;

    // A key on every way that one can come.
    let query = "types=filing.archived";
    let mut subscriber = Subscriber::subscribe(&server.stream(), &key, query).await;
    let mut browser = Subscriber::connect(&format!("{}?defer=true", server.stream()), None).await;
    browser.hello().await;
    browser
        .say(format!(r#"{{"op":"auth","key":"{key}"}}"#))
        .await;
    browser.say(r#"{"op":"subscribe","filter":{}}"#).await;
    browser.subscribed().await;
    let once = ticket(&server, &key, "").await;
    let by_ticket = get(&server.addr, &format!("/v1/events?ticket={once}")).await;
    let sec_api = format!("ws://{}/?apiKey={key}", server.addr);
    let foreign = Subscriber::try_connect(&sec_api, None).await;
    let datamule = get_with_key(&server.addr, "/sec-websocket/", &key).await;
    // Wrong ones too: they are often right ones with a typing error.
    let wrong = [
        get_with_key(&server.addr, "/v1/events", WRONG_KEY)
            .await
            .status,
        get(&server.addr, &format!("/?apiKey={WRONG_KEY}"))
            .await
            .status,
        get(&server.addr, &format!("/v1/{WRONG_KEY}")).await.status,
    ];
    edgar.publish(&Wish::default()).unwrap();
    let event = subscriber.event().await;
    let Body::FilingArchived(filing) = &event.body else {
        panic!("{event:?}")
    };
    let path = format!("/v1/archive/sgml/{}", filing.accession);
    let redirect = get_with_key(&server.addr, &path, &key).await;
    let folder = ticket(&server, &key, &format!("?filing={}", filing.accession)).await;
    let page = format!("/v1/reading/{folder}/{}/1", filing.accession);
    let page = get(&server.addr, &page).await;
    let tail = Ended::of({
        let mut command = program::command(&["-vv", "tail", "--json", "--url", &server.stream()]);
        command.args(["--after", "oldest", "--until", &event.cursor.to_string()]);
        command.env("FILINGWIRE_KEY", &key);
        command
    });
    assert!(server.stop().await.success());

    // All of them were let in, or refused for what they are.
    assert_eq!(by_ticket.status, 200, "{}", by_ticket.body);
    assert!(foreign.is_ok(), "{foreign:?}");
    assert_eq!((wrong[0], redirect.status, page.status), (401, 302, 200));
    assert_eq!(tail.code, Some(0), "{}", tail.stderr);
    let token: serde_json::Value = serde_json::from_str(&datamule.body).unwrap();
    let token = token["data"]["token"].as_str().unwrap();
    let signature = redirect.headers.split("x-amz-signature=").nth(1).unwrap();
    let lines = server.lines();
    assert!(
        lines.iter().any(|line| line.contains(" DEBUG ")),
        "{lines:#?}"
    );
    for (what, secret) in [
        ("key", secret_of(&key)),
        ("wrong key", secret_of(WRONG_KEY)),
        ("secret of the bucket", S3_SECRET.to_owned()),
        ("ticket", once),
        ("ticket of a filing", folder),
        ("token", token.to_owned()),
        ("signature of a URL", signature[..64].to_owned()),
    ] {
        let said = lines.iter().chain([&tail.stderr, &tail.stdout]);
        let told: Vec<_> = said.filter(|line| line.contains(&secret)).collect();
        assert!(told.is_empty(), "the {what} is told: {told:#?}");
        for file in files(dir.path()) {
            let bytes = std::fs::read(&file).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|at| at == secret.as_bytes());
            assert!(!found, "the {what} is in {}", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guards_the_doors_is_the_owners_alone() {
    let scene = Scene::quiet().await;

    let modes: BTreeMap<_, _> = ["keys.json", "control.sock"]
        .map(|name| {
            (
                name,
                std::fs::metadata(scene.dir.path().join(name)).unwrap(),
            )
        })
        .into_iter()
        .map(|(name, file)| (name, file.permissions().mode() & 0o777))
        .collect();

    assert_eq!(
        modes,
        [("control.sock", 0o600), ("keys.json", 0o600)].into()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_never_say_who_they_are_are_out_after_ten_seconds_and_disturb_nobody() {
    let scene = Scene::quiet().await;
    let mut good = scene.subscribe("types=filing.seen").await;
    let idle = scene.server.memory_mb("VmRSS");

    let mut strangers = Vec::new();
    for _ in 0..300 {
        let url = format!("{}?defer=true", scene.server.stream());
        strangers.push(Subscriber::connect(&url, None).await);
    }
    let since = Instant::now();
    let crowded = scene.server.memory_mb("VmRSS");
    scene.edgar.publish_now(1);
    good.event().await;
    for stranger in &mut strangers {
        let (refusal, close) = stranger.refusal().await;
        assert_eq!(refusal.unwrap().code.as_str(), "auth_timeout");
        assert_eq!(close, Some(4401));
    }

    let waited = since.elapsed();
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert!(
        crowded - idle < 30.0,
        "300 strangers cost {} MB",
        crowded - idle
    );
    scene.edgar.publish_now(1);
    good.event().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_to_a_file_that_is_no_object() {
    let scene = Scene::quiet().await;
    let secret = std::fs::read_to_string(scene.dir.path().join("keys.json")).unwrap();
    let hash = secret.split('"').find(|word| word.len() == 64).unwrap();

    for path in [
        "/v1/archive/sgml/../../keys.json",
        "/v1/archive/sgml/..%2f..%2fkeys.json",
        "/v1/archive/sgml/%2e%2e%2f%2e%2e%2fkeys.json",
        "/v1/archive/sgml/..%5c..%5ckeys.json",
        "/v1/archive/../../keys.json",
        "/v1/archive/%2e%2e/keys.json",
        "/v1/archive/sgml//etc/passwd",
        "/v1/archive/sgml/%2fetc%2fpasswd",
        "/v1/archive/sgml/0001999999-26-000042%00.json",
        "/../keys.json",
        "//keys.json",
    ] {
        let answer = get_with_key(&scene.server.addr, path, &scene.server.key).await;

        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(
            !answer.body.contains(hash) && !answer.body.contains("root:"),
            "{path}"
        );
    }
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

/// What a file of a gigabyte of zeros comes to, compressed.
fn gigabyte_compressed() -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..1024 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_file_that_unpacks_to_a_gigabyte_is_refused_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let bomb = dir.path().join("bomb.txt");
    let bytes = gigabyte_compressed();
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    std::fs::write(&bomb, bytes).unwrap();

    // 300 MB of address space: the gigabyte does not fit.
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "ulimit -v 300000 && exec \"$@\"", "bash"]);
    command.arg(program::command(&[]).get_program());
    command.args(["parse", "--json"]).arg(&bomb);
    let ended = Ended::of(command);

    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        !ended.stderr.contains("memory allocation"),
        "{}",
        ended.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_said_who_he_is_is_sent_no_event() {
    let scene = Scene::quiet().await;
    let url = format!("{}?defer=true", scene.server.stream());
    let mut stranger = Subscriber::connect(&url, None).await;
    stranger.hello().await;

    stranger
        .say(r#"{"op":"subscribe","after":"oldest","filter":{}}"#)
        .await;
    scene.edgar.publish_now(1);
    let next = stranger.next().await;

    assert!(
        !matches!(next, Next::Frame(protocol::frame::ServerFrame::Event(_))),
        "a stranger was sent a filing"
    );
}
