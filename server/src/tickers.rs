//! Whose the ticker symbols are: EDGAR's list, read after the start and once a day.
//!
//! [`Tickers`] is the list all subscriptions look into, [`Reading`] the task that keeps it
//! new. The bytes of the last good list stay in the data directory, so that a restart knows
//! them at once. Elsewhere: the format (`edgar::tickers`), filters (`protocol::filter`).
//!
//! Invariant: a list that cannot be read takes the place of no good one; and a ticker that
//! is not known is an error, never a filter that matches nothing or everything.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use edgar::{error::TickersError, paths, tickers};
use protocol::{
    cik::Cik,
    filter::Filter,
    frame::{ErrorCode, Refusal},
    ticker::Ticker,
};
use sec_client::{Priority, SecClient, SecError, retry};
use tempfile::NamedTempFile;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

/// Between two readings of the list, which EDGAR makes anew from time to time.
const INTERVAL: Duration = Duration::from_hours(24);

/// Between attempts while an older list serves.
const RETRY_INTERVAL: Duration = Duration::from_hours(1);

/// Attempts that may fail before an operator hears of it.
const PATIENCE: u32 = 3;

/// The list's file in the data directory.
const FILE: &str = "tickers.json";

/// Whose the ticker symbols are, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Tickers {
    /// `None` until a list was read.
    owners: RwLock<Option<BTreeMap<Ticker, Cik>>>,
}

/// The task that keeps the list new.
#[derive(Debug)]
pub(crate) struct Reading {
    tickers: Arc<Tickers>,
    sec: SecClient,
    url: String,
    file: PathBuf,
}

/// Why there is no new list.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("EDGAR does not give the list of tickers")]
    Sec(#[from] SecError),
    #[error("EDGAR's list of tickers cannot be read")]
    Format(#[from] TickersError),
}

impl Tickers {
    /// The list as it was read last, if it was.
    pub(crate) fn open(data_dir: &Path) -> Self {
        let tickers = Self::default();
        if let Ok(bytes) = fs::read(data_dir.join(FILE))
            && let Err(error) = tickers.take(&bytes)
        {
            tracing::info!(%error, "the kept list of tickers is read anew");
        }
        tickers
    }

    /// Finds out whose the tickers of a filter are.
    ///
    /// # Errors
    /// A [`Refusal`] that names the ticker which nobody has, or one to be tried again when
    /// no list was read yet.
    pub(crate) fn resolve(&self, filter: &mut Filter) -> Result<(), Refusal> {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        filter.resolve_tickers(|ticker| match &*owners {
            Some(owners) => owners
                .get(ticker)
                .copied()
                .ok_or_else(|| unknown(ticker, owners)),
            None => Err(not_yet()),
        })
    }

    fn take(&self, bytes: &[u8]) -> Result<(), TickersError> {
        let list = tickers::parse(bytes)?;
        if list.rejected > 0 {
            tracing::debug!(rejected = list.rejected, "rows of the list of tickers");
        }
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        *owners = Some(list.owners);
        Ok(())
    }

    fn is_known(&self) -> bool {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        owners.is_some()
    }
}

fn not_yet() -> Refusal {
    let message = "whose the tickers are is not known yet: EDGAR's list was not read so far; \
        try again in a minute, or name the companies in `ciks`";
    Refusal::new(ErrorCode::TickersUnavailable, message).field("tickers")
}

fn unknown(ticker: &Ticker, owners: &BTreeMap<Ticker, Cik>) -> Refusal {
    let hint = match nearest(ticker, owners) {
        Some(nearest) => format!("did you mean \"{nearest}\"?"),
        None => "name the company in `ciks`".to_owned(),
    };
    let message = format!("in `tickers`: no company has the ticker \"{ticker}\"; {hint}");
    Refusal::new(ErrorCode::FilterBadValue, message).field("tickers")
}

/// The ticker one slip away, among those with the same first letter: a few hundred.
fn nearest<'a>(ticker: &Ticker, owners: &'a BTreeMap<Ticker, Cik>) -> Option<&'a Ticker> {
    let first: Ticker = ticker.as_str()[..1].parse().ok()?;
    let neighbours = owners
        .range(first.clone()..)
        .map(|(known, _)| known)
        .take_while(|known| known.as_str().starts_with(first.as_str()));
    let distance = |known: &Ticker| strsim::damerau_levenshtein(known.as_str(), ticker.as_str());
    neighbours
        .map(|known| (distance(known), known))
        .min()
        .filter(|(distance, _)| *distance == 1)
        .map(|(_, known)| known)
}

impl Reading {
    /// Reads from the EDGAR at `www_url`, for `tickers`, and keeps it in `data_dir`.
    pub(crate) fn new(
        tickers: Arc<Tickers>,
        sec: SecClient,
        www_url: &str,
        data_dir: &Path,
    ) -> Self {
        Self {
            tickers,
            sec,
            url: paths::url(www_url, tickers::PATH),
            file: data_dir.join(FILE),
        }
    }

    /// Reads the list now and once a day, until `stop` fires.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut failures = 0;
        while let Some(read) = stop.run_until_cancelled(self.read()).await {
            let pause = match read {
                Ok(()) => {
                    failures = 0;
                    INTERVAL
                }
                Err(error) => {
                    failures += 1;
                    self.pause_after(&error, failures)
                }
            };
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    async fn read(&self) -> Result<(), Failure> {
        // Subscribers wait for the first list; a newer one has time.
        let priority = if self.tickers.is_known() {
            Priority::Repair
        } else {
            Priority::NewFiling
        };
        let bytes = self
            .sec
            .get(&self.url, priority, tickers::MAX_BYTES)
            .await?;
        self.tickers.take(&bytes)?;
        tracing::debug!(bytes = bytes.len(), "the list of tickers is new");
        let file = self.file.clone();
        let kept = spawn_blocking(move || keep(&file, &bytes)).await;
        if let Err(error) = kept.unwrap_or_else(|error| Err(error.into())) {
            tracing::warn!(%error, file = %self.file.display(), "the list of tickers is not kept");
        }
        Ok(())
    }

    /// How long to wait after so many failures in a row; some are worth a word.
    fn pause_after(&self, error: &Failure, failures: u32) -> Duration {
        if self.tickers.is_known() {
            tracing::info!(%error, "the list of tickers stays as it was");
            return RETRY_INTERVAL;
        }
        if failures == PATIENCE {
            tracing::warn!(%error, "filters by ticker are refused until EDGAR gives its list");
        } else {
            tracing::debug!(%error, failures, "no list of tickers yet");
        }
        match error {
            Failure::Sec(SecError::Blocked { retry_in }) => *retry_in,
            _ => retry::transient_delay(failures.saturating_sub(1), 0),
        }
    }
}

/// Writes the file, whole or not at all.
fn keep(file: &Path, bytes: &Bytes) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut draft = NamedTempFile::new_in(folder)?;
    draft.write_all(bytes)?;
    draft.as_file().sync_all()?;
    draft.persist(file)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use sec_client::Config;
    use simulator::Simulator;

    use super::*;

    const LIST: &[u8] = br#"{"0":{"cik_str":320193,"ticker":"AAPL","title":"Apple Inc."},
        "1":{"cik_str":1067983,"ticker":"BRK-B","title":"BERKSHIRE"}}"#;

    fn filter(tickers: &str) -> Filter {
        Filter::from_lists([("tickers", tickers)]).unwrap()
    }

    fn known() -> Tickers {
        let tickers = Tickers::default();
        tickers.take(LIST).unwrap();
        tickers
    }

    #[test]
    fn tickers_become_the_ciks_of_their_owners() {
        let mut filter = filter("aapl,BRK.B");

        known().resolve(&mut filter).unwrap();

        assert_eq!(
            serde_json::to_value(&filter).unwrap(),
            serde_json::json!({"tickers": {"AAPL": "320193", "BRK-B": "1067983"}})
        );
    }

    #[test]
    fn a_ticker_nobody_has_is_refused_with_the_nearest() {
        let said = |tickers| known().resolve(&mut filter(tickers)).unwrap_err();

        assert_eq!(said("APPL").field.as_deref(), Some("tickers"));
        assert!(said("APPL").message.ends_with("did you mean \"AAPL\"?"));
        assert!(
            said("AAPL,ZZZZ")
                .message
                .ends_with("name the company in `ciks`")
        );
        assert!(!said("ZZZZ").retryable);
    }

    #[test]
    fn before_the_first_list_a_filter_with_tickers_is_to_be_tried_again() {
        let tickers = Tickers::default();

        let refusal = tickers.resolve(&mut filter("AAPL")).unwrap_err();

        assert_eq!(refusal.code, ErrorCode::TickersUnavailable);
        assert!(refusal.retryable);
        assert!(tickers.resolve(&mut Filter::default()).is_ok());
    }

    #[test]
    fn a_list_that_cannot_be_read_leaves_the_good_one() {
        let tickers = known();

        assert!(tickers.take(b"{}").is_err());

        assert!(tickers.resolve(&mut filter("AAPL")).is_ok());
    }

    #[tokio::test]
    async fn the_list_is_read_kept_and_known_after_a_restart() {
        let edgar = Simulator::start_local(simulator::Config::default())
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sec = SecClient::new(Config::new("tests@filingwire.example")).unwrap();
        let tickers = Arc::new(Tickers::open(folder.path()));
        assert!(!tickers.is_known());
        let reading = Reading::new(tickers.clone(), sec, &edgar.url(), folder.path());

        reading.read().await.unwrap();

        assert!(tickers.is_known());
        let restarted = Tickers::open(folder.path());
        let list = |tickers: &Tickers| tickers.owners.read().unwrap().clone();
        assert_eq!(list(&restarted), list(&tickers));
    }
}
