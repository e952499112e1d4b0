//! The embedded cluster: an API server and the agents of a cluster, in one process.

pub mod agents;
pub mod api;
pub mod kubelet;
