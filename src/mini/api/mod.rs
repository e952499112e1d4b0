//! The API server of the embedded cluster.
//!
//! A request goes one way: path, verb, decoding, defaults, admission, validation, store. It has no authorization; it
//! knows the kinds of one table, and no controller.

mod admission;
pub mod apply;
mod base64;
pub mod defaults;
mod events;
mod http;
mod meta;
pub mod patch;
pub mod quantity;
mod random;
mod resources;
mod rules;
pub mod schema;
pub mod selector;
mod server;
pub mod status;
mod store;
pub mod strict;
mod subresources;
pub mod table;
pub mod validate;
mod verbs;

pub use rules::Rules;
pub use server::{Server, ServerOptions};
pub use status::{Cause, Status};

#[cfg(test)]
mod tests;
