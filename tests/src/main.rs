//! The program `filingwire`, for tests that need a process of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    filingwire::cli::main()
}
