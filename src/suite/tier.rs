//! Where a run takes place.

use std::{fmt, path::PathBuf};

use crate::cluster::{context, control_plane::Programs, slow::Latency};

/// Where a run takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A fresh cluster in this process for each scenario, on virtual time, which answers so much later than it could.
    Embedded(Latency),
    /// A cluster that is there already, in real time.
    Context(context::Options),
    /// A cluster that the `kind` command makes for the run, in real time.
    Kind(KindOptions),
    /// A control plane from these programs, started for the run, in real time.
    ControlPlane(Programs),
}

/// The cluster that kind makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindOptions {
    /// Its name.
    pub name: String,
    /// The node image; kind's own choice if none is given.
    pub node_image: Option<String>,
    /// Worker nodes, besides the one with the control plane.
    pub workers: usize,
    /// A cluster of that name that is there already is used, and stays.
    pub reuse: bool,
    /// The program that is deployed as the bundled controller: this one if not given. It has to be linked statically.
    pub program: Option<PathBuf>,
    /// What pods have to say there.
    pub terms: context::Options,
}

impl Default for Tier {
    fn default() -> Self {
        Self::Embedded(Latency::default())
    }
}

impl Tier {
    /// The arguments that name its cluster or say what it is like; none for embedded ones as they are.
    pub(super) fn place(&self) -> Option<String> {
        let options = match self {
            Self::Embedded(latency) if latency.is_none() => return None,
            Self::Embedded(latency) => return Some(format!("--latency {latency}")),
            Self::Kind(_) => return Some("--tier kind".to_owned()),
            Self::ControlPlane(programs) => {
                let mut words = format!(
                    "--tier control-plane --assets {}",
                    programs.folder.display()
                );
                if let Some(program) = &programs.controller_manager {
                    words.push_str(&format!(" --controller-manager {}", program.display()));
                }
                return Some(words);
            }
            Self::Context(options) => options,
        };
        let mut words = Vec::new();
        if let Some(path) = &options.kubeconfig {
            words.push(format!("--kubeconfig {}", path.display()));
        }
        if let Some(context) = &options.context {
            words.push(format!("--context {context}"));
        }
        if words.is_empty() {
            words.push("--tier context".to_owned());
        }
        if let Some(namespace) = &options.namespace {
            words.push(format!("--namespace {namespace}"));
        }
        Some(words.join(" "))
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Embedded(_) => "embedded",
            Self::Context(_) => "context",
            Self::Kind(_) => "kind",
            Self::ControlPlane(_) => "control-plane",
        })
    }
}
