//! Presigned URLs that were given out, given again as long as they are good for a while.
//!
//! Invariant: an API key is given only URLs made for it, none of which has less than a fifth
//! of its life left; memory is bounded whatever is asked for.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use archive::key::Key;
use tokio::time::Instant;

/// How long a presigned URL opens its object: what a revoked API key keeps.
pub(crate) const LIFE: Duration = Duration::from_secs(600);

/// How long it is given out again: for 80 % of its life.
const FRESH: Duration = Duration::from_secs(480);

/// Most URLs remembered, about three megabytes.
const MOST: usize = 4096;

/// Whose URL, and to what; no API key where none is required.
type Whose = (Option<String>, Key);

/// The URLs.
#[derive(Debug, Default)]
pub(crate) struct Urls(Mutex<Given>);

#[derive(Debug, Default)]
struct Given {
    urls: HashMap<Whose, (String, Instant)>,
    /// In the order in which they cease to be fresh, because all live as long.
    order: VecDeque<(Whose, Instant)>,
}

impl Urls {
    /// The URL that was given, and for how long it is fresh.
    pub(super) fn get(&self, whose: &Whose) -> Option<(String, Duration)> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (url, until) = given.urls.get(whose)?;
        let left = until.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then(|| (url.clone(), left))
    }

    /// Remembers a URL that was just made.
    pub(super) fn keep(&self, whose: Whose, url: String) -> (String, Duration) {
        let now = Instant::now();
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.forget(now);
        given.order.push_back((whose.clone(), now + FRESH));
        given.urls.insert(whose, (url.clone(), now + FRESH));
        (url, FRESH)
    }
}

impl Given {
    /// Makes room for one.
    fn forget(&mut self, now: Instant) {
        while let Some((whose, until)) = self.order.front() {
            if *until > now && self.order.len() < MOST {
                return;
            }
            // One made later for the same key and object stays.
            if self
                .urls
                .get(whose)
                .is_some_and(|(_, known)| known == until)
            {
                self.urls.remove(whose);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn whose(id: &str, number: usize) -> Whose {
        let key = Key::parse(&format!("a/{number}")).unwrap();
        (Some(id.to_owned()), key)
    }

    #[tokio::test(start_paused = true)]
    async fn a_url_is_given_again_to_the_same_key_for_four_fifths_of_its_life() {
        let urls = Urls::default();
        urls.keep(whose("me", 1), "url".into());

        advance(LIFE * 79 / 100).await;
        let late = urls.get(&whose("me", 1));
        let other = urls.get(&whose("you", 1));
        advance(LIFE / 100).await;
        let too_late = urls.get(&whose("me", 1));

        assert_eq!(late.unwrap(), ("url".into(), LIFE / 100));
        assert_eq!((other, too_late), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_urls_are_remembered_than_there_is_room_for() {
        let urls = Urls::default();
        for number in 0..3 * MOST {
            urls.keep(whose("me", number), "url".into());
            urls.keep(whose("me", 1), "again".into());
        }

        let given = urls.0.lock().unwrap();
        assert!(given.urls.len() <= MOST && given.order.len() <= MOST);
        assert_eq!(given.urls[&whose("me", 1)].0, "again");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_fresh_is_forgotten() {
        let urls = Urls::default();
        urls.keep(whose("me", 1), "url".into());
        advance(FRESH).await;

        urls.keep(whose("me", 2), "url".into());

        assert_eq!(urls.0.lock().unwrap().urls.len(), 1);
    }
}
