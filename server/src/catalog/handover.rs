//! From the thread that reads the log to the one that writes the file, a stretch at a time.
//!
//! Packing is a sixth of the work, and both can do it: who reads does while the other is busy,
//! so that neither waits for long.
//!
//! Invariant: stretches arrive in their order; one waits between the two at most.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::{CatalogError, batch::Batch, told::Packer};

/// A part of the log on its way to who writes it.
#[derive(Debug)]
pub struct Stretch {
    /// What it changes.
    pub batch: Batch,
    /// There is no more of the log yet.
    pub is_last: bool,
}

/// The end of the one who reads.
pub struct Giver {
    to: SyncSender<Stretch>,
    packer: Packer,
}

/// Both ends.
///
/// # Errors
/// When there is no memory for the dictionary.
pub fn handover() -> Result<(Giver, Receiver<Stretch>), CatalogError> {
    let (to, taken) = sync_channel(1);
    let packer = Packer::new()?;
    Ok((Giver { to, packer }, taken))
}

impl Giver {
    /// Gives a stretch; false when nobody is left who takes it.
    ///
    /// # Errors
    /// When a frame cannot be packed.
    pub fn give(&mut self, stretch: Stretch) -> Result<bool, CatalogError> {
        let mut late = match self.to.try_send(stretch) {
            Ok(()) => return Ok(true),
            Err(TrySendError::Disconnected(_)) => return Ok(false),
            Err(TrySendError::Full(stretch)) => stretch,
        };
        late.batch.pack(&mut self.packer)?;
        Ok(self.to.send(late).is_ok())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::catalog::testing::{frame, seen};

    fn stretch(seq: u64) -> Stretch {
        let batch = Batch::of([frame(seen(seq, seq as u32, "8-K"))]).unwrap();
        let is_last = seq == 9;
        Stretch { batch, is_last }
    }

    #[test]
    fn stretches_arrive_in_their_order_and_who_gives_to_nobody_is_told() {
        let (mut giver, taken) = handover().unwrap();

        let arrived = std::thread::scope(|scope| {
            scope.spawn(|| assert!((1..10).all(|seq| giver.give(stretch(seq)).unwrap())));
            let arrived: Vec<_> = taken.iter().take(9).collect();
            drop(taken);
            arrived
        });

        let last: Vec<bool> = arrived.iter().map(|it| it.is_last).collect();
        let seqs: Vec<u64> = arrived.iter().map(|it| it.batch.through.get()).collect();
        assert_eq!(seqs, (1..10).collect::<Vec<_>>());
        assert!(last[8] && !last[..8].contains(&true));
        assert!(!giver.give(stretch(10)).unwrap());
    }
}
