//! The besiegers: sockets that dawdle over a request, and floods of wrong keys.

use std::{
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{MissedTickBehavior, interval, sleep},
};

/// Who tries keys at the same time.
const TRIERS: u32 = 40;

/// Addresses they come from: each has to be judged by itself.
const ADDRESSES: u32 = 1000;

/// Between two bytes of a request that dawdles.
const DAWDLE: Duration = Duration::from_secs(2);

/// What dawdlers say, byte by byte, and never to its end.
const SLOW: &[u8] = b"GET /v1/stream HTTP/1.1\r\nHost: filingwire\r\nX-Slow: ";

/// What the besiegers are told.
#[derive(Debug, Args)]
pub(crate) struct Attack {
    /// Whom they besiege, HOST:PORT
    addr: SocketAddr,
    /// Sockets that dawdle
    #[arg(long, default_value_t = 1000)]
    sockets: u32,
    /// Wrong keys a second
    #[arg(long, default_value_t = 2000)]
    attempts: u32,
}

/// What they did.
#[derive(Debug, Default)]
struct Deeds {
    unauthorized: AtomicU64,
    too_many: AtomicU64,
    other: AtomicU64,
    dawdling: AtomicU64,
    reopened: AtomicU64,
}

impl Attack {
    /// Besieges until stdin ends, then prints what was done.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        // They would be on other machines: only time that nobody needs is theirs.
        rustix::process::nice(19)?;
        let deeds = Arc::new(Deeds::default());
        for index in 0..self.sockets {
            tokio::spawn(dawdle(self.addr, index, deeds.clone()));
        }
        let begun = Instant::now();
        for index in 0..TRIERS {
            let pace = Duration::from_secs(1) * TRIERS / self.attempts.max(1);
            tokio::spawn(try_keys(self.addr, index, pace, deeds.clone()));
        }
        while deeds.dawdling.load(Ordering::Relaxed) < u64::from(self.sockets) {
            sleep(Duration::from_millis(20)).await;
        }
        println!("ready");
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        println!("{}", deeds.told(begun.elapsed()));
        Ok(())
    }
}

impl Deeds {
    fn told(&self, during: Duration) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let keys = of(&self.unauthorized) + of(&self.too_many) + of(&self.other);
        format!(
            "  siege: {:.0} wrong keys a second (401: {}, 429: {}, else: {}), {} sockets dawdling, reopened {} times",
            keys as f64 / during.as_secs_f64(),
            of(&self.unauthorized),
            of(&self.too_many),
            of(&self.other),
            of(&self.dawdling),
            of(&self.reopened)
        )
    }
}

/// Sends a request byte by byte; comes back when the server has enough.
async fn dawdle(addr: SocketAddr, index: u32, deeds: Arc<Deeds>) {
    loop {
        if let Ok(mut socket) = open(addr, index).await {
            deeds.dawdling.fetch_add(1, Ordering::Relaxed);
            let _ = trickle(&mut socket).await;
            deeds.dawdling.fetch_sub(1, Ordering::Relaxed);
        }
        deeds.reopened.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(50)).await;
    }
}

async fn trickle(socket: &mut TcpStream) -> std::io::Result<()> {
    for byte in SLOW.iter().chain(std::iter::repeat(&b'x')) {
        socket.write_all(&[*byte]).await?;
        let mut answer = [0; 256];
        tokio::select! {
            read = socket.read(&mut answer) => if read? == 0 { break },
            () = sleep(DAWDLE) => {}
        }
    }
    Ok(())
}

/// Tries a wrong key at every `pace`, each time over a new connection from another address.
async fn try_keys(addr: SocketAddr, index: u32, pace: Duration, deeds: Arc<Deeds>) {
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for attempt in 0_u32.. {
        ticks.tick().await;
        let count = match try_key(addr, index + attempt * TRIERS, attempt).await {
            Ok(401) => &deeds.unauthorized,
            Ok(429) => &deeds.too_many,
            _ => &deeds.other,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tries a key of the right shape; gives the status of the answer.
async fn try_key(addr: SocketAddr, from: u32, attempt: u32) -> anyhow::Result<u16> {
    let mut socket = open(addr, from).await?;
    let request = format!(
        "GET /v1/events HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
         Authorization: Bearer fw_{from:08}_{attempt:032}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await?;
    let status = answer.get(9..12).unwrap_or_default();
    Ok(std::str::from_utf8(status)?.parse()?)
}

/// Connects from one of many addresses of this machine.
async fn open(addr: SocketAddr, from: u32) -> std::io::Result<TcpStream> {
    let from = from % ADDRESSES;
    let own = Ipv4Addr::new(127, 1, (from / 250) as u8, (from % 250 + 1) as u8);
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((own, 0).into())?;
    socket.connect(addr).await
}
