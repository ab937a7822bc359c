//! Whether a source works, by what its polls have shown and by EDGAR's calendar.
//!
//! Three things are wrong at a source: its polls fail; it answers and lists nothing new for
//! longer than the hour allows; it answers and lists nothing of what others find. The last
//! two are one verdict, because the remedy is the same and so is the proof that they are
//! over: something new.
//!
//! Elsewhere: the patience of each hour (`patience`), telling it (`outages`).
//!
//! Invariant: pure; and nothing is wrong while EDGAR does not publish.

use std::time::Duration;

use edgar::calendar;
use monitors::schedule;
use protocol::{outage::Outage, time::Timestamp};

use super::patience;
use crate::source::SourceState;

/// Answers that a verdict rests on at least: a wall clock that jumps is no silence.
const WITNESSES: u32 = 3;

/// Filings found elsewhere that make a source look blind: single ones are missed by any.
const FOUND_ELSEWHERE: u32 = 5;

/// Whether a source works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As far as can be told.
    Works,
    /// Its polls fail, after the last good one.
    Fails(Option<Timestamp>),
    /// It answers, but its list stands still since then.
    Silent(Option<Timestamp>),
}

/// Judges a source at `now`, watched since `started_at`.
pub(super) fn judge(state: &SourceState, started_at: Timestamp, now: Timestamp) -> Verdict {
    let Some(opening) = calendar::opening_of_day(now).filter(|_| schedule::is_busy(now)) else {
        return Verdict::Works;
    };
    let judge = Judge {
        state,
        now,
        began: opening.max(started_at),
    };
    let evidence = &state.evidence;
    if judge.fails() {
        Verdict::Fails(evidence.fresh_at)
    } else if judge.stands_still() {
        Verdict::Silent(evidence.fresh_at)
    } else if judge.is_silent() || judge.is_behind() {
        Verdict::Silent(evidence.moved_at)
    } else {
        Verdict::Works
    }
}

/// When the source works again after `outage`; `None` while it does not.
///
/// Polls that failed are over with a good one. A list that stood still must show something
/// new: until then, and over night, nobody knows.
pub(super) fn works_again(state: &SourceState, outage: &Outage) -> Option<Timestamp> {
    let proof = match outage.error {
        Some(_) => state.evidence.fresh_at,
        None => state.evidence.moved_at,
    };
    proof.filter(|proof| *proof > outage.since)
}

/// How long a source may go without a good answer while EDGAR publishes.
pub(super) fn answer_within(state: &SourceState) -> Duration {
    patience::FAILING.max(Duration::from_millis(state.poll_interval_ms) * 4)
}

struct Judge<'a> {
    state: &'a SourceState,
    now: Timestamp,
    /// When the source was due first: since the opening, since our start.
    began: Timestamp,
}

impl Judge<'_> {
    fn fails(&self) -> bool {
        self.state.failures >= WITNESSES.into()
            && self.has_passed(self.fresh_at(), answer_within(self.state))
    }

    /// Whether it answers with a list that is the same again and again, to the second at
    /// which it was made: one that EDGAR or something on the way has kept.
    fn stands_still(&self) -> bool {
        let answers = self.state.last_success > self.state.evidence.fresh_at;
        answers && self.has_passed(self.fresh_at(), answer_within(self.state))
    }

    /// Whether nothing new was listed for longer than the hour allows.
    fn is_silent(&self) -> bool {
        let evidence = &self.state.evidence;
        // What a slow source lists between two polls is known only after the next.
        let from = evidence.quiet_since.unwrap_or(self.began).max(self.began) + self.interval() * 2;
        let is_heard = self.state.last_success.is_some_and(|last| last >= from);
        let is_witnessed = evidence.idle_polls >= WITNESSES || !is_heard;
        is_witnessed && patience::used(from, self.now) >= 1.0
    }

    /// Whether others find what it does not list.
    fn is_behind(&self) -> bool {
        let evidence = &self.state.evidence;
        let since = evidence.elsewhere_since;
        let behind = patience::BEHIND.max(self.interval() * 3);
        evidence.found_elsewhere >= FOUND_ELSEWHERE
            && evidence.idle_polls >= WITNESSES
            && calendar::is_open(self.now)
            && since.is_some_and(|since| since >= self.began && self.has_passed(since, behind))
    }

    fn fresh_at(&self) -> Timestamp {
        let fresh_at = self.state.evidence.fresh_at;
        fresh_at.map_or(self.began, |at| at.max(self.began))
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.state.poll_interval_ms)
    }

    fn has_passed(&self, since: Timestamp, patience: Duration) -> bool {
        let passed = self.now.duration_since(since);
        Duration::try_from(passed).is_ok_and(|passed| passed >= patience)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const WORKS: &str = "works";
    const FAILS: &str = "fails";
    const SILENT: &str = "silent";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A feed that has been watched for months.
    fn verdict(state: &SourceState, now: &str) -> &'static str {
        match judge(state, at("2025-12-01T12:00:00Z"), at(now)) {
            Verdict::Works => WORKS,
            Verdict::Fails(_) => FAILS,
            Verdict::Silent(_) => SILENT,
        }
    }

    fn source(poll_interval_ms: u64) -> SourceState {
        SourceState {
            poll_interval_ms,
            ..SourceState::default()
        }
    }

    /// A feed that listed something new at `news` and has answered in good order until
    /// `answered`, with a list of the moment.
    fn answering(news: &str, answered: &str) -> SourceState {
        let mut feed = source(250);
        feed.sighted(at(news));
        feed.polled(at(news), at(news));
        for step in (0..3).rev() {
            let now = at(answered) - SignedDuration::from_millis(250 * step);
            feed.polled(now, now);
        }
        feed
    }

    /// A feed whose polls fail since its last good one, which listed something new.
    fn failing(since: &str) -> SourceState {
        let mut feed = source(250);
        feed.sighted(at(since));
        feed.polled(at(since), at(since));
        for _ in 0..5 {
            feed.failed("HTTP 503".to_owned());
        }
        feed
    }

    #[test]
    fn polls_that_fail_are_an_outage_within_three_minutes_while_edgar_publishes() {
        for (since, now, expected) in [
            // Tuesday 15:00, winter.
            ("2026-03-03T20:00:00Z", "2026-03-03T20:02:29Z", WORKS),
            ("2026-03-03T20:00:00Z", "2026-03-03T20:02:30Z", FAILS),
            // A quiet hour is no excuse for not answering.
            ("2026-03-04T01:30:00Z", "2026-03-04T01:32:30Z", FAILS),
            // Until a quarter past ten, when the last filings are out.
            ("2026-03-04T03:05:00Z", "2026-03-04T03:14:59Z", FAILS),
            ("2026-03-04T03:05:00Z", "2026-03-04T03:15:00Z", WORKS),
            // Failing since the night: from 06:00 on it counts.
            ("2026-03-03T07:00:00Z", "2026-03-03T10:59:59Z", WORKS),
            ("2026-03-03T07:00:00Z", "2026-03-03T11:00:01Z", WORKS),
            ("2026-03-03T07:00:00Z", "2026-03-03T11:02:30Z", FAILS),
            // The same an hour earlier in UTC once the clocks are changed.
            ("2026-03-09T07:00:00Z", "2026-03-09T10:02:30Z", FAILS),
            ("2026-11-02T07:00:00Z", "2026-11-02T10:02:30Z", WORKS),
            ("2026-11-02T07:00:00Z", "2026-11-02T11:02:30Z", FAILS),
            // Sunday, Christmas, the day after it that was closed by order.
            ("2026-03-08T15:00:00Z", "2026-03-08T20:00:00Z", WORKS),
            ("2026-12-25T15:00:00Z", "2026-12-25T20:00:00Z", WORKS),
            ("2025-12-26T15:00:00Z", "2025-12-26T20:00:00Z", WORKS),
        ] {
            assert_eq!(verdict(&failing(since), now), expected, "{since} {now}");
        }
    }

    #[test]
    fn a_list_without_news_is_an_outage_when_the_hour_is_busy() {
        for (news, now, expected) in [
            // Tuesday 15:00: within three minutes.
            ("2026-03-03T20:00:00Z", "2026-03-03T20:02:40Z", WORKS),
            ("2026-03-03T20:00:00Z", "2026-03-03T20:02:46Z", SILENT),
            // Noon has five minutes, 07:00 twelve, 21:00 forty.
            ("2026-03-03T17:00:00Z", "2026-03-03T17:04:50Z", WORKS),
            ("2026-03-03T17:00:00Z", "2026-03-03T17:05:01Z", SILENT),
            ("2026-03-03T12:00:00Z", "2026-03-03T12:11:30Z", WORKS),
            ("2026-03-04T02:00:00Z", "2026-03-04T02:39:00Z", WORKS),
            ("2026-03-04T02:00:00Z", "2026-03-04T02:40:01Z", SILENT),
            // The night does not count, nor does what the evening before was silent.
            ("2026-03-04T02:30:00Z", "2026-03-04T05:00:00Z", WORKS),
            ("2026-03-04T01:00:00Z", "2026-03-04T11:00:01Z", WORKS),
            ("2026-03-04T01:00:00Z", "2026-03-04T11:09:59Z", WORKS),
            ("2026-03-04T01:00:00Z", "2026-03-04T11:10:01Z", SILENT),
            // The weekend and the holiday are over on Monday, on the 4th, at 06:10.
            ("2026-03-07T01:00:00Z", "2026-03-08T20:00:00Z", WORKS),
            ("2026-03-07T01:00:00Z", "2026-03-09T10:09:00Z", WORKS),
            ("2026-03-07T01:00:00Z", "2026-03-09T10:10:01Z", SILENT),
            ("2026-12-24T22:00:00Z", "2026-12-25T20:00:00Z", WORKS),
            ("2026-07-03T01:00:00Z", "2026-07-03T20:00:00Z", WORKS),
        ] {
            assert_eq!(
                verdict(&answering(news, now), now),
                expected,
                "{news} {now}"
            );
        }
    }

    #[test]
    fn a_list_that_is_the_same_to_the_second_is_an_outage_at_any_hour_that_publishes() {
        let list = at("2026-03-04T01:30:00Z");
        let mut feed = source(250);
        feed.sighted(list);
        for second in 0..200 {
            feed.polled(list + SignedDuration::from_secs(second), list);
        }

        assert_eq!(verdict(&feed, "2026-03-04T01:32:29Z"), WORKS);
        assert_eq!(verdict(&feed, "2026-03-04T01:32:30Z"), SILENT);
        assert_eq!(verdict(&feed, "2026-03-04T04:00:00Z"), WORKS);
    }

    #[test]
    fn a_list_that_lacks_what_others_find_is_an_outage_within_three_minutes() {
        // Noon: silence alone would take five minutes.
        let mut index = source(30_000);
        index.sighted(at("2026-03-03T17:00:00Z"));
        for poll in 0..5 {
            let now = at("2026-03-03T17:00:00Z") + SignedDuration::from_secs(30 * poll);
            index.polled(now, now);
        }
        let mut single = index.clone();
        for filing in 0..6 {
            index.overtaken(at("2026-03-03T17:00:20Z") + SignedDuration::from_secs(10 * filing));
        }
        single.overtaken(at("2026-03-03T17:00:20Z"));

        assert_eq!(verdict(&index, "2026-03-03T17:02:09Z"), WORKS);
        assert_eq!(verdict(&index, "2026-03-03T17:02:10Z"), SILENT);
        assert_eq!(
            verdict(&single, "2026-03-03T17:02:30Z"),
            WORKS,
            "one is missed by any"
        );

        index.sighted(at("2026-03-03T17:02:25Z"));
        assert_eq!(verdict(&index, "2026-03-03T17:02:26Z"), WORKS);
    }

    #[test]
    fn an_index_that_stays_empty_is_an_outage_ten_minutes_after_the_opening() {
        let mut index = source(30_000);
        let evening = at("2026-03-03T02:00:00Z");
        index.polled(evening, evening);

        // An empty poll is not vouched for, so none is told.
        assert_eq!(verdict(&index, "2026-03-03T11:10:30Z"), WORKS);
        assert_eq!(verdict(&index, "2026-03-03T11:11:01Z"), SILENT);
        assert_eq!(verdict(&source(30_000), "2026-03-03T11:11:01Z"), SILENT);
        assert_eq!(verdict(&source(30_000), "2026-03-08T20:00:00Z"), WORKS);
    }

    #[test]
    fn a_clock_that_jumps_and_a_hiccup_are_no_outage() {
        let mut feed = answering("2026-03-03T20:00:00Z", "2026-03-03T20:00:10Z");
        let after = at("2026-03-03T20:10:00Z");
        feed.sighted(after);
        feed.polled(after, after);

        assert_eq!(verdict(&feed, "2026-03-03T20:10:01Z"), WORKS);
        let mut hiccup = failing("2026-03-03T20:00:00Z");
        hiccup.failures = 2;
        assert_eq!(verdict(&hiccup, "2026-03-03T20:02:40Z"), WORKS);
    }

    #[test]
    fn now_and_then_a_failed_poll_does_not_excuse_a_list_without_news() {
        let mut feed = answering("2026-03-03T20:00:00Z", "2026-03-03T20:00:10Z");
        for second in 11..170 {
            let now = at("2026-03-03T20:00:00Z") + SignedDuration::from_secs(second);
            feed.failed("HTTP 500".to_owned());
            feed.polled(now, now);
        }

        assert_eq!(verdict(&feed, "2026-03-03T20:02:50Z"), SILENT);
    }

    #[test]
    fn after_an_outage_the_silence_begins_anew() {
        let mut feed = failing("2026-03-03T20:00:00Z");
        let back = at("2026-03-03T20:30:00Z");
        feed.polled(back, back);

        assert_eq!(verdict(&feed, "2026-03-03T20:30:01Z"), WORKS);
    }

    #[test]
    fn a_good_poll_ends_failures_and_only_news_end_a_silence() {
        let outage = |error: Option<&str>| Outage {
            part: protocol::outage::Part::Atom,
            since: at("2026-03-03T20:00:00Z"),
            until: None,
            error: error.map(str::to_owned),
        };
        let (failed, silent) = (outage(Some("HTTP 503")), outage(None));
        let mut feed = failing("2026-03-03T20:00:00Z");
        assert_eq!(works_again(&feed, &failed), None);

        let answers = at("2026-03-03T20:10:00Z");
        feed.polled(answers, answers);
        assert_eq!(works_again(&feed, &failed), Some(answers));
        assert_eq!(works_again(&feed, &silent), None);

        // The night in between ends nothing.
        let news = at("2026-03-04T11:00:05Z");
        feed.sighted(news);
        assert_eq!(
            works_again(&feed, &silent),
            None,
            "not before its filings are told"
        );
        feed.polled(news, news);
        assert_eq!(works_again(&feed, &silent), Some(news));
    }
}
