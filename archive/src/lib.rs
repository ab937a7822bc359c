//! Buckets of immutable objects.
//!
//! An object is written to a file of the [`staging::Staging`] folder first, then put
//! under its [`key::Key`] in one step: a reader sees all of it or nothing, and a crash
//! leaves either. Nothing that is archived is overwritten or deleted; inventories are
//! replaced, in one step too.
//!
//! Elsewhere: what goes into an object, and under which key, is the server's business.

pub mod bucket;
pub mod conformance;
pub mod error;
pub mod key;
pub mod local;
pub mod memory;
pub mod s3;
pub mod staging;
