//! Where a run takes place.

use std::fmt;

use crate::cluster::context;

/// Where a run takes place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// A fresh cluster in this process for each scenario, on virtual time.
    #[default]
    Embedded,
    /// A cluster that is there already, in real time.
    Context(context::Options),
}

impl Tier {
    /// The arguments that name its cluster; none for embedded ones.
    pub(super) fn place(&self) -> Option<String> {
        let Self::Context(options) = self else {
            return None;
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
        Some(words.join(" "))
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Embedded => "embedded",
            Self::Context(_) => "context",
        })
    }
}
