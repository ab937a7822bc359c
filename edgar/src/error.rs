//! Why bytes from sec.gov are not the list they should be.
//!
//! One enum for each format, its variants named by what a caller can do. What is wrong
//! with a single row does not fail the list: it is reported beside the rows.

/// Why there is no page of the latest-filings feed.
#[derive(Debug, thiserror::Error)]
pub enum AtomError {
    /// Something else than a feed, such as a page about blocking or maintenance.
    #[error("not an Atom feed, it begins `{begins}`")]
    NotAFeed {
        /// How it begins, cut and printable.
        begins: String,
    },
    /// A feed cut short or broken so badly that none of its entries can be read: ask again.
    #[error("the feed is cut short or broken")]
    Damaged(#[source] feed_rs::parser::ParseFeedError),
    /// More bytes than a page of the feed can have.
    #[error("a feed of {bytes} bytes is too large")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why there is no answer of the full-text search.
#[derive(Debug, thiserror::Error)]
pub enum EftsError {
    /// Not JSON: an error page, or an answer cut short.
    #[error("not a search answer, it begins `{begins}`")]
    NotAnAnswer {
        /// How it begins, cut and printable.
        begins: String,
        /// What the JSON reader says.
        #[source]
        cause: serde_json::Error,
    },
    /// EDGAR refused the query; asking again is no use.
    #[error("the search refused the query: {message}")]
    Refused {
        /// What EDGAR says, cut.
        message: String,
    },
    /// `hits.total` is missing: the offset is beyond the reachable window.
    #[error("the search answer has no total")]
    NoTotal,
    /// More bytes than an answer can have.
    #[error("a search answer of {bytes} bytes is too large")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why there is no list of tickers.
#[derive(Debug, thiserror::Error)]
pub enum TickersError {
    /// Not JSON of rows: an error page, or a list cut short.
    #[error("not a list of tickers, it begins `{begins}`")]
    NotAList {
        /// How it begins, cut and printable.
        begins: String,
        /// What the JSON reader says.
        #[source]
        cause: serde_json::Error,
    },
    /// No row that can be read.
    #[error("a list of tickers without any, it begins `{begins}`")]
    Empty {
        /// How it begins, cut and printable.
        begins: String,
    },
    /// More bytes than the list can have.
    #[error("a list of tickers of {bytes} bytes is too large")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why there is no index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Something else than an index file, such as an error page.
    #[error("not an index file, it begins `{begins}`")]
    NotAnIndex {
        /// How it begins, cut and printable.
        begins: String,
    },
    /// An index file, but not a master index.
    #[error("a {0} index instead of a master index")]
    NotMaster(crate::index::Kind),
    /// So many rows make no sense that the rest is not to be trusted either.
    #[error("more than {limit} bad rows, the last on line {line}")]
    TooManyBadRows {
        /// How many are tolerated.
        limit: usize,
        /// Where reading stopped, from 1.
        line: usize,
    },
}
