//! The command `stsspec`.

fn main() {}
