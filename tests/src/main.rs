//! The program `filingwire`, for tests that need a process of it.
//!
//! `FILINGWIRE_TEST_CLOCK` is the text of a [`simulator::Clock`]: `serve` then tells the same
//! time as the simulated EDGAR that the test has started, nights left out or not. The program
//! itself always goes by the clock of the machine.

use std::process::ExitCode;

use monitors::clock::Clock;

const CLOCK: &str = "FILINGWIRE_TEST_CLOCK";

fn main() -> ExitCode {
    let Ok(text) = std::env::var(CLOCK) else {
        return filingwire::cli::main();
    };
    match text.parse::<simulator::Clock>() {
        Ok(clock) => filingwire::cli::main_by(Clock::new(move || clock.now())),
        Err(error) => {
            eprintln!("{CLOCK}: {error}");
            ExitCode::from(2)
        }
    }
}
