//! Many files at once, their results in order.

use std::{
    collections::VecDeque,
    io,
    num::NonZero,
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Results that may wait for one that is slow, for each thread.
const AHEAD: usize = 4;

type Job<'a, T, R> = (&'a T, SyncSender<R>);

/// Works on `items` with a thread per core and delivers the results in order.
///
/// # Errors
/// The first of `deliver`; what is not begun then is left.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    deliver: impl FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let cores = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(items.len().max(1));
    let (queue, jobs) = sync_channel::<Job<'_, T, R>>(cores * AHEAD);
    let jobs = Mutex::new(jobs);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| work_off(&jobs, &work));
        }
        // The queue ends with this call, and with it the threads.
        hand_out(items, queue, cores * AHEAD, deliver)
    })
}

fn work_off<T, R>(jobs: &Mutex<Receiver<Job<'_, T, R>>>, work: impl Fn(&T) -> R) {
    loop {
        let next = jobs
            .lock()
            .expect("no thread panics while it waits for a job")
            .recv();
        let Ok((item, answer)) = next else { return };
        // Nobody waits for the answer once the output is gone.
        let _ = answer.send(work(item));
    }
}

fn hand_out<'a, T, R>(
    items: &'a [T],
    queue: SyncSender<Job<'a, T, R>>,
    ahead: usize,
    mut deliver: impl FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let mut items = items.iter();
    let mut waiting: VecDeque<Receiver<R>> = VecDeque::new();
    loop {
        while waiting.len() < ahead
            && let Some(item) = items.next()
        {
            let (answer, result) = sync_channel(1);
            queue
                .send((item, answer))
                .expect("the threads outlive the queue");
            waiting.push_back(result);
        }
        let Some(first) = waiting.pop_front() else {
            return Ok(());
        };
        deliver(first.recv().expect("every job is answered"))?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_whoever_is_first() {
        let items: Vec<usize> = (0..200).collect();
        let two_at_once = thread::available_parallelism().map_or(1, NonZero::get) > 1;
        let barrier = Barrier::new(2);
        let work = |item: &usize| {
            if two_at_once && *item < 2 {
                barrier.wait();
            }
            *item
        };
        let mut delivered = Vec::new();

        let done = in_order(&items, work, |item| {
            delivered.push(item);
            Ok(())
        });

        assert!(done.is_ok());
        assert_eq!(delivered, items);
    }

    #[test]
    fn an_output_that_is_gone_ends_the_work() {
        let items: Vec<usize> = (0..10_000).collect();
        let begun = Mutex::new(0);
        let count = |_: &usize| *begun.lock().expect("counting does not panic") += 1;

        let done = in_order(&items, count, |()| Err(io::ErrorKind::BrokenPipe.into()));

        assert!(done.is_err());
        assert!(*begun.lock().expect("counting does not panic") < items.len());
    }
}
