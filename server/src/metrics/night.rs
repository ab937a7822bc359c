//! What the nights brought, as metrics.

use jiff::tz::TimeZone;
use prometheus_client::{
    metrics::counter::Counter,
    registry::{Registry, Unit},
};
use protocol::{day::Day, time::Date};

use super::Count;

/// What the nights brought.
#[derive(Debug, Default)]
pub(crate) struct Night {
    sealed: Counter,
    last_sealed: Count,
    recovered: Counter,
    unarchived: Counter,
    /// Filings that surfaced after their day was sealed.
    pub(crate) late: Counter,
    /// Filings that EDGAR took away.
    pub(crate) withdrawn: Counter,
    /// Indexes that are doubted: they lack much, or all.
    pub(crate) doubted: Counter,
    /// Runs that were not made to their end.
    pub(crate) failed: Counter,
}

impl Night {
    /// A day was sealed.
    pub(crate) fn sealed(&self, day: &Day) {
        self.sealed.inc();
        self.recovered.inc_by(day.recovered.len() as u64);
        self.unarchived.inc_by(day.unarchived.len() as u64);
        self.set_last_sealed(day.date);
    }

    /// The newest sealed day, as seconds since 1970 of its midnight, UTC.
    pub(crate) fn set_last_sealed(&self, day: Date) {
        let midnight = day
            .to_zoned(TimeZone::UTC)
            .map_or(0, |day| day.timestamp().as_second());
        self.last_sealed.set(midnight.try_into().unwrap_or(0));
    }

    pub(super) fn register(&self, r: &mut Registry) {
        let last = self.last_sealed.clone();
        r.register("seals", "Days proven complete", self.sealed.clone());
        r.register_with_unit(
            "last_sealed_day",
            "Midnight UTC of the newest sealed day",
            Unit::Seconds,
            last,
        );
        r.register(
            "filings_recovered",
            "Filings of sealed days that only the index told of",
            self.recovered.clone(),
        );
        r.register(
            "filings_unarchived",
            "Filings of sealed days without submission then",
            self.unarchived.clone(),
        );
        r.register(
            "filings_late",
            "Filings that surfaced after their day was sealed",
            self.late.clone(),
        );
        r.register(
            "filings_withdrawn",
            "Filings that EDGAR took away",
            self.withdrawn.clone(),
        );
        r.register(
            "indexes_doubted",
            "Indexes that lack more than EDGAR removes, or list nothing",
            self.doubted.clone(),
        );
        r.register(
            "runs_failed",
            "Runs that are made again",
            self.failed.clone(),
        );
    }
}
