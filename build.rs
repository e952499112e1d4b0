//! The features are compiled into the library: a new or changed one makes it stale.

fn main() {
    println!("cargo::rerun-if-changed=features");
    println!("cargo::rerun-if-changed=fixtures/sets");
}
