//! What is looked at now and then while the program serves: the key file, how it goes, how
//! busy it is.

use std::{sync::Arc, time::Duration};

use protocol::time::Timestamp;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::Phased;
use crate::{
    keys::{KeyFile, KeyFileVersion},
    stream::{Control, Shared},
};

/// How often the key file is looked at: a revoked key's sockets close within a second.
const KEYS_INTERVAL: Duration = Duration::from_millis(250);

/// Reads the key file again when it was replaced or a key's time is up.
pub(super) async fn watch_keys(
    file: KeyFile,
    mut version: Option<KeyFileVersion>,
    control: Arc<watch::Sender<Control>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut ticks = interval(KEYS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked_at = Timestamp::now();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = Timestamp::now();
        let current = file.version();
        if current != version {
            match file.read() {
                Ok(ring) => {
                    version = current;
                    control.send_modify(|control| {
                        control.keys = Arc::new(ring);
                        control.keys_version = version;
                    });
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "API keys stay as they were");
                }
            }
        } else if control.borrow().keys.any_expired_between(looked_at, now) {
            control.send_modify(|_| {});
        }
        looked_at = now;
    }
    Ok(())
}

/// Counts what the log tells, for the charts of the page.
pub(super) fn count_activity(doors: &mut Phased, shared: &Arc<Shared>) {
    let (activity, log) = (shared.activity.clone(), shared.log.clone());
    let (now, stop) = (shared.clock.now(), doors.stop.clone());
    let counting = async move { activity.follow(log, now, stop).await };
    doors.tasks.spawn("activity", counting);
}

/// One line a minute for the operator.
pub(super) async fn summarize(shared: Arc<Shared>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ticks = interval(Duration::from_secs(60));
    ticks.reset();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let (tally, fetch) = (shared.status.tally(), shared.status.fetch());
        tracing::info!(
            head = %shared.log.tip(),
            seen_today = tally.seen,
            archived_today = tally.archived,
            backlog = fetch.backlog,
            sessions = shared.metrics.sessions.get(),
            complete_through = shared.status.complete_through().map(tracing::field::display),
            "summary"
        );
    }
    Ok(())
}
