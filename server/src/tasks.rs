//! Named tasks, watched: one that ends before it is told to stops the process.

use std::{collections::BTreeMap, future::Future, time::Duration};

use tokio::{
    runtime::Handle,
    task::{Id, JoinSet},
    time::timeout,
};

/// The tasks of one phase of the program.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: JoinSet<anyhow::Result<()>>,
    names: BTreeMap<Id, &'static str>,
}

impl Tasks {
    /// Starts a task under its name.
    pub(crate) fn spawn<F>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.running.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Starts a task under its name, on the threads of another runtime.
    pub(crate) fn spawn_on<F>(&mut self, runtime: &Handle, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.running.spawn_on(task, runtime);
        self.names.insert(handle.id(), name);
    }

    /// Starts a blocking task, on a thread of its own, under its name.
    pub(crate) fn spawn_blocking<F>(&mut self, name: &'static str, task: F)
    where
        F: FnOnce() -> anyhow::Result<()> + Send + 'static,
    {
        let handle = self.running.spawn_blocking(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits for the next task to end, and says which and how. Pends while none runs.
    pub(crate) async fn next_end(&mut self) -> (&'static str, anyhow::Result<()>) {
        match self.running.join_next_with_id().await {
            Some(Ok((id, result))) => (self.forget(id), result),
            Some(Err(error)) => (self.forget(error.id()), Err(error.into())),
            None => std::future::pending().await,
        }
    }

    /// Waits for all tasks to end after they were told to; gives the names of those that
    /// did not within `grace`, which are aborted.
    pub(crate) async fn finish(&mut self, grace: Duration) -> Vec<&'static str> {
        let all = async {
            while !self.running.is_empty() {
                let (name, result) = self.next_end().await;
                if let Err(error) = result {
                    tracing::error!(
                        task = name,
                        error = format!("{error:#}"),
                        "task failed while stopping"
                    );
                }
            }
        };
        if timeout(grace, all).await.is_ok() {
            return Vec::new();
        }
        self.running.abort_all();
        self.names.values().copied().collect()
    }

    fn forget(&mut self, id: Id) -> &'static str {
        self.names.remove(&id).unwrap_or("unnamed")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("steady", std::future::pending());
        tasks.spawn("shaky", async { panic!("planted") });

        let (name, result) = tasks.next_end().await;

        assert_eq!(name, "shaky");
        assert!(result.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_stop_in_time_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("stuck", std::future::pending());
        tasks.spawn("quick", async { Ok(()) });

        let left = tasks.finish(Duration::from_secs(1)).await;

        assert_eq!(left, ["stuck"]);
    }
}
