//! The sweep: one thread that goes round its sessions and gives each all there is for it.
//!
//! Each session has a place on the tape of its lane. The sweep visits the members that
//! are due, one write each, and looks every few dozen visits for new events, for what
//! clients say, and for what is due by the clock. A session that the kernel takes nothing
//! from, or whose place is no longer on the tape, is set apart and costs the others
//! nothing; it comes back when it has caught up. Elsewhere: what a session says and hears
//! (`talk`), what must be found out first (`errands`).
//!
//! Invariant: the sweep waits for nothing but the kernel's list of sockets that are ready.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use mio::{Events, Interest, Poll, event::Event};
use protocol::{seq::Seq, time::Timestamp};
use slab::Slab;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{
    Control, Shared,
    errands::Errands,
    hub::{Command, Door, Entrance, Seat, WAKER},
    lanes::{Lanes, Token},
    place::{Bound, Located},
    rota::{Duties, Who},
    session::{Apart, Position, Question, Session, Stage, Subscribed},
    walk::Walk,
};
use crate::websocket::Websocket;

/// Members visited before the sweep looks at anything else.
const VISITS: usize = 64;

/// Commands taken before members that are due are visited again.
const COMMANDS: usize = 64;

/// Bytes of newest frames kept for sessions that come back without a filter: hours of
/// EDGAR's events.
const TAPE_BYTES: usize = 16 << 20;

/// Events read at the start to fill the tape: some 600 bytes each.
const TAPE_EVENTS: u64 = 32 * 1024;

/// Most of the log examined at a time.
const EXAMINED_RECORDS: usize = 512;
const EXAMINED_BYTES: usize = 256 * 1024;

/// Bytes the kernel may hold for a client that does not read; it doubles the number.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// Longest message read: twice what is allowed, so that a refusal can be told in-band.
const MAX_READ: usize = 2 * protocol::frame::MAX_CLIENT_MESSAGE_BYTES;

/// A session behind by so many events when it can be written to again is told so.
const LAG_EVENTS: u64 = 1_000;

/// The sweep of one thread.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(super) shared: Arc<Shared>,
    pub(super) errands: Errands,
    pub(super) control: watch::Receiver<Control>,
    poll: Poll,
    door: Door,
    commands: mpsc::Receiver<Command>,
    pub(super) sessions: Slab<Session>,
    pub(super) lanes: Lanes,
    /// Sessions that have more to do than one visit allows.
    pub(super) revisits: VecDeque<Who>,
    pub(super) duties: Duties,
    /// What could be vouched for when the log was last examined up to its tip.
    pub(super) vouched: Option<Timestamp>,
    pub(super) now: Instant,
    pub(super) closing: bool,
    /// Sessions there have been.
    entered: u64,
    /// Questions asked.
    turns: u32,
}

impl Sweep {
    /// A sweep on this seat, its errands run by `runtime`.
    pub(crate) fn new(seat: Seat, shared: Arc<Shared>, runtime: Handle) -> Self {
        let oldest = shared.log.oldest().prev();
        let recent = shared.log.tip().get().saturating_sub(TAPE_EVENTS);
        Self {
            errands: Errands::new(Arc::clone(&shared), seat.door.clone(), runtime),
            door: seat.door,
            control: shared.control.clone(),
            poll: seat.poll,
            commands: seat.commands,
            sessions: Slab::new(),
            lanes: Lanes::new(oldest.max(Seq::new(recent)), TAPE_BYTES),
            revisits: VecDeque::new(),
            duties: Duties::new(shared.stream.heartbeat),
            vouched: None,
            now: Instant::now(),
            closing: false,
            entered: 0,
            turns: 0,
            shared,
        }
    }

    /// Runs until sessions are to be closed and the last one is.
    ///
    /// # Errors
    /// When the log cannot be read, or the kernel fails.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !(self.closing && self.sessions.is_empty()) {
            self.look(&mut events)?;
            self.door.attend();
            self.now = Instant::now();
            for event in &events {
                self.stir(event);
            }
            self.take_commands();
            self.obey();
            self.examine()?;
            self.do_duties();
            self.revisit();
            self.go_round();
        }
        Ok(())
    }

    /// Waits for sockets that are ready, or only looks when there is work.
    fn look(&mut self, events: &mut Events) -> anyhow::Result<()> {
        let busy = self.lanes.any_due()
            || !self.revisits.is_empty()
            || !self.commands.is_empty()
            || self.lanes.examined() < self.shared.log.tip();
        let patience = if busy {
            Some(Duration::ZERO)
        } else {
            let due = self.duties.next();
            due.map(|due| due.saturating_duration_since(Instant::now()))
        };
        match self.poll.poll(events, patience) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            looked => looked.context("cannot wait for sockets"),
        }
    }

    fn stir(&mut self, event: &Event) {
        let token = event.token();
        if token == WAKER || !self.sessions.contains(token.0) {
            return;
        }
        if event.is_readable() || event.is_read_closed() {
            self.hear(token.0);
        }
        let Some(session) = self.sessions.get_mut(token.0) else {
            return;
        };
        if event.is_writable() && session.aside.stuck_since.take().is_some() {
            self.advance(token.0);
        }
    }

    fn take_commands(&mut self) {
        for _ in 0..COMMANDS {
            let Ok(command) = self.commands.try_recv() else {
                return;
            };
            match command {
                Command::Enter(entrance) => {
                    if let Err(error) = self.enter(*entrance) {
                        tracing::warn!(%error, "a connection could not be taken over");
                    }
                }
                Command::Answer { who, turn, answer } => {
                    let Some(session) = self.find(who) else {
                        continue;
                    };
                    if [Question::Frames(turn), Question::Standing(turn)]
                        .contains(&session.aside.question)
                    {
                        session.aside.question = Question::None;
                        self.take_answer(who.token, answer);
                    }
                }
            }
        }
    }

    fn enter(&mut self, entrance: Entrance) -> io::Result<()> {
        let Entrance {
            stream,
            cipher,
            leftover,
            opening,
            from,
            place,
            wire,
            hello,
            next,
        } = entrance;
        socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES)?;
        let stream = mio::net::TcpStream::from_std(stream);
        // What came with the handshake lies in memory, of which the kernel tells nothing.
        let is_unheard = !leftover.is_empty() || cipher.is_some();
        let mut socket = Websocket::new(stream, &leftover, opening, MAX_READ).through(cipher);
        let slot = self.sessions.vacant_entry();
        let token = slot.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(socket.stream(), mio::Token(token), interest)?;
        socket.say(hello);
        self.entered += 1;
        let who = Who {
            token,
            number: self.entered,
        };
        slot.insert(Session::new(who, socket, from, place, wire));
        self.shared.metrics.sessions.inc();
        self.proceed(token, next);
        self.obey_late(token);
        if is_unheard && self.sessions.contains(token) {
            self.hear(token);
        }
        Ok(())
    }

    /// The session, unless it is gone.
    pub(super) fn find(&mut self, who: Who) -> Option<&mut Session> {
        let session = self.sessions.get_mut(who.token)?;
        (session.who == who).then_some(session)
    }

    /// A number for a question.
    pub(super) fn next_turn(&mut self) -> u32 {
        self.turns = self.turns.wrapping_add(1);
        self.turns
    }

    /// Takes up what is new in the log.
    fn examine(&mut self) -> anyhow::Result<()> {
        // What is vouched for was so before the tip was read, hence lies below it.
        let vouched = self.shared.status.complete_through();
        let tip = self.shared.log.tip();
        if self.lanes.examined() < tip {
            let records = self
                .shared
                .log
                .read_after_blocking(self.lanes.examined(), EXAMINED_RECORDS, EXAMINED_BYTES)
                .context("the event log cannot be read")?;
            for record in &records {
                self.lanes.push(record);
            }
        }
        if self.lanes.examined() >= tip {
            self.vouched = vouched;
        }
        Ok(())
    }

    fn revisit(&mut self) {
        for _ in 0..self.revisits.len() {
            let who = self.revisits.pop_front().expect("as many as counted");
            match self.find(who) {
                Some(session) if session.aside.unheard => self.hear(who.token),
                Some(_) => self.advance(who.token),
                None => {}
            }
        }
    }

    fn go_round(&mut self) {
        for _ in 0..VISITS {
            let Some((lane, member)) = self.lanes.next_due() else {
                return;
            };
            self.deliver(member);
            self.lanes.rest(lane);
        }
    }

    /// Gives a member of a lane everything on its tape.
    fn deliver(&mut self, token: Token) {
        let session = &mut self.sessions[token];
        let Stage::Subscribed(Subscribed {
            lane,
            position: Position::Riding { spot, .. },
            ..
        }) = &mut session.stage
        else {
            return;
        };
        let tape = &self.lanes.get(*lane).tape;
        let end = tape.end();
        if spot.offset == end.offset {
            return;
        }
        // Who rides is not stuck, so that there is no more to be noted when it is clear.
        match session.socket.flush() {
            Ok(true) => {}
            Ok(false) => return self.stick(token),
            Err(_) => return self.remove(token),
        }
        let (first, second) = tape.from(spot.offset);
        let all = first.len() + second.len();
        let Ok(taken) = session.socket.write(first, second) else {
            return self.remove(token);
        };
        let reached = if taken == all {
            end
        } else {
            let (cut, rest) = tape.frame_end(spot.offset + taken as u64);
            session.socket.owe(rest);
            cut
        };
        let frames = reached.frames - spot.frames;
        *spot = reached;
        self.shared.metrics.frames_sent.inc_by(frames);
        if taken < all || !session.socket.is_clear() {
            if session.socket.is_full() {
                return self.stick(token);
            }
            // It lacks something: were it still a member, the tape could forget what that is.
            let who = session.who;
            self.part(token);
            self.revisits.push_back(who);
        }
    }

    /// Does what can be done for a session now: writes what was said, then frames.
    pub(super) fn advance(&mut self, token: Token) {
        let session = &mut self.sessions[token];
        match session.socket.flush() {
            Ok(true) => session.aside.stuck_since = None,
            Ok(false) => return self.stick(token),
            Err(_) => return self.remove(token),
        }
        if std::mem::take(&mut session.aside.was_stuck) {
            if session.aside.unheard {
                let who = session.who;
                self.revisits.push_back(who);
            }
            if self.tell_lag(token) {
                return self.advance(token);
            }
        }
        match &self.sessions[token].stage {
            Stage::Subscribed(Subscribed {
                position: Position::Riding { .. },
                ..
            }) => self.deliver(token),
            Stage::Subscribed(_) => self.catch_up(token),
            Stage::Closing => self.sessions[token].socket.finish(),
            Stage::Unknown(_) | Stage::Unsubscribed => {}
        }
    }

    /// A session that was stuck and is far behind is told how far, once.
    fn tell_lag(&mut self, token: Token) -> bool {
        let session = &mut self.sessions[token];
        let Stage::Subscribed(Subscribed {
            position: Position::Apart(apart),
            ..
        }) = &session.stage
        else {
            return false;
        };
        let behind = apart.cursor.behind(self.shared.log.tip());
        let is_news = behind >= LAG_EVENTS && !session.aside.is_lagging;
        if is_news {
            session.aside.is_lagging = true;
            session.socket.say(super::talk::lag(behind));
        }
        is_news
    }

    /// Puts a session that is apart back on its tape, or fetches what is no longer there.
    fn catch_up(&mut self, token: Token) {
        let session = &mut self.sessions[token];
        let Stage::Subscribed(subscribed) = &mut session.stage else {
            return;
        };
        let Position::Apart(apart) = &mut subscribed.position else {
            return;
        };
        if session.aside.question != Question::None {
            return;
        }
        let lane = self.lanes.get(subscribed.lane);
        if apart.bound == Bound::Open {
            if apart.cursor > self.lanes.examined() {
                // It begins at a tip that was not examined yet.
                return self.revisits.push_back(session.who);
            }
            if let Some(spot) = lane.tape.spot_after(apart.cursor) {
                let base = spot.frames.wrapping_sub(apart.sent);
                let member = self.lanes.join(subscribed.lane, token);
                subscribed.position = Position::Riding { spot, base, member };
                self.deliver(token);
                return self.note_caught_up(token);
            }
        }
        let walk = apart.walk.take().unwrap_or_else(|| {
            let located = Located {
                after: apart.cursor,
                bound: apart.bound,
                rule: lane.rule().clone(),
            };
            Box::new(Walk::new(Arc::clone(&self.shared), located))
        });
        self.turns = self.turns.wrapping_add(1);
        session.aside.question = Question::Frames(self.turns);
        self.errands.fetch(session.who, self.turns, walk);
    }

    /// A session that was given all there is, if it was, no longer lags.
    fn note_caught_up(&mut self, token: Token) {
        if let Some(session) = self.sessions.get_mut(token)
            && session.is_riding()
        {
            session.aside.is_lagging = false;
        }
    }

    /// Sets a session apart that the kernel takes nothing from.
    fn stick(&mut self, token: Token) {
        self.part(token);
        let session = &mut self.sessions[token];
        session.close_file();
        session.aside.was_stuck = true;
        if session.aside.stuck_since.is_none() {
            session.aside.stuck_since = Some(self.now);
            self.duties.stuck.put(self.now, session.who);
        }
    }

    /// Takes a session off its tape; it knows what it has been given.
    fn part(&mut self, token: Token) {
        let Stage::Subscribed(subscribed) = &mut self.sessions[token].stage else {
            return;
        };
        let Position::Riding { spot, base, member } = subscribed.position else {
            return;
        };
        let tape = &self.lanes.get(subscribed.lane).tape;
        let at_end = spot == tape.end();
        subscribed.position = Position::Apart(Box::new(Apart {
            cursor: if at_end {
                self.lanes.examined()
            } else {
                tape.seq_before(spot)
            },
            sent: spot.frames.wrapping_sub(base),
            bound: Bound::Open,
            complete_through: self.vouched.filter(|_| at_end),
            walk: None,
        }));
        let lane = subscribed.lane;
        if let Some(moved) = self.lanes.part(lane, member) {
            self.sessions[moved].move_to(member);
        }
    }

    /// Takes a session out of its lane.
    pub(super) fn leave_lane(&mut self, token: Token) {
        self.part(token);
        if let Stage::Subscribed(subscribed) = &self.sessions[token].stage {
            self.lanes.detach(subscribed.lane);
        }
    }

    /// Forgets a session, which closes its connection.
    pub(super) fn remove(&mut self, token: Token) {
        self.leave_lane(token);
        let mut session = self.sessions.remove(token);
        // Closing the file takes it out of the kernel's list in any case.
        let _ = self.poll.registry().deregister(session.socket.stream());
        self.shared.metrics.sessions.dec();
    }
}
