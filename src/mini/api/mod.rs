//! The API server of the embedded cluster.

pub mod apply;
pub mod defaults;
pub mod patch;
pub mod quantity;
pub mod schema;
pub mod selector;
pub mod status;
pub mod strict;
pub mod table;
pub mod validate;

pub use status::{Cause, Status};
