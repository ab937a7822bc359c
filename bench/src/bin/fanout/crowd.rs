//! The load: thousands of subscribers on one thread.
//!
//! Each is a raw socket that upgrades by hand, counts the frames that come and answers
//! pings. Elsewhere: what the bytes mean (`wire`), what is measured (`measures`).
//!
//! Invariant: an event is finished at the moment the last subscriber that is to have it
//! has all its bytes.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt::set_socket_linger,
};

use crate::{
    poll::{Interest, Poll},
    wire::{Counter, Dialect, EMPTY_PONG, end_of_head, upgrade_request},
};

/// A connect that takes longer is a straggler: a first packet that is dropped comes again
/// after a second.
const STRAGGLER: Duration = Duration::from_secs(1);

/// How long subscribers may take to gather.
const GATHER_PATIENCE: Duration = Duration::from_secs(120);

/// How subscribers get in.
pub(crate) struct Doorway {
    pub(crate) addr: SocketAddr,
    pub(crate) api_key: Option<String>,
    pub(crate) dialect: Dialect,
    /// What is said after the upgrade.
    pub(crate) opening: Vec<u8>,
    /// Data frames that come before a subscriber is live.
    pub(crate) greetings: u32,
}

/// How the gathering went.
#[derive(Debug)]
pub(crate) struct Gathering {
    /// Until all were live.
    pub(crate) took: Duration,
    /// Who took longer than a second.
    pub(crate) stragglers: usize,
}

/// The subscribers.
pub(crate) struct Crowd {
    poll: Poll,
    ready: Vec<usize>,
    buffer: Vec<u8>,
    members: Vec<Member>,
    live: usize,
    stragglers: usize,
    tally: Tally,
}

#[derive(Debug)]
struct Member {
    /// None while it is away.
    socket: Option<TcpStream>,
    stage: Stage,
    counter: Counter,
    began: Instant,
    events: u64,
}

#[derive(Debug)]
enum Stage {
    Connecting { request: String, opening: Vec<u8> },
    Upgrading { answer: Vec<u8>, opening: Vec<u8> },
    Open,
}

/// Who has which event.
#[derive(Debug, Default)]
struct Tally {
    /// Subscribers that are to have each event.
    expected: usize,
    delivered: u64,
    /// For each event that is not finished, the oldest first: who has it.
    reached: VecDeque<usize>,
    finished: u64,
    finished_at: Vec<Instant>,
}

impl Crowd {
    /// Nobody yet.
    ///
    /// # Errors
    /// When there are no more file descriptors.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            ready: Vec::new(),
            buffer: vec![0; 256 * 1024],
            members: Vec::new(),
            live: 0,
            stragglers: 0,
            tally: Tally::default(),
        })
    }

    /// Connects more subscribers until there are `count`, with at most `at_a_time` on
    /// their way. The one with number `n` asks for `path(n)`.
    ///
    /// # Errors
    /// When one is not let in.
    pub(crate) fn gather(
        &mut self,
        doorway: &Doorway,
        path: impl Fn(usize) -> String,
        count: usize,
        at_a_time: usize,
    ) -> anyhow::Result<Gathering> {
        let began = Instant::now();
        self.stragglers = 0;
        while self.live < count {
            while self.members.len() < count && self.members.len() - self.live < at_a_time {
                let number = self.members.len();
                self.begin(doorway, number, &path(number))
                    .with_context(|| format!("subscriber {number}; see `ulimit -n`"))?;
            }
            self.turn(Duration::from_secs(1))?;
            ensure!(
                began.elapsed() < GATHER_PATIENCE,
                "only {} of {count} subscribers are live",
                self.live
            );
        }
        Ok(Gathering {
            took: began.elapsed(),
            stragglers: self.stragglers,
        })
    }

    fn begin(&mut self, doorway: &Doorway, number: usize, path: &str) -> anyhow::Result<()> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        // Closing resets: no port waits for packets that were late.
        set_socket_linger(&socket, Some(Duration::ZERO))?;
        let began = Instant::now();
        match connect(&socket, &doorway.addr) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        self.poll.watch(&socket, number, Interest::Writable)?;
        let addr = doorway.addr.to_string();
        let member = Member {
            socket: Some(TcpStream::from(socket)),
            stage: Stage::Connecting {
                request: upgrade_request(&addr, path, doorway.api_key.as_deref()),
                opening: doorway.opening.clone(),
            },
            counter: Counter::new(doorway.dialect, doorway.greetings),
            began,
            events: self.members.get(number).map_or(0, |member| member.events),
        };
        match self.members.get_mut(number) {
            Some(place) => *place = member,
            None => self.members.push(member),
        }
        Ok(())
    }

    /// A subscriber leaves without a word, with whatever it has not read.
    pub(crate) fn leave(&mut self, number: usize) {
        let member = &mut self.members[number];
        self.live -= usize::from(member.is_live());
        member.socket = None;
    }

    /// A subscriber that has left comes back and asks for `path`.
    ///
    /// # Errors
    /// When it cannot connect.
    pub(crate) fn come_back(
        &mut self,
        doorway: &Doorway,
        number: usize,
        path: &str,
    ) -> anyhow::Result<()> {
        self.begin(doorway, number, path)
            .with_context(|| format!("subscriber {number} comes back"))
    }

    /// Events that a subscriber has had since the count began, whether or not it was away
    /// meanwhile.
    pub(crate) fn events_of(&self, number: usize) -> u64 {
        self.members[number].events
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Counts anew: every event that comes from now on is for `expected` subscribers, or
    /// for any number of them when it is zero.
    pub(crate) fn expect(&mut self, expected: usize) {
        self.tally = Tally {
            expected,
            ..Tally::default()
        };
        for member in &mut self.members {
            member.events = 0;
        }
    }

    /// Events delivered since the count began, to whomever.
    pub(crate) fn delivered(&self) -> u64 {
        self.tally.delivered
    }

    /// Whether every subscriber `n` has had at least `due(n)` events since the count began.
    pub(crate) fn all_have(&self, due: impl Fn(usize) -> u64) -> bool {
        let mut members = self.members.iter().enumerate();
        members.all(|(number, member)| member.events >= due(number))
    }

    /// When each event finished that did since the last look, the oldest first.
    pub(crate) fn finished(&mut self) -> Vec<Instant> {
        std::mem::take(&mut self.tally.finished_at)
    }

    /// Waits for something to come, at most `patience`, and takes it.
    ///
    /// # Errors
    /// When the server refuses or closes a subscriber.
    pub(crate) fn turn(&mut self, patience: Duration) -> anyhow::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.poll.wait(Some(patience), &mut ready)?;
        for number in &ready {
            self.attend(*number)
                .with_context(|| format!("subscriber {number}"))?;
        }
        self.ready = ready;
        Ok(())
    }

    fn attend(&mut self, number: usize) -> anyhow::Result<()> {
        let member = &mut self.members[number];
        let Some(socket) = &mut member.socket else {
            return Ok(());
        };
        if let Stage::Connecting { request, opening } = &mut member.stage {
            if let Some(error) = socket.take_error()? {
                return Err(error.into());
            }
            socket.write_all(request.as_bytes())?;
            self.poll.change(&*socket, number, Interest::Readable)?;
            member.stage = Stage::Upgrading {
                answer: Vec::new(),
                opening: std::mem::take(opening),
            };
            return Ok(());
        }
        let count = match socket.read(&mut self.buffer) {
            Ok(0) => bail!("the server has closed the connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let was_live = member.is_live();
        let before = member.events;
        member.take(&self.buffer[..count])?;
        if !was_live && member.is_live() {
            self.live += 1;
            self.stragglers += usize::from(member.began.elapsed() > STRAGGLER);
        }
        self.tally.note(before, member.events);
        Ok(())
    }
}

impl Member {
    fn is_live(&self) -> bool {
        self.socket.is_some() && matches!(self.stage, Stage::Open) && self.counter.is_greeted()
    }

    fn say(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let socket = self.socket.as_mut().context("who is away says nothing")?;
        Ok(socket.write_all(bytes)?)
    }

    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Stage::Upgrading { answer, opening } = &mut self.stage else {
            return self.count(bytes);
        };
        answer.extend(bytes);
        let Some(end) = end_of_head(answer) else {
            return Ok(());
        };
        if !answer.starts_with(b"HTTP/1.1 101") {
            bail!("not let in: {}", String::from_utf8_lossy(answer));
        }
        let (opening, rest) = (std::mem::take(opening), answer.split_off(end));
        self.stage = Stage::Open;
        if !opening.is_empty() {
            self.say(&opening)?;
        }
        self.count(&rest)
    }

    fn count(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let counted = self.counter.feed(bytes);
        self.events += u64::from(counted.events);
        if counted.pinged {
            self.say(&EMPTY_PONG)?;
        }
        ensure!(!counted.closed, "the server closes the websocket");
        Ok(())
    }
}

impl Tally {
    /// A subscriber that had `before` events has `after`.
    fn note(&mut self, before: u64, after: u64) {
        self.delivered += after - before;
        if self.expected == 0 || before == after {
            return;
        }
        for event in before..after {
            // An event too many finds a place of its own, which never fills.
            let place = event.saturating_sub(self.finished) as usize;
            if place >= self.reached.len() {
                self.reached.resize(place + 1, 0);
            }
            self.reached[place] += 1;
        }
        let now = Instant::now();
        while self.reached.front() == Some(&self.expected) {
            self.reached.pop_front();
            self.finished += 1;
            self.finished_at.push(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_finished_when_the_last_has_it() {
        let mut tally = Tally {
            expected: 2,
            ..Tally::default()
        };

        tally.note(0, 3);
        assert_eq!(tally.finished, 0);
        tally.note(0, 1);
        assert_eq!(tally.finished, 1);
        tally.note(1, 3);
        assert_eq!((tally.finished, tally.delivered), (3, 6));
        assert_eq!(tally.finished_at.len(), 3);
    }
}
