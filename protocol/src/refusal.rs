//! Why something asked for is not done: error codes, and what follows from each.
//!
//! Elsewhere: the frame that carries one (`frame`), the numbers of closes (`close`).

use serde::{Deserialize, Serialize};

use crate::{close::CloseCode, filter::hint, named::named};

named! {
    /// Every error the outside can meet, on the stream and over HTTP.
    ErrorCode {
        /// A field that does not exist.
        FilterUnknownField = "filter_unknown_field",
        /// A field without a value.
        FilterEmpty = "filter_empty",
        /// A value a field cannot have.
        FilterBadValue = "filter_bad_value",
        /// Fields that exclude each other: nothing could ever match.
        FilterImpossible = "filter_impossible",
        /// Whose a ticker is cannot be told yet.
        TickersUnavailable = "tickers_unavailable",
        /// A parameter's value is wrong.
        BadParameter = "bad_parameter",
        /// A client message that is not understood.
        BadMessage = "bad_message",
        /// A client message over 64 KiB.
        MessageTooLarge = "message_too_large",
        /// More client messages than the limit.
        TooManyMessages = "too_many_messages",
        /// No API key, or not a valid one.
        Unauthorized = "unauthorized",
        /// The API key lacks the scope.
        Forbidden = "forbidden",
        /// No key was sent in time.
        AuthTimeout = "auth_timeout",
        /// The cursor is older than the oldest event kept.
        CursorGone = "cursor_gone",
        /// The cursor is beyond the newest event.
        CursorAhead = "cursor_ahead",
        /// The cursor belongs to another log.
        EpochChanged = "epoch_changed",
        /// The server is not ready yet.
        Starting = "starting",
        /// The server cannot take more connections.
        TooManyConnections = "too_many_connections",
        /// The server has as many connections as it can have.
        ServerFull = "server_full",
        /// More requests or wrong keys from one address than the limit.
        TooManyRequests = "too_many_requests",
        /// No such page or object.
        NotFound = "not_found",
        /// The object has none of the bytes asked for.
        RangeNotSatisfiable = "range_not_satisfiable",
        /// The archive cannot be reached.
        ArchiveUnavailable = "archive_unavailable",
        /// The catalog of filings cannot answer now.
        CatalogUnavailable = "catalog_unavailable",
        /// The method is not offered here.
        MethodNotAllowed = "method_not_allowed",
        /// A websocket was expected.
        UpgradeRequired = "upgrade_required",
        /// The server failed.
        Internal = "internal",
    }
}

impl ErrorCode {
    /// How a stream ends after this error.
    pub const fn close(self) -> CloseCode {
        match self {
            Self::Unauthorized | Self::AuthTimeout => CloseCode::Unauthorized,
            Self::Forbidden => CloseCode::Forbidden,
            Self::CursorGone => CloseCode::CursorGone,
            Self::CursorAhead => CloseCode::CursorAhead,
            Self::EpochChanged => CloseCode::EpochChanged,
            Self::MessageTooLarge => CloseCode::TooLarge,
            Self::TooManyMessages
            | Self::TooManyConnections
            | Self::TooManyRequests
            | Self::ServerFull => CloseCode::Limit,
            Self::Starting | Self::TickersUnavailable => CloseCode::Starting,
            Self::Internal => CloseCode::Internal,
            _ => CloseCode::BadRequest,
        }
    }

    /// Whether trying the same again later can succeed.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::TooManyMessages
                | Self::TooManyConnections
                | Self::TooManyRequests
                | Self::ServerFull
                | Self::TickersUnavailable
                | Self::ArchiveUnavailable
                | Self::CatalogUnavailable
                | Self::Starting
                | Self::Internal
        )
    }

    /// Seconds after which the same can succeed, where time alone may mend it.
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::TooManyMessages => Some(1),
            Self::Starting | Self::TickersUnavailable | Self::CatalogUnavailable => Some(2),
            Self::TooManyConnections | Self::ServerFull | Self::ArchiveUnavailable => Some(5),
            Self::TooManyRequests => Some(6),
            _ => None,
        }
    }

    /// The reason of the close after this error: the code and, after a limit, the seconds as
    /// [`crate::close::retry_after`] reads them.
    pub const fn close_reason(self) -> &'static str {
        match self {
            Self::TooManyMessages => "too_many_messages, retry after 1 s",
            Self::TooManyConnections => "too_many_connections, retry after 5 s",
            Self::ServerFull => "server_full, retry after 5 s",
            Self::TooManyRequests => "too_many_requests, retry after 6 s",
            unlimited => unlimited.as_str(),
        }
    }
}

/// Why something asked for is not done, with the remedy in the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of mistake.
    pub code: ErrorCode,
    /// The offending field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
}

impl Refusal {
    /// A refusal that names no field.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
            retryable: code.is_retryable(),
        }
    }

    /// Names the offending field.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        self.field = Some(field.chars().take(64).collect());
        self
    }

    /// A field that does not exist, with the nearest that does.
    pub fn unknown_field(field: &str, known: &[&str]) -> Self {
        let shown: String = field.chars().take(64).collect();
        let message = format!("unknown field \"{shown}\"{}", hint(&shown, known));
        Self::new(ErrorCode::FilterUnknownField, message).field(field)
    }
}
