//! Commands to the running server, from this machine and this user: a Unix socket in the
//! data directory.
//!
//! A connection carries one request and its answer as lines of JSON: a [`Request`], then
//! [`Reply::Progress`] as often as there is any, then [`Reply::Ended`]. Whoever closes the
//! connection stops the work; all work can be asked for again.
//!
//! | module | owns |
//! |---|---|
//! | `words` | what is asked and answered |
//! | `line` | reading and writing a line |
//! | `socket` | where the socket is and who may use it |
//! | `desk` | answering |
//!
//! Elsewhere: asking (`cli::ask`).
//!
//! Invariant: a socket that can be connected to is that of the process that has the log.

mod desk;
mod line;
mod socket;
mod words;

pub(crate) use self::{
    desk::Desk,
    socket::{Link, Socket},
    words::{Reply, Request},
};
