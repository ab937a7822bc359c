//! What one address may take: connections, requests without a key, wrong keys.
//!
//! An address is an IPv4 address or an IPv6 /64, which is what one subscriber line has.
//! Elsewhere: limits of an API key and of the stream (`stream/sessions`).
//!
//! Invariant: memory is bounded whatever addresses come. When the table is full of
//! addresses in use, newcomers are counted together.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::frame::{ErrorCode, Refusal};
use tokio::time::Instant;

use crate::metrics::Metrics;

/// Most addresses remembered, about five megabytes.
const MOST_ADDRESSES: usize = 65_536;

/// Between looks for addresses to forget, while the table is full.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Wrong keys: ten a minute, and twenty at once for who sets up several clients.
const FAILURES: Rate = Rate {
    interval: Duration::from_secs(6),
    burst: 20,
};

/// Seconds' worth of requests without a key that may come at once.
const ANONYMOUS_BURST_SECONDS: u32 = 10;

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Connections of all addresses together: below the limit of open files.
    pub(crate) connections: usize,
    /// Connections of one address; loopback is exempt.
    pub(crate) connections_per_address: Option<u32>,
    /// Requests without a key per second and address.
    pub(crate) anonymous_per_second: Option<u32>,
}

/// So many at once, then one in each interval.
#[derive(Debug, Clone, Copy)]
struct Rate {
    interval: Duration,
    burst: u32,
}

/// Counts what each address takes.
#[derive(Debug, Clone)]
pub(crate) struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connections: usize,
    connections_per_address: Option<u32>,
    anonymous: Option<Rate>,
    metrics: Arc<Metrics>,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    addresses: HashMap<Address, Taken>,
    connections: usize,
    swept: Instant,
}

/// IPv4 as mapped into IPv6, or the upper half of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Address(u128);

/// Everybody for whom there is no room in the table. No address maps to it.
const CROWD: Address = Address(1);

/// What one address has taken.
#[derive(Debug)]
struct Taken {
    connections: u32,
    anonymous: Bucket,
    failures: Bucket,
}

/// A token bucket, as the time at which it is full again.
#[derive(Debug)]
struct Bucket(Instant);

/// An open connection's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    limits: Arc<Inner>,
    address: Address,
}

impl Limits {
    pub(crate) fn new(rules: Rules, metrics: Arc<Metrics>) -> Self {
        let rate = |per_second: u32| Rate {
            interval: Duration::from_secs(1) / per_second,
            burst: per_second * ANONYMOUS_BURST_SECONDS,
        };
        let table = Table {
            addresses: HashMap::new(),
            connections: 0,
            swept: Instant::now(),
        };
        Self(Arc::new(Inner {
            connections: rules.connections,
            connections_per_address: rules.connections_per_address,
            anonymous: rules.anonymous_per_second.map(rate),
            metrics,
            table: Mutex::new(table),
        }))
    }

    /// Takes a place for a connection.
    ///
    /// # Errors
    /// A [`Refusal`] when the server or the address has as many as allowed.
    pub(crate) fn connect(&self, from: IpAddr) -> Result<Connection, Refusal> {
        let inner = &self.0;
        let mut table = inner.table();
        if table.connections >= inner.connections {
            let message = "the server has as many connections as it can; try again in 5 seconds";
            return Err(inner.turn_away("server_full", ErrorCode::ServerFull, message));
        }
        let most = inner.connections_per_address;
        let most = most.filter(|_| !from.to_canonical().is_loopback());
        let address = table.place(Address::of(from));
        let taken = table.taken(address);
        if most.is_some_and(|most| taken.connections >= most) {
            let message = "your address has as many connections as it may; close one and try again";
            return Err(inner.turn_away("address_full", ErrorCode::TooManyConnections, message));
        }
        taken.connections += 1;
        table.connections += 1;
        inner.metrics.connections.set(table.connections as u64);
        Ok(Connection {
            limits: Arc::clone(inner),
            address,
        })
    }

    /// Counts a request without a key.
    ///
    /// # Errors
    /// A [`Refusal`] when too many came from this address.
    pub(crate) fn ask(&self, from: IpAddr) -> Result<(), Refusal> {
        let Some(rate) = self.0.anonymous else {
            return Ok(());
        };
        let taken = |taken: &mut Taken| taken.anonymous.take(rate);
        if self.0.table().with(from, taken) {
            return Ok(());
        }
        let message = "too many requests without an API key from your address; slow down";
        let code = ErrorCode::TooManyRequests;
        Err(self.0.turn_away("requests", code, message))
    }

    /// Counts a wrong key or ticket.
    ///
    /// # Errors
    /// A [`Refusal`] when too many came from this address.
    pub(crate) fn fail(&self, from: IpAddr) -> Result<(), Refusal> {
        let taken = |taken: &mut Taken| taken.failures.take(FAILURES);
        if self.0.table().with(from, taken) {
            return Ok(());
        }
        let message = "too many wrong API keys from your address; check the key, \
            then try again in 6 seconds";
        let code = ErrorCode::TooManyRequests;
        Err(self.0.turn_away("failures", code, message))
    }
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn_away(&self, reason: &'static str, code: ErrorCode, message: &str) -> Refusal {
        self.metrics.turned_away(reason);
        Refusal::new(code, message)
    }
}

impl Table {
    fn with<T>(&mut self, from: IpAddr, act: impl FnOnce(&mut Taken) -> T) -> T {
        let address = self.place(Address::of(from));
        act(self.taken(address))
    }

    fn taken(&mut self, address: Address) -> &mut Taken {
        self.addresses.entry(address).or_insert_with(Taken::nothing)
    }

    /// Where this address is counted.
    fn place(&mut self, address: Address) -> Address {
        if self.addresses.len() < MOST_ADDRESSES || self.addresses.contains_key(&address) {
            return address;
        }
        let now = Instant::now();
        if now.duration_since(self.swept) >= SWEEP_INTERVAL {
            self.swept = now;
            self.addresses.retain(|_, taken| taken.is_anything(now));
        }
        match self.addresses.len() < MOST_ADDRESSES {
            true => address,
            false => CROWD,
        }
    }
}

impl Address {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.to_ipv6_mapped().to_bits()),
            IpAddr::V6(ip) => Self(ip.to_bits() >> 64 << 64),
        }
    }
}

impl Taken {
    fn nothing() -> Self {
        let now = Instant::now();
        Self {
            connections: 0,
            anonymous: Bucket(now),
            failures: Bucket(now),
        }
    }

    fn is_anything(&self, now: Instant) -> bool {
        self.connections > 0 || self.anonymous.0 > now || self.failures.0 > now
    }
}

impl Bucket {
    /// Takes a token, if there is one.
    fn take(&mut self, rate: Rate) -> bool {
        let now = Instant::now();
        let full_at = self.0.max(now) + rate.interval;
        let is_there = full_at - now <= rate.interval * rate.burst;
        if is_there {
            self.0 = full_at;
        }
        is_there
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut table = self.limits.table();
        table.taken(self.address).connections -= 1;
        table.connections -= 1;
        let open = table.connections as u64;
        self.limits.metrics.connections.set(open);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const RULES: Rules = Rules {
        connections: 100,
        connections_per_address: Some(2),
        anonymous_per_second: Some(5),
    };

    fn limits() -> Limits {
        Limits::new(RULES, Arc::new(Metrics::new()))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn an_address_has_its_connections_and_no_more() {
        let limits = limits();
        let other = ip("203.0.113.8");

        let first = limits.connect(ip("203.0.113.7")).unwrap();
        let _second = limits.connect(ip("::ffff:203.0.113.7")).unwrap();
        let third = limits.connect(ip("203.0.113.7"));

        assert_eq!(third.unwrap_err().code, ErrorCode::TooManyConnections);
        assert!(limits.connect(other).is_ok());
        drop(first);
        assert!(limits.connect(ip("203.0.113.7")).is_ok());
    }

    #[tokio::test]
    async fn a_line_is_one_address_whatever_its_lower_half() {
        let limits = limits();

        let _first = limits.connect(ip("2001:db8::1")).unwrap();
        let _second = limits.connect(ip("2001:db8::ffff:2")).unwrap();

        assert!(limits.connect(ip("2001:db8::3")).is_err());
        assert!(limits.connect(ip("2001:db8:0:1::1")).is_ok());
    }

    #[tokio::test]
    async fn who_sits_on_this_machine_may_connect_until_the_server_is_full() {
        let limits = limits();

        let all: Vec<_> = (0..100)
            .map(|_| limits.connect(ip("127.0.0.1")).unwrap())
            .collect();

        for late in ["127.0.0.1", "203.0.113.7"] {
            let refusal = limits.connect(ip(late)).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::ServerFull);
        }
        drop(all);
        assert_eq!(limits.0.table().connections, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_without_a_key_come_in_bursts_and_then_at_a_rate() {
        let limits = limits();
        let greedy = ip("203.0.113.7");

        let burst = (0..100).filter(|_| limits.ask(greedy).is_ok()).count();
        tokio::time::advance(Duration::from_secs(1)).await;
        let later = (0..100).filter(|_| limits.ask(greedy).is_ok()).count();

        assert_eq!((burst, later), (50, 5));
        assert!(limits.ask(ip("203.0.113.8")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_keys_are_counted_more_strictly() {
        let limits = limits();
        let guesser = ip("203.0.113.7");

        let burst = (0..100).filter(|_| limits.fail(guesser).is_ok()).count();
        tokio::time::advance(Duration::from_secs(60)).await;
        let later = (0..100).filter(|_| limits.fail(guesser).is_ok()).count();

        assert_eq!((burst, later), (20, 10));
        assert!(limits.ask(guesser).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn any_number_of_addresses_fits_into_bounded_memory() {
        let limits = limits();
        let nth = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0800_0000 + n));
        let most = u32::try_from(MOST_ADDRESSES).unwrap();
        let kept = limits.connect(nth(0)).unwrap();

        for n in 0..most + 500 {
            let _ = limits.fail(nth(n));
        }
        let crowded = limits.0.table().addresses.len();
        tokio::time::advance(Duration::from_secs(120)).await;
        let _ = limits.fail(IpAddr::V6(Ipv6Addr::LOCALHOST));

        assert_eq!(crowded, MOST_ADDRESSES + 1);
        assert_eq!(limits.0.table().addresses.len(), 2);
        drop(kept);
        assert_eq!(limits.0.table().connections, 0);
    }
}
