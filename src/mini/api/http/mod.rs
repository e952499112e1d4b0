//! The HTTP side: paths, parameters, bodies, answers and transports. It knows no rule of a kind.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod discovery;
pub(crate) mod json;
pub(crate) mod openapi;
mod protobuf;
pub(crate) mod query;
pub(crate) mod route;
pub(crate) mod transport;
