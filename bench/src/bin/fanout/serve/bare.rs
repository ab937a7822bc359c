//! The first limit: for each event, one `send` to each socket.
//!
//! Nothing is kept, nothing is looked up, the bytes are prepared once. Invariant: every
//! event goes to every guest of the moment, and who cannot take it whole is dismissed.

use std::fs::File;

use super::door::Door;
use crate::wire::{event, text_frame};

/// Serves until stdin ends; with a file, what is sent is synced before.
///
/// # Errors
/// When it cannot listen, or write.
pub(super) fn run(file: Option<File>) -> anyhow::Result<()> {
    let mut door = Door::open("", file)?;
    let mut guests: Vec<usize> = Vec::new();
    let mut published = 0;
    loop {
        let news = door.look(None)?;
        guests.extend(news.guests.iter().map(|guest| guest.seat));
        for _ in 0..news.events {
            published += 1;
            let frame = text_frame(&event(published));
            for seat in &guests {
                if door.send(*seat, &frame) < frame.len() {
                    door.dismiss(*seat);
                }
            }
        }
        if news.is_over {
            return Ok(());
        }
    }
}
