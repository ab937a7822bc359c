//! Prints one line per filing, and goes on where it stopped, whoever stopped: `filingwire.cursor`
//! holds the last cursor handled. Write `oldest` into it to begin with all that is kept.
//! `FILINGWIRE_KEY=fw_… cargo run -p client-examples --bin subscribe -- 'ws://127.0.0.1:8080/v1/stream?forms=8-K,424B*'`
#![allow(clippy::print_stdout, reason = "printing is all it does")]

use futures_util::StreamExt;
use protocol::{close, event::Body, frame::ServerFrame, seq::Cursor};
use std::{env, fs, io, process::exit, time::Duration};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

#[tokio::main]
async fn main() {
    let url = env::args().nth(1).expect("usage: subscribe URL");
    let key = env::var("FILINGWIRE_KEY").expect("FILINGWIRE_KEY holds the API key");
    loop {
        let end = follow(&url, &key).await;
        eprintln!("{end:?}");
        match end {
            Ok((code, _)) if !close::is_retryable(code) => exit(1), // It would fail again.
            Ok((_, reason)) => sleep(close::retry_after(&reason).unwrap_or_default()).await,
            Err(_) => {}
        }
        sleep(Duration::from_millis(rand::random_range(500..3_000))).await; // Not all at once.
    }
}

/// Follows the stream over one connection; gives its close code and the reason.
async fn follow(url: &str, key: &str) -> anyhow::Result<(u16, String)> {
    let after = fs::read_to_string("filingwire.cursor").unwrap_or_else(|_| "live".to_owned());
    let join = if url.contains('?') { '&' } else { '?' };
    let mut request = format!("{url}{join}after={}", after.trim()).into_client_request()?;
    let bearer = format!("Bearer {key}").parse()?;
    request.headers_mut().insert("authorization", bearer);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let (mut received, mut whole) = (0, None); // Events since `subscribed`; up to where all came.
    // A heartbeat comes every 15 s: a minute of silence is a dead connection.
    while let Some(message) = timeout(Duration::from_secs(60), socket.next()).await? {
        let text = match message? {
            Message::Text(text) => text,
            Message::Close(Some(close)) => {
                return Ok((close.code.into(), close.reason.to_string()));
            }
            _ => continue, // Pings are answered by the library while we read.
        };
        match ServerFrame::parse(&text)? {
            ServerFrame::Subscribed(subscribed) => whole = save(subscribed.after)?,
            ServerFrame::Heartbeat(heartbeat) if heartbeat.sent != received => {
                whole.map(save).transpose()?; // What came since then comes again.
                anyhow::bail!("{} events were sent, {received} came", heartbeat.sent);
            }
            ServerFrame::Heartbeat(heartbeat) => whole = save(heartbeat.through)?,
            ServerFrame::Event(event) => {
                if let Body::FilingSeen(filing) = &event.body {
                    let filer = filing.filers.first().map_or("", |filer| &filer.name);
                    println!("{}  {:<8}  {filer}", filing.accession, filing.form);
                }
                received += 1;
                save(event.cursor)?; // Only now: what was not handled comes again.
            }
            ServerFrame::Done(_) => exit(0), // `until` is reached.
            other => eprintln!("{other:?}"), // The greeting, an error, or a newer server's type.
        }
    }
    Ok((1006, String::new()))
}

/// Replaces the file in one step: the old cursor or the new one, never half.
fn save(cursor: Cursor) -> io::Result<Option<Cursor>> {
    fs::write("filingwire.cursor.new", cursor.to_string())?;
    fs::rename("filingwire.cursor.new", "filingwire.cursor")?;
    Ok(Some(cursor))
}
