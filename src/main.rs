//! The command `stsspec`.

use std::process::{ExitCode, exit};

fn main() -> ExitCode {
    ExitCode::from(stsspec::cli::main(std::env::args_os(), |code| {
        exit(code.into())
    }))
}
