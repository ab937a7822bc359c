//! Lines on the control socket: whatever comes is a request, an answer, or an error, and
//! what we write of one means the same.
#![no_main]

use std::{
    io,
    pin::pin,
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/progress.rs"]
mod progress;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/backfill/range.rs"]
mod range;
mod backfill {
    pub(crate) use crate::range::Range;
}
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/control/line.rs"]
mod line;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/control/words.rs"]
mod words;

use words::{Reply, Request};

fuzz_target!(|input: &[u8]| {
    check::<Request>(input);
    check::<Reply>(input);
});

/// Reads all lines; each takes at least its end.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(mut lines: &[u8]) {
    loop {
        let before = lines.len();
        match next::<T>(&mut lines) {
            Ok(None) => break,
            Ok(Some(said)) => {
                let line = line::written(&said).expect("it is JSON");
                assert!(line.ends_with(b"\n") && !line[..line.len() - 1].contains(&b'\n'));
                assert_eq!(next::<T>(&mut &line[..]).ok().flatten(), Some(said));
            }
            Err(_) => {}
        }
        assert!(lines.len() < before, "it goes on");
    }
    assert!(lines.is_empty(), "all is read");
}

/// Bytes in memory are there at once.
fn next<T: DeserializeOwned>(lines: &mut &[u8]) -> io::Result<Option<T>> {
    let reading = pin!(line::next(lines));
    match reading.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(said) => said,
        Poll::Pending => panic!("it waits for nothing"),
    }
}
