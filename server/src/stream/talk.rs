//! What a session says and hears besides events: the rules of the conversation.
//!
//! Elsewhere: events and sockets (`sweep`), what is asked elsewhere (`errands`).
//!
//! Invariant: a session that is ending says why, says goodbye, and says nothing more.

use std::time::Instant;

use protocol::{
    close::CloseCode,
    frame::{
        ClientMessage, Done, ErrorCode, Heartbeat, Lag, MAX_CLIENT_MESSAGE_BYTES, Refusal, encode,
    },
    seq::Seq,
    time::{Timestamp, to_millis},
};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding};

use super::{
    errands::{Answer, Chunk, Next},
    lanes::Token,
    place::{self, Located},
    rota::Who,
    session::{Apart, End, Position, Question, Session, Stage, Subscribed, pong, too_large},
    sweep::Sweep,
};
use crate::{keys::Scope, websocket::Heard};

/// Messages heard in one visit, so that one client cannot keep the others waiting.
const MESSAGES_A_VISIT: usize = 8;

/// Duties of one kind done before members that are due are visited again.
const DUTIES_A_ROUND: usize = 128;

impl Sweep {
    /// Hears what a client has sent.
    pub(super) fn hear(&mut self, token: Token) {
        for _ in 0..MESSAGES_A_VISIT {
            let session = &mut self.sessions[token];
            if matches!(session.stage, Stage::Closing) {
                if session.socket.ignore() {
                    self.remove(token);
                }
                return;
            }
            if matches!(session.aside.question, Question::Standing(_)) {
                session.aside.unheard = true;
                return;
            }
            let heard = session.socket.hear();
            let counted = session.count_bytes(self.now);
            let understood = match heard {
                _ if counted.is_err() => counted.map_err(End::from),
                Heard::Message(message) => self.understand(token, message),
                Heard::Silence => {
                    session.aside.unheard = false;
                    return self.advance(token);
                }
                Heard::Enough => break,
                Heard::Gone => {
                    // The answer to its close may still reach it.
                    let _ = session.socket.flush();
                    return self.remove(token);
                }
                Heard::Fault(code) => Err(fault(code).into()),
                Heard::TooLarge => Err(too_large().into()),
            };
            if let Err(end) = understood {
                return self.end(token, end);
            }
        }
        let session = &mut self.sessions[token];
        session.aside.unheard = true;
        if session.aside.stuck_since.is_none() {
            let who = session.who;
            self.revisits.push_back(who);
        }
        self.advance(token);
    }

    fn understand(&mut self, token: Token, message: Message) -> Result<(), End> {
        let now = self.now;
        let session = &mut self.sessions[token];
        match message {
            Message::Text(text) => {
                session.count_message(now)?;
                if text.len() > MAX_CLIENT_MESSAGE_BYTES {
                    return Err(too_large().into());
                }
                self.answer(token, ClientMessage::parse(&text)?)
            }
            Message::Binary(_) => {
                let message = "send text frames, not binary ones";
                Err(Refusal::new(ErrorCode::BadMessage, message).into())
            }
            Message::Pong(_) => {
                session.aside.pinged_at = None;
                Ok(session.count_control(now)?)
            }
            _ => Ok(session.count_control(now)?),
        }
    }

    fn answer(&mut self, token: Token, message: ClientMessage) -> Result<(), End> {
        let turn = self.next_turn();
        let session = &mut self.sessions[token];
        let who = session.who;
        match (&session.stage, message) {
            (_, ClientMessage::Ping { id }) => session.socket.say(pong(id)),
            (Stage::Unknown(request), ClientMessage::Auth { key }) => {
                let request = Some(request.clone());
                session.aside.question = Question::Standing(turn);
                self.errands
                    .identify(who, turn, session.aside.from, key, request);
            }
            (Stage::Unknown(_), ClientMessage::Subscribe(_)) => {
                let message = r#"send {"op":"auth","key":"fw_…"} first, or a bearer header"#;
                return Err(Refusal::new(ErrorCode::Unauthorized, message).into());
            }
            // A client that always sends its key, though it need not.
            (_, ClientMessage::Auth { key }) => {
                if self.shared.auth_required {
                    session.aside.question = Question::Standing(turn);
                    self.errands
                        .identify(who, turn, session.aside.from, key, None);
                }
            }
            (_, ClientMessage::Subscribe(asked)) => {
                session.aside.question = Question::Standing(turn);
                let current = self.position(token).map(|(through, ..)| through);
                self.errands.subscribe(who, turn, *asked, current);
            }
        }
        Ok(())
    }

    /// What the last event examined for a session is, how many were sent, and what can be
    /// vouched for; `None` before it is subscribed.
    fn position(&self, token: Token) -> Option<(Seq, u64, Option<Timestamp>)> {
        let Stage::Subscribed(Subscribed { lane, position, .. }) = &self.sessions[token].stage
        else {
            return None;
        };
        Some(match position {
            Position::Apart(apart) => (apart.cursor, apart.sent, apart.complete_through),
            Position::Riding { spot, base, .. } => {
                let tape = &self.lanes.get(*lane).tape;
                let sent = spot.frames.wrapping_sub(*base);
                if *spot == tape.end() {
                    (self.lanes.examined(), sent, self.vouched)
                } else {
                    (tape.seq_before(*spot), sent, None)
                }
            }
        })
    }

    /// An errand has come back.
    pub(super) fn take_answer(&mut self, token: Token, answer: Answer) {
        let next = match answer {
            Answer::Next(next) => next,
            Answer::Frames(Ok(chunk)) => return self.take_frames(token, *chunk),
            Answer::Frames(Err(refusal)) => Next::Close(refusal.into()),
            Answer::Known(key, next) => {
                let place = self.sessions[token].aside.place.as_mut();
                match place.map(|place| place.claim(&key)) {
                    Some(Err(refusal)) => Next::Close(refusal.into()),
                    _ => next,
                }
            }
        };
        self.proceed(token, next);
        self.obey_late(token);
        if self.sessions.get(token).is_some_and(|s| s.aside.unheard) {
            self.hear(token);
        }
    }

    /// Goes on with a session as was found out.
    pub(super) fn proceed(&mut self, token: Token, next: Next) {
        let session = &mut self.sessions[token];
        match next {
            Next::Stay => {}
            Next::Close(end) => return self.end(token, end),
            Next::AwaitKey(request) => {
                session.stage = Stage::Unknown(request);
                session.aside.awaited_since = Some(self.now);
                self.duties.opening.put(self.now, session.who);
            }
            Next::AwaitSubscription => {
                session.stage = Stage::Unsubscribed;
                session.aside.awaited_since = Some(self.now);
                self.duties.opening.put(self.now, session.who);
            }
            Next::Begin {
                mut located,
                goes_on,
            } => {
                if let Some((through, ..)) = self.position(token).filter(|_| goes_on) {
                    located.after = through;
                }
                self.begin(token, *located);
            }
        }
        self.advance(token);
    }

    fn begin(&mut self, token: Token, located: Located) {
        let said = place::subscribed(&self.shared, located.after, &located.rule.filter);
        let is_first = !matches!(self.sessions[token].stage, Stage::Subscribed(_));
        self.leave_lane(token);
        let session = &mut self.sessions[token];
        session.socket.say(said);
        session.stage = Stage::Subscribed(Subscribed {
            lane: self.lanes.attach(located.rule),
            position: Position::Apart(Box::new(Apart {
                cursor: located.after,
                sent: 0,
                bound: located.bound,
                complete_through: None,
                walk: None,
            })),
        });
        if is_first {
            self.duties.heartbeat.put(self.now, session.who);
            self.duties.ping.put(self.now, session.who);
        }
    }

    fn take_frames(&mut self, token: Token, chunk: Chunk) {
        let session = &mut self.sessions[token];
        let Stage::Subscribed(Subscribed { position, .. }) = &mut session.stage else {
            return;
        };
        let Position::Apart(apart) = position else {
            return;
        };
        apart.cursor = chunk.through;
        apart.sent += chunk.count;
        apart.complete_through = chunk.complete_through;
        apart.walk = Some(chunk.walk);
        session.socket.say_frames(chunk.frames);
        if chunk.is_last {
            let through = self.shared.log.epoch().at(chunk.through);
            session.socket.say(encode("done", &Done { through }));
            return self.end(token, CloseCode::Normal.into());
        }
        self.advance(token);
    }

    /// Ends a session, saying why.
    pub(super) fn end(&mut self, token: Token, end: End) {
        let End { code, refusal } = end;
        self.leave_lane(token);
        let session = &mut self.sessions[token];
        let reason = (refusal.as_ref()).map_or("", |refusal| refusal.code.close_reason());
        if let Some(refusal) = &refusal {
            session.socket.say(encode("error", refusal));
        }
        session.socket.say_close(code.number(), reason);
        session.stage = Stage::Closing;
        // An answer that is under way must not bring it back.
        session.aside.question = Question::None;
        self.duties.farewell.put(self.now, session.who);
        self.shared.metrics.closed(code.number());
        tracing::debug!(code = code.number(), "session closed");
        self.advance(token);
    }

    /// Does what is due by the clock.
    pub(super) fn do_duties(&mut self) {
        for _ in 0..DUTIES_A_ROUND {
            let mut idle = true;
            if let Some((_, who)) = self.duties.heartbeat.take(self.now) {
                idle = false;
                self.beat(who);
            }
            if let Some((_, who)) = self.duties.ping.take(self.now) {
                idle = false;
                self.ping(who);
            }
            if let Some((put, who)) = self.duties.pong.take(self.now) {
                idle = false;
                self.end_if(
                    who,
                    |session| session.aside.pinged_at == Some(put),
                    CloseCode::NoPong.into(),
                );
            }
            if let Some((put, who)) = self.duties.stuck.take(self.now) {
                idle = false;
                self.end_if(
                    who,
                    |session| session.aside.stuck_since == Some(put),
                    CloseCode::SlowConsumer.into(),
                );
            }
            if let Some((put, who)) = self.duties.opening.take(self.now) {
                idle = false;
                self.end_opening(who, put);
            }
            if let Some((_, who)) = self.duties.farewell.take(self.now) {
                idle = false;
                if self.find(who).is_some() {
                    self.remove(who.token);
                }
            }
            if idle {
                return;
            }
        }
    }

    /// Ends a session that has not sent its key or its subscription. One whose answer is
    /// still being found out has more time.
    fn end_opening(&mut self, who: Who, put: Instant) {
        let now = self.now;
        let Some(session) = self
            .find(who)
            .filter(|s| s.aside.awaited_since == Some(put))
        else {
            return;
        };
        let refusal = match session.stage {
            _ if session.aside.question != Question::None => {
                session.aside.awaited_since = Some(now);
                return self.duties.opening.put(now, who);
            }
            Stage::Unknown(_) => keyless(),
            Stage::Unsubscribed => idle_refusal(),
            Stage::Subscribed(_) | Stage::Closing => return,
        };
        self.end(who.token, refusal.into());
    }

    fn end_if(&mut self, who: Who, is_due: impl Fn(&Session) -> bool, end: End) {
        let is_over = |session: &Session| matches!(session.stage, Stage::Closing);
        if self
            .find(who)
            .is_some_and(|session| !is_over(session) && is_due(session))
        {
            self.end(who.token, end);
        }
    }

    /// Sends a heartbeat, after what it counts.
    fn beat(&mut self, who: Who) {
        let Some(session) = self.find(who) else {
            return;
        };
        let is_stuck = session.aside.stuck_since.is_some();
        if matches!(session.stage, Stage::Closing) {
            return;
        }
        self.duties.heartbeat.put(self.now, who);
        if is_stuck {
            return;
        }
        self.advance(who.token);
        let is_there = self.find(who).is_some();
        let Some((through, sent, complete_through)) =
            is_there.then(|| self.position(who.token)).flatten()
        else {
            return;
        };
        let log = &self.shared.log;
        let heartbeat = Heartbeat {
            at: to_millis(self.shared.clock.now()),
            head: log.epoch().at(log.tip()),
            through: log.epoch().at(through),
            sent,
            complete_through,
            sources: self.shared.status.last_polls(),
        };
        let session = &mut self.sessions[who.token];
        if session.aside.stuck_since.is_none() {
            session.socket.say(encode("heartbeat", &heartbeat));
            self.advance(who.token);
        }
    }

    fn ping(&mut self, who: Who) {
        let now = self.now;
        let Some(session) = self.find(who) else {
            return;
        };
        if matches!(session.stage, Stage::Closing) {
            return;
        }
        let is_asked = session.aside.pinged_at.is_some();
        let is_stuck = session.aside.stuck_since.is_some();
        if !is_stuck {
            session.aside.pinged_at.get_or_insert(now);
            session.socket.say_ping();
            self.advance(who.token);
        }
        self.duties.ping.put(now, who);
        if !is_stuck && !is_asked {
            self.duties.pong.put(now, who);
        }
    }

    /// Obeys what all sessions obey: API keys that are no longer good, the end.
    pub(super) fn obey(&mut self) {
        if self.closing || !self.control.has_changed().unwrap_or(true) {
            return;
        }
        let control = self.control.borrow_and_update().clone();
        self.closing = control.closing || self.control.has_changed().is_err();
        let tokens: Vec<Token> = self.sessions.iter().map(|(token, _)| token).collect();
        if self.closing {
            return self.close_all(&tokens);
        }
        for token in tokens {
            self.check_key(token);
        }
    }

    /// Ends a session whose API key is no longer good.
    fn check_key(&mut self, token: Token) {
        let session = &self.sessions[token];
        let is_good = |id| self.shared.is_still_good(id, Scope::Stream);
        if !matches!(session.stage, Stage::Closing) && !session.key_id().is_none_or(is_good) {
            let message = "the API key was revoked or has expired";
            self.end(token, Refusal::new(ErrorCode::Unauthorized, message).into());
        }
    }

    /// Obeys for a session that came, or named its key, after all others had obeyed.
    pub(super) fn obey_late(&mut self, token: Token) {
        if self.closing && self.sessions.contains(token) {
            self.close_all(&[token]);
        } else if self.sessions.contains(token) {
            self.check_key(token);
        }
    }

    /// Says goodbye to all, and when to come back: not all at once.
    fn close_all(&mut self, tokens: &[Token]) {
        for (nth, token) in tokens.iter().enumerate() {
            let session = &mut self.sessions[*token];
            if matches!(session.stage, Stage::Closing) {
                continue;
            }
            session.socket.say(place::draining(nth as u64));
            self.end(*token, CloseCode::GoingAway.into());
        }
    }
}

/// The frame that tells a session how far behind it is.
pub(super) fn lag(behind: u64) -> String {
    encode("lag", &Lag { behind })
}

fn keyless() -> Refusal {
    let message =
        r#"no key came within 10 s; send {"op":"auth","key":"fw_…"} first, or a bearer header"#;
    Refusal::new(ErrorCode::AuthTimeout, message)
}

fn idle_refusal() -> Refusal {
    let message = r#"no subscription came within 10 s; send {"op":"subscribe","filter":{…}}"#;
    Refusal::new(ErrorCode::BadMessage, message)
}

/// Our close code for a fault of the websocket protocol.
fn fault(code: coding::CloseCode) -> CloseCode {
    match code {
        coding::CloseCode::Invalid => CloseCode::BadText,
        _ => CloseCode::BadFrame,
    }
}
