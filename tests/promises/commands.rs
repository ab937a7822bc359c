//! The commands a stranger types first.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use crate::harness::{
    program::{command, get, run},
    subscriber::Subscriber,
};

/// A lively demo for so many seconds, and its first three lines.
fn start_demo(seconds: &str) -> (Child, Vec<String>) {
    let lively = [
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--rate",
        "5",
        "--for",
        seconds,
    ];
    let mut demo = command(&lively)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(demo.stdout.take().unwrap());
    let lines = stdout.lines().take(3).map(Result::unwrap).collect();
    (demo, lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_shows_filings_within_seconds_and_ends_with_0() {
    let (mut demo, lines) = start_demo("8");
    let words: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let (stream, key) = (words[1].1, words[2].1);

    let mut subscriber = Subscriber::subscribe(stream, key, "after=oldest").await;
    let seen = subscriber.filings_seen(20).await;
    let (_, close) = subscriber.refusal().await;
    let status = tokio::task::spawn_blocking(move || demo.wait().unwrap())
        .await
        .unwrap();

    assert_eq!(
        words.iter().map(|word| word.0).collect::<Vec<_>>(),
        ["page", "stream", "key"]
    );
    assert!(words[0].1.starts_with("http://127.0.0.1:"));
    assert_eq!(seen.len(), 20);
    assert_eq!((close, status.code()), (Some(1001), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_prints_the_frames_of_a_running_server() {
    let (mut demo, lines) = start_demo("20");
    let value = |index: usize| lines[index].split_once(' ').unwrap().1.to_owned();

    let mut tail = command(&[
        "tail",
        "--json",
        "--after",
        "oldest",
        "--types",
        "filing.seen",
        "--url",
        &value(1),
    ])
    .env("FILINGWIRE_KEY", value(2))
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let frames: Vec<String> = BufReader::new(tail.stdout.take().unwrap())
        .lines()
        .take(10)
        .map(Result::unwrap)
        .collect();
    tail.kill().unwrap();
    tail.wait().unwrap();
    demo.kill().unwrap();
    demo.wait().unwrap();

    for (index, frame) in frames.iter().enumerate() {
        let event = protocol::event::Event::from_frame(frame.as_bytes()).unwrap();
        assert!(event.seq().get() > index as u64);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands: [&[&str]; 11] = [
        &["demo"],
        &["serve"],
        &["simulate"],
        &["tail"],
        &["keys"],
        &["keys", "create"],
        &["keys", "list"],
        &["keys", "revoke"],
        &["get"],
        &["parse"],
        &["check-config"],
    ];
    for words in commands {
        let ended = run(&[words, &["--help"]].concat());
        let example = format!("filingwire {}", words.join(" "));
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains("Example"), "{words:?}");
        assert!(
            ended.stdout.contains(&example),
            "no `{example}` in {}",
            ended.stdout
        );
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for words in [
        &["serv"][..],
        &["demo", "--rate", "-1"],
        &["keys", "create"],
        &["simulate", "--faults", "fire:1"],
        &["simulate", "--past-days", "0"],
        &["demo", "--for", "1", "--data-dir", "unused"],
        &["simulate", "--config", "unused.toml"],
        &["parse", "--config", "unused.toml", "-"],
    ] {
        assert_eq!(run(words).code, Some(2), "{words:?}");
    }
}

#[test]
fn keys_are_made_listed_and_revoked_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let with_dir = |words: &[&str]| run(&[words, &["--data-dir", data_dir]].concat());

    let made = with_dir(&["keys", "create", "--name", "desk", "--scopes", "stream"]);
    let id = made.stdout.split('_').nth(1).unwrap().to_owned();
    let listed = with_dir(&["keys", "list"]);
    let revoked = with_dir(&["keys", "revoke", &id]);
    let after = with_dir(&["keys", "list"]);
    let unknown = with_dir(&["keys", "revoke", "nobody"]);

    assert!(made.stdout.starts_with("fw_") && made.stdout.lines().count() == 1);
    assert!(listed.stdout.contains(&id) && listed.stdout.contains("active"));
    assert!(!listed.stdout.contains(made.stdout.trim()), "no secret");
    assert_eq!(revoked.code, Some(0));
    assert!(after.stdout.contains("revoked"));
    assert_eq!(unknown.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_demo_cleanly() {
    let mut demo = command(&["demo", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(demo.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();

    let pid = demo.id().to_string();
    assert!(command_ok("kill", &["-s", "INT", &pid]));
    let ended = tokio::task::spawn_blocking(move || demo.wait().unwrap());
    let status = tokio::time::timeout(Duration::from_secs(15), ended)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_whose_stderr_is_gone_serves_and_ends_all_the_same() {
    let mut demo = command(&["demo", "--for", "3", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(demo.stderr.take());
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let page = lines.next().unwrap().unwrap();
    let address = page.split(['/', '#']).nth(2).unwrap().to_owned();

    let health = get(&address, "/healthz").await;
    let ended = tokio::task::spawn_blocking(move || demo.wait().unwrap());
    let status = tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .unwrap()
        .unwrap();

    assert_eq!((health.status, status.code()), (200, Some(0)));
}

fn command_ok(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program)
        .args(arguments)
        .status()
        .unwrap()
        .success()
}
