//! Work that the running server does for a command; without one, this process does it.
//!
//! The server on the data directory is asked through its control socket. When none runs,
//! the program starts here without monitors, and is asked in the same way.

use std::{
    io::IsTerminal,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use monitors::clock::Clock;

use super::{Failure, Global, say, stop_signal};
use crate::{
    app::App,
    config::Config,
    control::{Link, Reply, Request},
    progress::{Ended, Progress},
};

/// Between lines of progress where there is no terminal.
const LINES: Duration = Duration::from_secs(5);

/// The span over which a rate is measured, at least.
const RATE_OVER: Duration = Duration::from_secs(2);

/// Has `request` done and says its result; without a running server by `clock`.
pub(super) async fn ask(global: &Global, clock: Clock, request: Request) -> Result<(), Failure> {
    let data_dir = PathBuf::from(global.raw(Vec::new())?.data_dir);
    let running = Link::connect(&data_dir).await;
    let running = running.with_context(|| {
        format!(
            "cannot reach the server on `{}`; run this as its user",
            data_dir.display()
        )
    })?;
    let ended = match running {
        Some(link) => converse(link, &request).await?,
        None => alone(global, clock, &request).await?,
    };
    match ended {
        Ended::Done(what) => say(&format!("{what}\n")),
        Ended::Refused(why) => Err(Failure::Usage(why)),
        Ended::Failed(why) => Err(Failure::Failed(anyhow::Error::msg(why))),
    }
}

/// Starts the program without monitors for the time of the request.
async fn alone(global: &Global, clock: Clock, request: &Request) -> Result<Ended, Failure> {
    let mut config: Config = global.config(Vec::new())?;
    // The configured port is that of a server; this one is here for one request.
    config.listen = ([127, 0, 0, 1], 0).into();
    config.reconcile.enabled = false;
    let data_dir = config.data_dir.clone();
    let app = App::start_without_monitors(config, clock).await?;
    let mut ended = None;
    let conversation = async {
        ended = Some(match Link::connect(&data_dir).await {
            Ok(Some(link)) => converse(link, request).await,
            Ok(None) => Err(anyhow::anyhow!("the control socket is gone")),
            Err(error) => Err(error.into()),
        });
    };
    app.run_until(conversation).await?;
    Ok(ended.context("the program stopped before the end")??)
}

/// Asks and waits for the end, showing how far it is. Ctrl-C breaks it off.
async fn converse(mut link: Link, request: &Request) -> anyhow::Result<Ended> {
    const GONE: &str = "the server has stopped; what was found is kept, run it again";
    link.send(request).await.context(GONE)?;
    let mut shown = Shown::new();
    let stop = stop_signal();
    tokio::pin!(stop);
    loop {
        let reply = tokio::select! {
            reply = link.next() => reply.context(GONE)?,
            () = &mut stop => anyhow::bail!("broken off; what was found is kept, run it again to go on"),
        };
        match reply {
            Some(Reply::Progress(progress)) => shown.show(&progress),
            Some(Reply::Ended(ended)) => return Ok(ended),
            None => anyhow::bail!(GONE),
        }
    }
}

/// How progress looks on stderr: a bar on a terminal, else a line now and then.
struct Shown {
    bar: Option<ProgressBar>,
    line_at: Option<Instant>,
    pace: Pace,
}

impl Shown {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style("{spinner} {msg}"));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self {
            bar,
            line_at: None,
            pace: Pace::default(),
        }
    }

    fn show(&mut self, progress: &Progress) {
        let now = Instant::now();
        self.pace.take(progress, now);
        if let Some(bar) = &self.bar {
            let template = if progress.of > 0 {
                "{bar:30} {msg}"
            } else {
                "{spinner} {msg}"
            };
            bar.set_style(style(template));
            bar.set_length(progress.of.max(1));
            bar.set_position(progress.done);
            bar.set_message(self.pace.describe(progress));
        } else if self.line_at.is_none_or(|last| now - last >= LINES) {
            self.line_at = Some(now);
            super::tell(self.pace.describe(progress));
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a literal")
}

/// Measures how fast it goes, over the last while.
#[derive(Debug, Default)]
struct Pace {
    from: Option<(Instant, u64)>,
    mark: Option<(Instant, u64)>,
    per_second: Option<f64>,
}

/// The span after which the older half of the measurement is forgotten.
const FORGET: Duration = Duration::from_secs(30);

impl Pace {
    fn take(&mut self, progress: &Progress, now: Instant) {
        let here = (now, progress.done);
        if progress.of == 0 || self.from.is_none_or(|(_, done)| progress.done < done) {
            *self = Self {
                from: Some(here),
                ..Self::default()
            };
            return;
        }
        let mark = *self.mark.get_or_insert(here);
        if now - mark.0 >= FORGET {
            (self.from, self.mark) = (Some(mark), Some(here));
        }
        if let Some((begun, done)) = self.from
            && now - begun >= RATE_OVER
        {
            self.per_second = Some((progress.done - done) as f64 / (now - begun).as_secs_f64());
        }
    }

    /// `taking the filings of 2026Q1: 1,500 of about 80,000, 120/s, about 11 min left`.
    fn describe(&self, progress: &Progress) -> String {
        let Progress { doing, done, of } = progress;
        if *of == 0 {
            return doing.clone();
        }
        let mut text = format!("{doing}: {done} of about {of}");
        if let Some(rate) = self.per_second {
            text.push_str(&format!(", {rate:.0}/s"));
            if rate > 0.0 {
                let left = of.saturating_sub(*done) as f64 / rate;
                text.push_str(&format!(", about {} left", span(left)));
            }
        }
        text
    }
}

fn span(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, of: u64) -> Progress {
        let doing = "taking".to_owned();
        Progress { doing, done, of }
    }

    #[test]
    fn what_is_left_follows_from_the_rate_of_the_last_while() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for second in 0..=10 {
            pace.take(
                &progress(second * 100, 10_000),
                start + Duration::from_secs(second),
            );
        }

        let text = pace.describe(&progress(1_000, 10_000));

        assert_eq!(
            text,
            "taking: 1000 of about 10000, 100/s, about 90 s left".replace("90 s", "2 min")
        );
    }

    #[test]
    fn nothing_is_promised_before_there_is_a_rate_or_while_nothing_moves() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.take(&progress(0, 100), start);
        assert_eq!(pace.describe(&progress(0, 100)), "taking: 0 of about 100");

        pace.take(&progress(0, 100), start + Duration::from_secs(60));

        assert_eq!(
            pace.describe(&progress(0, 100)),
            "taking: 0 of about 100, 0/s"
        );
    }

    #[test]
    fn spans_are_as_rough_as_they_are_long() {
        let texts = [5.0, 600.0, 9_000.0, 900_000.0].map(span);

        assert_eq!(texts, ["5 s", "10 min", "2.5 h", "10.4 days"]);
    }
}
