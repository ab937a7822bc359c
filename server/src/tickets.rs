//! Tickets: an API key's stand-in for a browser, which can send no bearer header with a
//! websocket or an `EventSource`. Good for one use within 30 seconds; or for a filing's documents
//! for ten minutes, because a document's pictures are asked for by the browser.
//!
//! Elsewhere: the door that gives them out (`http/tickets`), who may do what (`keys`).
//!
//! Invariant: a ticket opens at most once, or one filing, and never more than its API key does
//! at that moment.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{
    accession::Accession,
    frame::{ErrorCode, Refusal},
};
use rand::{Rng, distr::Alphanumeric};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How long a ticket may wait for its use.
pub(crate) const LIFE: Duration = Duration::from_secs(30);

/// How long a ticket of a filing is good for.
pub(crate) const READING_LIFE: Duration = Duration::from_secs(600);

/// Most tickets of each kind that wait for their use, or their end.
const MOST: usize = 16_384;

/// Most of them for one API key, so that one key cannot take them all.
const MOST_OF_KEY: u32 = 1_024;

/// Characters of chance in a ticket, 190 bits.
const CHARS: usize = 32;

/// The hash of a ticket: how long a look-up takes says nothing about the ticket.
type Print = [u8; 32];

/// The tickets that are good for something.
#[derive(Debug)]
pub(crate) struct Tickets {
    once: Mutex<Table<()>>,
    reading: Mutex<Table<Accession>>,
}

/// Tickets that each open a `What`.
#[derive(Debug)]
struct Table<What> {
    life: Duration,
    /// The API key's id of each.
    waiting: HashMap<Print, (String, What)>,
    /// Oldest first; those used meanwhile are still in it.
    order: VecDeque<(Instant, Print)>,
    of_key: HashMap<String, u32>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            once: Mutex::new(Table::new(LIFE)),
            reading: Mutex::new(Table::new(READING_LIFE)),
        }
    }
}

impl Tickets {
    /// A new ticket for the API key of this id, for one use.
    ///
    /// # Errors
    /// A [`Refusal`] when too many wait for their use.
    pub(crate) fn issue(&self, key: &str) -> Result<String, Refusal> {
        lock(&self.once).issue(key, ())
    }

    /// A new ticket for the API key of this id, for the documents of `filing`.
    ///
    /// # Errors
    /// A [`Refusal`] when too many are not at their end.
    pub(crate) fn issue_for(&self, key: &str, filing: Accession) -> Result<String, Refusal> {
        lock(&self.reading).issue(key, filing)
    }

    /// Takes a ticket and gives the id of its API key. A second time there is none.
    pub(crate) fn take(&self, ticket: &str) -> Option<String> {
        let mut table = lock(&self.once);
        table.forget_late();
        table.remove(&print(ticket))
    }

    /// The id of the API key whose ticket is for the documents of `filing`.
    pub(crate) fn reader(&self, ticket: &str, filing: Accession) -> Option<String> {
        let mut table = lock(&self.reading);
        table.forget_late();
        let (key, of) = table.waiting.get(&print(ticket))?;
        (*of == filing).then(|| key.clone())
    }
}

/// A table is whole at any moment, so a panic elsewhere spoils nothing.
fn lock<What>(table: &Mutex<Table<What>>) -> MutexGuard<'_, Table<What>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<What> Table<What> {
    fn new(life: Duration) -> Self {
        Self {
            life,
            waiting: HashMap::new(),
            order: VecDeque::new(),
            of_key: HashMap::new(),
        }
    }

    fn issue(&mut self, key: &str, what: What) -> Result<String, Refusal> {
        let chance = rand::rng().sample_iter(Alphanumeric).take(CHARS);
        let ticket: String = chance.map(char::from).collect();
        self.add(print(&ticket), key, what)?;
        Ok(ticket)
    }

    fn add(&mut self, print: Print, key: &str, what: What) -> Result<(), Refusal> {
        self.forget_late();
        let of_key = self.of_key.get(key).copied().unwrap_or(0);
        if self.waiting.len() >= MOST || of_key >= MOST_OF_KEY {
            let message = format!(
                "too many tickets are out; use them, or try again in {} seconds",
                self.life.as_secs()
            );
            return Err(Refusal::new(ErrorCode::TooManyRequests, message));
        }
        if self.order.len() >= 2 * MOST {
            let waiting = &self.waiting;
            self.order.retain(|(_, print)| waiting.contains_key(print));
        }
        self.of_key.insert(key.to_owned(), of_key + 1);
        self.waiting.insert(print, (key.to_owned(), what));
        self.order.push_back((Instant::now() + self.life, print));
        Ok(())
    }

    fn remove(&mut self, print: &Print) -> Option<String> {
        let (key, _) = self.waiting.remove(print)?;
        if let Some(count) = self.of_key.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.of_key.remove(&key);
            }
        }
        Some(key)
    }

    fn forget_late(&mut self) {
        let now = Instant::now();
        while let Some((until, print)) = self.order.front().copied() {
            if until > now && self.waiting.contains_key(&print) {
                return;
            }
            self.order.pop_front();
            self.remove(&print);
        }
    }
}

fn print(ticket: &str) -> Print {
    Sha256::digest(ticket).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ticket_opens_once() {
        let tickets = Tickets::default();

        let ticket = tickets.issue("k").unwrap();

        assert_eq!(tickets.take("nonsense"), None);
        assert_eq!(tickets.take(&ticket).as_deref(), Some("k"));
        assert_eq!(tickets.take(&ticket), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_lives_thirty_seconds() {
        let tickets = Tickets::default();
        let (early, late) = (tickets.issue("k").unwrap(), tickets.issue("k").unwrap());

        tokio::time::advance(LIFE - Duration::from_millis(1)).await;
        let in_time = tickets.take(&early);
        tokio::time::advance(Duration::from_millis(1)).await;

        assert_eq!(in_time.as_deref(), Some("k"));
        assert_eq!(tickets.take(&late), None);
        assert!(lock(&tickets.once).of_key.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_key_cannot_take_all_tickets_and_time_gives_them_back() {
        let tickets = Tickets::default();
        for _ in 0..MOST_OF_KEY {
            tickets.issue("greedy").unwrap();
        }

        assert!(tickets.issue("greedy").is_err());
        assert!(tickets.issue("other").is_ok());
        tokio::time::advance(LIFE).await;
        assert!(tickets.issue("greedy").is_ok());
        assert_eq!(lock(&tickets.once).order.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_of_a_filing_opens_it_and_no_other_for_ten_minutes() {
        let tickets = Tickets::default();
        let [filing, other] = ["0001999999-26-000042", "0001999999-26-000043"]
            .map(|text| text.parse::<Accession>().unwrap());

        let ticket = tickets.issue_for("k", filing).unwrap();
        let once = tickets.issue("k").unwrap();

        assert_eq!(tickets.reader(&ticket, filing).as_deref(), Some("k"));
        assert_eq!(tickets.reader(&ticket, filing).as_deref(), Some("k"));
        assert_eq!(tickets.reader(&ticket, other), None);
        assert_eq!(tickets.reader(&once, filing), None);
        assert_eq!(tickets.take(&ticket), None);
        tokio::time::advance(READING_LIFE - Duration::from_millis(1)).await;
        assert!(tickets.reader(&ticket, filing).is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(tickets.reader(&ticket, filing), None);
        assert!(lock(&tickets.reading).of_key.is_empty());
    }

    #[tokio::test]
    async fn used_tickets_make_room_at_once() {
        let tickets = Tickets::default();

        let _unused = tickets.issue("k").unwrap();
        for _ in 0..3 * MOST {
            let ticket = tickets.issue("k").unwrap();
            tickets.take(&ticket).unwrap();
        }

        assert_eq!(lock(&tickets.once).waiting.len(), 1);
        assert!(lock(&tickets.once).order.len() <= 2 * MOST);
    }
}
