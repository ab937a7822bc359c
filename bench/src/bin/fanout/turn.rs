//! One server's turn in a round: every question is put to it, in the same order.
//!
//! Invariant: each part begins with a fresh process, and the crowd only grows in it.

use std::time::Duration;

use bench::figures::Figures;

use crate::{
    contestant::{Contestant, Ready, Server},
    crowd::Crowd,
    measures::{
        self, Entry, Pace, Replay, Series, enter, fill, group_cik, micros_each, publish,
        publish_to_groups,
    },
    table::Table,
};

/// Events outstanding where they outpace the writes.
pub(crate) const OUTSTANDING: usize = 16;

/// Groups of subscribers where each event is for one of them.
const GROUPS: usize = 100;

/// How long filtered events are published.
const FILTERED: Duration = Duration::from_secs(3);

/// Events of a peak hour of EDGAR.
const HOUR: usize = 2330;

/// How much is done in a turn.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Crowds, growing.
    sizes: Vec<usize>,
    /// The crowd that all questions are put to.
    usual: usize,
    /// Events a second, and for how many events.
    paces: Vec<(f64, usize)>,
    /// Deliveries in each series of single events.
    deliveries: usize,
    /// Events in the log to be replayed.
    log: usize,
    /// The newest of them, which are surely in memory.
    newest: usize,
}

/// A server's turn.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) contestant: &'a Contestant,
    pub(crate) is_pinned: bool,
    pub(crate) table: &'a mut Table,
}

impl Plan {
    /// With `usual` subscribers where one number is asked for.
    pub(crate) fn new(usual: usize, is_quick: bool) -> Self {
        if is_quick {
            return Self {
                sizes: vec![100, 1000],
                usual: 1000,
                paces: vec![(10.0, 10), (100.0, 50)],
                deliveries: 50_000,
                log: 60_000,
                newest: 10_000,
            };
        }
        let mut sizes = vec![100, 1000, usual, 19_000];
        sizes.sort_unstable();
        sizes.dedup();
        Self {
            sizes,
            usual,
            paces: vec![(10.0, 10), (30.0, 30), (100.0, 50)],
            deliveries: 200_000,
            log: 200_000,
            newest: 20_000,
        }
    }

    /// The crowds that a server meets; peers meet those that all are compared at.
    fn sizes_for(&self, contestant: &Contestant) -> Vec<usize> {
        let is_met = |size: &usize| !contestant.is_peer || [1000, self.usual].contains(size);
        self.sizes.iter().copied().filter(is_met).collect()
    }

    /// Events for a series with a crowd of `size`.
    fn events(&self, size: usize) -> usize {
        (self.deliveries / size).clamp(10, 1000)
    }
}

impl Turn<'_> {
    /// Takes it.
    ///
    /// # Errors
    /// When the server fails, or an event does not reach whom it should.
    pub(crate) fn take(&mut self) -> anyhow::Result<()> {
        let ready = self.fan_out()?;
        if ready.filters {
            self.filter()?;
        }
        if ready.after.is_some() {
            self.replay()?;
        }
        Ok(())
    }

    fn start(&self) -> anyhow::Result<Server> {
        self.contestant.start(self.is_pinned)
    }

    /// All events to all subscribers. Gives what else the server can do.
    fn fan_out(&mut self) -> anyhow::Result<Ready> {
        let mut server = self.start()?;
        let mut crowd = Crowd::new()?;
        for size in self.plan.sizes_for(self.contestant) {
            let entry = enter(&server, &mut crowd, size)?;
            let events = self.plan.events(size);
            let mut single = publish(&mut server, &mut crowd, Pace::Outstanding(1), events)?;
            self.note_single(size, events, &single);
            if size == self.plan.usual {
                self.note_entry(&entry);
                self.note_to_last("one event at a time", &mut single.to_last);
                self.pace(&mut server, &mut crowd)?;
            }
            if size == self.plan.usual || size == 1000 {
                let many = Pace::Outstanding(OUTSTANDING);
                let series = publish(&mut server, &mut crowd, many, events * 2)?;
                self.note_many(size, &series);
            }
        }
        Ok(server.ready().clone())
    }

    /// Events at a steady rate.
    fn pace(&mut self, server: &mut Server, crowd: &mut Crowd) -> anyhow::Result<()> {
        for (rate, events) in self.plan.paces.clone() {
            let mut series = publish(server, crowd, Pace::PerSecond(rate), events)?;
            self.note_to_last(&format!("{rate} events/s"), &mut series.to_last);
        }
        Ok(())
    }

    /// Each event to one subscriber in a hundred.
    fn filter(&mut self) -> anyhow::Result<()> {
        let mut server = self.start()?;
        let size = self.plan.usual;
        let ready = server.ready().clone();
        // A filter of its own for each: its group's filer, and one that nobody else wants.
        let path = |number: usize| {
            let (group, own) = (group_cik(number % GROUPS), group_cik(GROUPS + number));
            ready.path_with(&format!("ciks={group},{own}"))
        };
        let mut crowd = Crowd::new()?;
        crowd.gather(&server.doorway(), path, size, 1000)?;
        let mut series = publish_to_groups(&mut server, &mut crowd, GROUPS, FILTERED)?;
        let what = |what: &str| format!("{} subscribers, event for 1 %: {what}", thousands(size));
        let events = series.to_last.count() as u64;
        let per_event = micros_each(series.cpu, events) / 1000.0;
        self.note(&what("CPU per event, ms"), per_event);
        self.note(&what("CPU per delivery, µs"), series.cpu_each());
        self.note(
            &what("until the last has it, median ms"),
            ms(&mut series.to_last, 0.5),
        );
        Ok(())
    }

    /// Old events to those who come back.
    fn replay(&mut self) -> anyhow::Result<()> {
        let plan = self.plan;
        let mut server = self.start()?;
        fill(&mut server, plan.log)?;
        let from_memory = |_| plan.log - plan.newest;
        let memory = measures::replay(&server, 8, from_memory, plan.log)?;
        self.note_replay("memory", &memory);
        if server.ready().on_disk {
            // The newest would come from memory.
            let until = plan.log - 2 * plan.newest;
            let disk = measures::replay(&server, 4, |_| 0, until)?;
            self.note_replay("disk", &disk);
        }
        // 7919 is prime, so that neighbours are far apart.
        let scattered = |number: usize| plan.log - number * 7919 % HOUR;
        let storm = measures::replay(&server, plan.usual, scattered, plan.log)?;
        self.note_storm(&storm);
        Ok(())
    }

    fn note_storm(&mut self, storm: &Replay) {
        let count = thousands(self.plan.usual);
        let what = format!(
            "{count} come back at once, up to {} events behind",
            thousands(HOUR)
        );
        for (part, time) in [
            ("until all are live", storm.wall),
            ("CPU", storm.cpu),
            ("the generator's CPU", storm.generator),
        ] {
            self.note(&format!("{what}: {part}, s"), time.as_secs_f64());
        }
    }

    fn note_single(&mut self, size: usize, events: usize, series: &Series) {
        let what = format!("{} subscribers, one event at a time", thousands(size));
        self.note(&format!("{what}: CPU per delivery, µs"), series.cpu_each());
        if size == self.plan.usual {
            let per_event = micros_each(series.cpu, events as u64) / 1000.0;
            self.note(&format!("{what}: CPU per event, ms"), per_event);
        }
    }

    fn note_entry(&mut self, entry: &Entry) {
        let count = entry.count as u64;
        self.note("connects/s", entry.count as f64 / entry.wall.as_secs_f64());
        self.note("CPU per connect, µs", micros_each(entry.cpu, count));
        self.note("stragglers, connect > 1 s", entry.stragglers as f64);
        let memory = entry.memory as f64 / entry.count as f64 / 1024.0;
        self.note("memory per idle subscriber, KiB", memory);
    }

    fn note_replay(&mut self, place: &str, replay: &Replay) {
        let rate = replay.frames as f64 / replay.wall.as_secs_f64();
        self.note(&format!("replay from {place}: frames/s"), rate);
        let cpu = micros_each(replay.cpu, replay.frames);
        self.note(&format!("replay from {place}: CPU per frame, µs"), cpu);
    }

    fn note_many(&mut self, size: usize, series: &Series) {
        let what = format!(
            "{} subscribers, {OUTSTANDING} events outstanding",
            thousands(size)
        );
        self.note(&format!("{what}: deliveries/s"), series.rate());
        self.note(&format!("{what}: CPU per delivery, µs"), series.cpu_each());
    }

    fn note_to_last(&mut self, pace: &str, to_last: &mut Figures) {
        let size = thousands(self.plan.usual);
        for (name, share) in [("median", 0.5), ("p99", 0.99)] {
            let what = format!("{size} subscribers, {pace}: until the last has it, {name} ms");
            self.note(&what, ms(to_last, share));
        }
    }

    fn note(&mut self, what: &str, figure: f64) {
        eprintln!("  {what}: {figure:.2}");
        self.table.note(what, &self.contestant.name, figure);
    }
}

fn ms(figures: &mut Figures, share: f64) -> f64 {
    figures.percentile(share).as_secs_f64() * 1000.0
}

fn thousands(count: usize) -> String {
    if count < 1000 {
        return count.to_string();
    }
    format!("{},{:03}", count / 1000, count % 1000)
}
