//! Threads that weigh less than those of the log and of the stream, so that neither strangers
//! nor what can wait delay them.

use anyhow::Context;
use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// How much nicer the doors are: with a third of the weight of the others they answer still when
/// something else needs all the machine has.
const DOORS: i32 = 5;

/// How much nicer the catalog is, which can wait.
const CATALOG: i32 = 10;

/// Gives this thread, and those that it starts, the weight of the catalog.
pub(crate) fn weigh_as_catalog() {
    be_nice(nicer(CATALOG));
}

/// A niceness above that of this thread.
fn nicer(by: i32) -> i32 {
    getpriority_process(None).unwrap_or_default() + by
}

/// Sets the weight of this thread; without it everything works the same.
fn be_nice(nice: i32) {
    if let Err(error) = setpriority_process(None, nice) {
        tracing::debug!(%error, "a thread has the weight of others");
    }
}

/// The threads that speak with strangers, apart from those that bring filings: who floods the
/// doors waits for himself.
#[derive(Debug)]
pub(crate) struct Doorkeepers(Option<Runtime>);

impl Doorkeepers {
    /// As many threads as there are cores.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn hire() -> anyhow::Result<Self> {
        // As a number, because one thread is started by another and inherits from it.
        let nice = nicer(DOORS);
        let runtime = Builder::new_multi_thread()
            .thread_name("doors")
            .on_thread_start(move || be_nice(nice))
            .enable_all()
            .build()
            .context("cannot start the threads of the doors")?;
        Ok(Self(Some(runtime)))
    }

    /// What is spawned with it is theirs.
    pub(crate) fn handle(&self) -> &Handle {
        self.runtime().handle()
    }

    /// Sockets that are made while this lives are theirs.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime().enter()
    }

    fn runtime(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Doorkeepers {
    /// Waits for nobody: a runtime that did could not be dropped by a task of another.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::task::spawn_blocking;

    use super::*;

    #[tokio::test]
    async fn strangers_get_less_weight_and_who_serves_them_keeps_his() {
        let weight = || getpriority_process(None).unwrap();
        let ours = weight();

        let doorkeepers = Doorkeepers::hire().unwrap();
        let both = async move { (weight(), spawn_blocking(weight).await.unwrap()) };
        let theirs = doorkeepers.handle().spawn(both).await.unwrap();

        let less = (ours + DOORS).min(19);
        assert_eq!((ours, theirs), (weight(), (less, less)));
    }
}
