//! What the owner of the client decides: who we say we are, how fast, how patient.
//!
//! Elsewhere: how the values are used (`client`, `pace`, `block`).
//!
//! Invariant: a [`Config`] that passed [`Config::check`] can be used without further doubt.

use crate::error::ConfigError;

/// How to behave towards sec.gov.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// E-mail address under which the SEC can reach us; becomes part of the User-Agent. No
    /// default: the SEC blocks those who do not declare themselves.
    pub contact: String,
    /// Requests a second for the whole process, 1 to 10. Default 8: the SEC's limit is 10, and
    /// clients at 9.7 have been blocked. Whatever is set, no 1.05 s see more than 10.
    pub requests_per_second: u32,
    /// Milliseconds for connecting and receiving the headers. Default 15,000: a feed poll that
    /// takes longer is better made again.
    pub request_timeout_ms: u32,
    /// Milliseconds without a byte of the body. Default 20,000: a connection that died silently
    /// must not hold a download for ever.
    pub body_idle_timeout_ms: u32,
    /// Milliseconds of silence after a block page. Default 600,000: the SEC lifts a block after
    /// ten minutes below the threshold. Up to 5 % of jitter is added.
    pub block_ms: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            contact: String::new(),
            requests_per_second: 8,
            request_timeout_ms: 15_000,
            body_idle_timeout_ms: 20_000,
            block_ms: 600_000,
        }
    }
}

impl Config {
    /// The defaults with a contact address.
    #[must_use]
    pub fn new(contact: impl Into<String>) -> Self {
        Self {
            contact: contact.into(),
            ..Self::default()
        }
    }

    /// Finds the first value that cannot be used.
    ///
    /// # Errors
    /// The [`ConfigError`] names the key and says what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !is_email(&self.contact) {
            return Err(ConfigError::Contact(self.contact.clone()));
        }
        if !(1..=10).contains(&self.requests_per_second) {
            return Err(ConfigError::Rate(self.requests_per_second));
        }
        let times = [
            ("edgar.request_timeout_ms", self.request_timeout_ms),
            ("edgar.body_idle_timeout_ms", self.body_idle_timeout_ms),
            ("edgar.block_ms", self.block_ms),
        ];
        match times.iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(ConfigError::Zero(key)),
            None => Ok(()),
        }
    }

    /// The User-Agent header: who we are and how to reach us.
    pub(crate) fn user_agent(&self) -> String {
        format!("filingwire/{} {}", env!("CARGO_PKG_VERSION"), self.contact)
    }
}

/// Whether `text` looks like `name@host.domain`; only the SEC could check that it is read.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    let labels = host.split('.').count();
    plain(name)
        && plain(host)
        && !host.contains('@')
        && labels > 1
        && host.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_must_be_an_address() {
        for wrong in [
            "",
            "me",
            "me@",
            "@x.org",
            "me@host",
            "a b@x.org",
            "me@x.org\r\nX: y",
            "a@b@x.org",
            "me@x..org",
            "me@.org",
        ] {
            let refused = Config::new(wrong).check();

            assert!(matches!(refused, Err(ConfigError::Contact(_))), "{wrong:?}");
        }
        assert!(Config::new("ops+sec@filings.example.org").check().is_ok());
    }

    #[test]
    fn the_refusal_says_what_to_set() {
        let refused = Config::default().check().map_err(|error| error.to_string());

        assert!(refused.is_err_and(|text| text.contains("set edgar.contact")));
    }

    #[test]
    fn rates_beyond_the_limit_and_times_of_zero_are_refused() {
        let with = |change: fn(&mut Config)| {
            let mut config = Config::new("me@x.org");
            change(&mut config);
            config.check()
        };

        assert!(matches!(
            with(|config| config.requests_per_second = 0),
            Err(ConfigError::Rate(0))
        ));
        assert!(matches!(
            with(|config| config.requests_per_second = 11),
            Err(ConfigError::Rate(11))
        ));
        assert!(matches!(
            with(|config| config.block_ms = 0),
            Err(ConfigError::Zero("edgar.block_ms"))
        ));
    }
}
