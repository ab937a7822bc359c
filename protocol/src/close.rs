//! Why a stream ends: websocket close codes and what the client should do.

use std::time::Duration;

macro_rules! codes {
    ($(#[$doc:meta])* { $($text:literal $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum CloseCode {
            $(#[doc = $text] $variant = $number,)+
        }

        impl CloseCode {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// What it tells a client.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    /// The close codes of the stream.
    ///
    /// 1000 to 3999 and 4000 to 4399: connect again with the same cursor, with jitter.
    /// 4400 to 4499: do not try again until something changes.
    {
        "The end that was asked for is reached." Normal = 1000,
        "The server stops." GoingAway = 1001,
        "The client breaks the websocket protocol." BadFrame = 1002,
        "A text frame is not UTF-8." BadText = 1007,
        "The server failed." Internal = 4000,
        "The server is not ready yet." Starting = 4003,
        "Not writable for 30 s." SlowConsumer = 4008,
        "No pong within 30 s of a ping." NoPong = 4009,
        "A limit was reached; the reason says after how many seconds to come back." Limit = 4029,
        "A message or parameter is wrong." BadRequest = 4400,
        "No valid API key." Unauthorized = 4401,
        "The API key lacks the scope." Forbidden = 4403,
        "The cursor is older than the oldest event kept." CursorGone = 4410,
        "The cursor is beyond the newest event." CursorAhead = 4411,
        "The cursor belongs to another log." EpochChanged = 4412,
        "A message over 64 KiB." TooLarge = 4413,
    }
}

impl CloseCode {
    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// Whether a client closed with this number should connect again with the same cursor.
pub const fn is_retryable(number: u16) -> bool {
    !matches!(number, 4400..=4499)
}

/// How long to stay away, where the reason of a close says so: `…, retry after 5 s`.
pub fn retry_after(reason: &str) -> Option<Duration> {
    let (_, rest) = reason.split_once("retry after ")?;
    let seconds = rest.split(' ').next()?.parse::<u32>().ok()?;
    Some(Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::ErrorCode;

    #[test]
    fn a_limit_says_in_the_reason_of_its_close_after_how_many_seconds_to_come_back() {
        for code in ErrorCode::ALL {
            let reason = code.close_reason();

            let told = retry_after(reason).map(|wait| wait.as_secs());

            let is_limit = code.close() == CloseCode::Limit;
            let seconds = code.retry_after().filter(|_| is_limit);
            assert_eq!(told, seconds.map(u64::from), "{code}");
            assert_eq!(told.is_some(), is_limit, "{code}");
            assert!(reason.starts_with(code.as_str()), "{code}");
        }
        assert_eq!(retry_after("retry after a while"), None);
    }

    #[test]
    fn only_the_clients_own_mistakes_are_final() {
        assert!(is_retryable(CloseCode::GoingAway.number()));
        assert!(is_retryable(CloseCode::SlowConsumer.number()));
        assert!(is_retryable(1006));
        assert!(!is_retryable(CloseCode::Unauthorized.number()));
        assert!(!is_retryable(CloseCode::CursorGone.number()));
    }
}
