//! The executable specification of Kubernetes StatefulSets.
//!
//! Gherkin features state what a StatefulSet guarantees; steps run every scenario against a cluster; every change that
//! the cluster makes is recorded and judged. It is not a test framework for Kubernetes at large: whatever is not needed
//! to specify, judge or demonstrate a StatefulSet is not here.
//!
//! # Layout, in reading order
//!
//! - [`suite`]: one run: select scenarios, start clusters, drive, collect verdicts; also the library's front door
//! - [`world`], [`steps`]: one scenario's state, and what its sentences do; [`verdict`]: how it may end
//! - [`cluster`]: what a cluster is, and the tiers; [`tap`] and [`record`]: who wrote what, and what was seen
//! - [`evidence`]: the history and the questions one can ask of it; [`invariants`]: what must hold of every history
//! - [`report`]: the data of a report, and its formats; [`inventory`]: the behaviours and where they come from
//! - [`sets`]: the vocabulary that judge and judged share
//! - [`controller`]: the reference controller; [`mutants`]: components known to be wrong
//! - [`explore`]: schedules of operations and faults, drawn from a seed
//! - [`fuzz`]: what must hold of any bytes that come from outside
//! - [`mini`]: the embedded cluster: an API server and the agents of a cluster
//! - [`clock`], `dice`, [`manifest`]: the time, numbers from a seed, and YAML
//! - [`cli`]: arguments to a request
//!
//! # What is not there
//!
//! - `invariants`, `steps` and `evidence` never reach `controller`, `mutants` or `mini`: the judge is independent of the
//!   judged.
//! - `sets`, `evidence`, `invariants`, `controller::plan` and `report` await nothing, read no clock, hold no client.
//! - `mini` knows no rule of a StatefulSet's controller and has no back door for steps.
//! - Nothing but `report` formats, nothing but `cli` reads arguments, nothing but `main` exits.
//!
//! `tests/house.rs` holds these.

pub use k8s_openapi;
pub use kube;

pub mod cli;
pub mod clock;
pub mod cluster;
pub mod controller;
mod dice;
pub mod evidence;
pub mod explore;
pub mod fuzz;
pub mod invariants;
pub mod inventory;
mod listening;
pub mod manifest;
pub mod mini;
pub mod mutants;
pub mod record;
pub mod report;
pub mod sets;
pub mod steps;
pub mod suite;
pub mod tap;
pub mod verdict;
pub mod world;
