//! The durable event log: one writer, many readers.
//!
//! The log is a numbered list of frames that only grows. One [`Writer`] appends;
//! any number of [`Reader`]s follow with a position of their own, from the oldest
//! kept record to the newest, without a seam between disk and memory.
//!
//! What it promises:
//!
//! - *Durable, then visible.* The tip moves after the fsync of a group. What any
//!   reader has seen survives a power cut, and a [`Seq`](protocol::seq::Seq) never
//!   means two things within an epoch.
//! - *No gaps.* Numbers count from 1, one per frame.
//! - *Damage is found.* Every record carries a checksum. What a power cut has torn
//!   is cut off, because nobody has seen it; any other damage is an error that names
//!   file, byte, seq and remedy. [`segment`] explains how the two are told apart.
//! - *Readable.* A segment is text: `tail -f` and `grep` work on it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use eventlog::{Config, RealDisk, Writer};
//! use protocol::seq::{Epoch, Seq};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let dir = tempfile::tempdir()?;
//! let config = Config::new(dir.path().join("log"), Epoch::parse("k7q2")?);
//! let (mut writer, reader) = Writer::<usize>::open(config, Arc::new(RealDisk))?;
//!
//! writer.append(r#"{"form":"8-K"}"#.into())?;
//! writer.append(r#"{"form":"10-Q"}"#.into())?;
//! assert_eq!(reader.tip(), Seq::ZERO); // Not durable yet, so nobody sees it.
//! assert_eq!(writer.commit()?, Seq::new(2));
//!
//! let records = reader.read_after(Seq::ZERO, 100, 1 << 20).await?;
//! assert_eq!(&records[1].frame[..], br#"{"form":"10-Q"}"#);
//! assert_eq!(*records[1].note(|frame| frame.len()), 15); // Worked out once for all readers.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A reader that follows the log reads until nothing comes, then waits for
//! [`Reader::tip_changes`]. One that must go on after a restart keeps a [`Watermark`].
//!
//! | module | owns |
//! |---|---|
//! | [`segment`] | the file format |
//! | `writer` | append, group fsync, new segments, retention |
//! | `recover`, `torn` | the start: cut a torn tail, find damage |
//! | `tail`, `kept` | what writer and readers share: newest records, segments kept |
//! | `reader`, `search`, `lines` | reading, finding a record in a file, lines of a file |
//! | `watermark` | the durable cursor of one of our own readers |
//! | [`disk`], [`testing`] | the file-system seam, and a disk that forgets |

pub mod disk;
pub mod error;
mod kept;
mod lines;
mod reader;
mod recover;
mod search;
pub mod segment;
mod tail;
pub mod testing;
mod torn;
mod watermark;
mod writer;

pub use disk::RealDisk;
pub use error::{AppendError, Corruption, OpenError, ReadError, WatermarkError, WriteError};
pub use reader::{Reader, Replay};
pub use tail::Record;
pub use watermark::Watermark;
pub use writer::{Config, Writer};
