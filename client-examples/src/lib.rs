//! Clients of the stream, to copy from: see `src/bin/subscribe.rs`, and the folders
//! `python`, `browser` and `shell` for the same program in other languages.
