//! The second limit: one log of framed bytes, each socket an offset.
//!
//! It goes round the sockets and gives each everything up to the moving tip in one write,
//! so the further it falls behind, the less an event costs. Every few dozen writes it
//! looks for what has come. Invariant: a guest gets the bytes of the log in order and
//! without a gap from where it began.

use std::{fs::File, time::Duration};

use super::door::Door;
use crate::wire::{EVENT_BYTES, event, text_frame};

/// Writes between two looks.
const LOOK_EVERY: usize = 32;

/// Most bytes in one write: what a socket takes at a time.
const WRITE_MAX: usize = 256 * 1024;

/// Bytes of an event in the log: four are the frame's head.
const FRAME_BYTES: usize = EVENT_BYTES + 4;

struct Sweep {
    door: Door,
    log: Vec<u8>,
    /// Where each seat is in the log; none before its upgrade.
    offsets: Vec<Option<usize>>,
    /// Whose turn it is.
    place: usize,
    /// Seats in a row that had everything.
    idle: usize,
}

/// Serves until stdin ends; with a file, what is sent is synced before.
///
/// # Errors
/// When it cannot listen, or write.
pub(super) fn run(file: Option<File>) -> anyhow::Result<()> {
    let mut sweep = Sweep {
        door: Door::open(r#","after":"""#, file)?,
        log: Vec::new(),
        offsets: Vec::new(),
        place: 0,
        idle: 0,
    };
    while sweep.take_news()? {
        sweep.go_on();
    }
    Ok(())
}

impl Sweep {
    /// Looks for what has come, and waits for it when all have everything. False when
    /// nothing more will come.
    fn take_news(&mut self) -> anyhow::Result<bool> {
        let is_done = self.idle >= self.offsets.len();
        let news = self.door.look((!is_done).then_some(Duration::ZERO))?;
        for _ in 0..news.events {
            let number = self.log.len() / FRAME_BYTES + 1;
            self.log.extend(text_frame(&event(number as u64)));
        }
        self.offsets.resize(self.door.seats(), None);
        for guest in &news.guests {
            let tip = self.log.len();
            let begin = guest.after.map_or(tip, |after| after * FRAME_BYTES);
            self.offsets[guest.seat] = Some(begin.min(tip));
        }
        if news.events > 0 || !news.guests.is_empty() {
            self.idle = 0;
        }
        Ok(!news.is_over)
    }

    /// Goes on around the seats until so many writes are done, or all have everything.
    fn go_on(&mut self) {
        let mut writes = 0;
        while writes < LOOK_EVERY && self.idle < self.offsets.len() {
            let seat = self.place;
            self.place = (self.place + 1) % self.offsets.len();
            let Some(offset) = self.offsets[seat].filter(|offset| *offset < self.log.len()) else {
                self.idle += 1;
                continue;
            };
            let end = self.log.len().min(offset + WRITE_MAX);
            let sent = self.door.send(seat, &self.log[offset..end]);
            self.offsets[seat] = Some(offset + sent);
            self.idle = 0;
            writes += 1;
        }
    }
}
