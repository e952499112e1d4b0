//! One run: select scenarios, start a cluster and a subject for each, drive them, collect what they come to.

pub mod drive;
pub mod event;
pub mod features;
mod guard;
mod nearest;
mod panics;
pub mod plan;
pub mod select;

pub use guard::Limits;
