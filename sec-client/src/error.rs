//! Why sec.gov gave us nothing, by what the caller can do about it.
//!
//! Elsewhere: how an answer is understood (`answer`), how long to wait (`retry`).
//!
//! Invariant: an error page never looks like a document to the caller.

use std::time::Duration;

/// Why a request brought no document.
#[derive(Debug, thiserror::Error)]
pub enum SecError {
    /// sec.gov has told us to stop; nothing was sent, or the answer was a block page.
    #[error("sec.gov has blocked us; next request possible in {} s", retry_in.as_secs())]
    Blocked {
        /// Time until the door may open again.
        retry_in: Duration,
    },
    /// There is nothing under this URL, or not yet (HTTP 404, or 403 with the store's XML).
    #[error("nothing published under {url}")]
    Absent {
        /// HTTP status of the answer: 404 or 403.
        status: u16,
        /// What was asked for.
        url: String,
    },
    /// sec.gov could not answer now (HTTP 5xx).
    #[error("sec.gov answered {status}")]
    Unavailable {
        /// HTTP status, 500 to 599.
        status: u16,
    },
    /// An answer that is not what was asked for: a redirect, a web page in place of a document.
    #[error("unexpected answer from sec.gov, status {status}: {what}")]
    Unexpected {
        /// HTTP status of the answer.
        status: u16,
        /// What came, for people.
        what: String,
    },
    /// The body is larger than the caller allows.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The caller's limit in bytes.
        limit: usize,
    },
    /// No connection, or it broke: DNS, TLS, a truncated or undecodable body.
    #[error("no usable answer from {}", host(.0))]
    Network(#[source] reqwest::Error),
    /// The answer or the next part of the body took too long.
    #[error("sec.gov sent nothing usable within {} ms", after.as_millis())]
    TimedOut {
        /// How long we waited.
        after: Duration,
    },
    /// The URL cannot be requested; a mistake of ours or of the configuration.
    #[error("`{0}` is not a URL that can be requested")]
    BadUrl(String),
}

impl SecError {
    /// Whether the same request may succeed later without anyone changing anything.
    ///
    /// [`SecError::Absent`] is not transient here: whether a missing document is only late is
    /// known to the caller, who has a schedule of its own for it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Blocked { .. }
            | Self::Unavailable { .. }
            | Self::Network(_)
            | Self::TimedOut { .. } => true,
            Self::Unexpected { status, .. } => *status == 200,
            Self::Absent { .. } | Self::TooLarge { .. } | Self::BadUrl(_) => false,
        }
    }

    /// HTTP status of the answer, when there was one that says something.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Absent { status, .. }
            | Self::Unavailable { status }
            | Self::Unexpected { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Whom we asked; a simulator or a proxy may stand for sec.gov.
fn host(error: &reqwest::Error) -> String {
    let url = error.url();
    let host = url.and_then(|url| Some((url.host_str()?, url.port())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => "sec.gov".to_owned(),
    }
}

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The SEC asks every automated reader for a contact address.
    #[error(
        "`{0}` is not an e-mail address; set edgar.contact to the address under which the SEC can reach you"
    )]
    Contact(String),
    /// The SEC's limit is ten requests a second for all machines of a user.
    #[error("edgar.requests_per_second is {0}; it must be 1 to 10")]
    Rate(u32),
    /// A time limit of zero would fail every request.
    #[error("{0} must be more than 0")]
    Zero(&'static str),
    /// The TLS or HTTP layer could not be set up.
    #[error("cannot set up HTTPS; is a certificate store installed (package ca-certificates)?")]
    Http(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_heal_by_itself_is_transient() {
        let blocked = SecError::Blocked {
            retry_in: Duration::ZERO,
        };
        let web_page = |status| SecError::Unexpected {
            status,
            what: String::new(),
        };
        let absent = SecError::Absent {
            status: 404,
            url: String::new(),
        };

        assert!(blocked.is_transient());
        assert!(SecError::Unavailable { status: 500 }.is_transient());
        assert!(web_page(200).is_transient());
        assert!(!web_page(301).is_transient());
        assert!(!absent.is_transient());
        assert!(!SecError::TooLarge { limit: 1 }.is_transient());
    }

    #[test]
    fn status_is_given_where_there_was_an_answer() {
        let blocked = SecError::Blocked {
            retry_in: Duration::ZERO,
        };

        assert_eq!(SecError::Unavailable { status: 503 }.status(), Some(503));
        assert_eq!(blocked.status(), None);
    }
}
