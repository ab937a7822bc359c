//! Messages of clients: what is understood is shown back so that it means the same.
#![no_main]

use fuzz::subscriptions;
use libfuzzer_sys::fuzz_target;
use protocol::{
    filter::Facts,
    frame::{ClientMessage, ServerFrame},
};

fuzz_target!(|text: &str| {
    match ClientMessage::parse(text) {
        Ok(ClientMessage::Subscribe(subscription)) => subscriptions::check(&subscription),
        Ok(message) => assert_eq!(ClientMessage::parse(text), Ok(message)),
        Err(refusal) => subscriptions::check_refusal(&refusal, text),
    }
    let _ = (ServerFrame::parse(text), Facts::of_frame(text.as_bytes()));
});
