//! One row of each file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cluster::Need;

/// A minor version of Kubernetes: `1.37`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minor(pub u16, pub u16);

impl TryFrom<String> for Minor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (major, minor) = text.split_once('.').unwrap_or((&text, ""));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(Self(major, minor)),
            _ => Err(format!("{text:?} is not a minor version like \"1.37\"")),
        }
    }
}

impl From<Minor> for String {
    fn from(Minor(major, minor): Minor) -> Self {
        format!("{major}.{minor}")
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
        pub enum $name { $($(#[$of])* #[serde(rename = $word)] $variant),* }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(match self { $(Self::$variant => $word),* })
            }
        }
    };
}

words! {
    /// Who is responsible when a behaviour does not hold.
    Party {
        /// The StatefulSet controller.
        Controller = "controller",
        /// The API server: admission, validation, defaults, subresources, tables.
        Apiserver = "apiserver",
        /// The garbage collector.
        Gc = "gc",
        /// The kubelet and the container runtime.
        Kubelet = "kubelet",
        /// The DNS server and what feeds it.
        Dns = "dns",
        /// Provisioner, binder, attacher and claim protection.
        Storage = "storage",
        /// The command-line client.
        Kubectl = "kubectl",
        /// Whoever moves ordinals between two sets.
        Migrator = "migrator",
        /// Another controller.
        Neighbour = "neighbour",
    }
}

words! {
    /// What a behaviour is worth. Ordered: what counts most comes last.
    Level {
        /// Implementation-defined or a known defect: reported, never failed.
        Observed = "observed",
        /// Optional or gated, or not yet checked.
        Extended = "extended",
        /// Generally available and relied upon.
        Core = "core",
    }
}

words! {
    /// What a statement speaks of.
    Kind {
        /// Every point of the history.
        Safety = "safety",
        /// What comes in the end.
        Liveness = "liveness",
        /// Half of each.
        Both = "both",
    }
}

words! {
    /// The pod management policy under which alone a statement holds.
    Policy {
        /// One pod at a time.
        OrderedReady = "OrderedReady",
        /// All at once.
        Parallel = "Parallel",
    }
}

words! {
    /// The strongest test that Kubernetes itself has of a behaviour.
    Upstream {
        /// A certified one.
        Conformance = "conformance",
        /// On a whole cluster.
        E2e = "e2e",
        /// On an API server.
        Integration = "integration",
        /// Of a function.
        Unit = "unit",
        /// There is none.
        None = "none",
    }
}

words! {
    /// How it is known that a statement is true.
    Check {
        /// Seen on a real control plane.
        Experiment = "experiment",
        /// Read in the source of Kubernetes.
        Source = "source",
        /// Its documentation says so.
        Docs = "docs",
        /// It is not known yet.
        No = "no",
    }
}

/// Releases that are known not to keep a statement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Regressed {
    /// The first one.
    pub from: String,
    /// The last one.
    pub to: String,
    /// The feature gate that has to be on for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
}

/// A row of `features/behaviours.yaml`, whose head says what each field means.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the head of the file describes each of them")]
pub struct Behaviour {
    pub id: String,
    pub chapter: String,
    pub party: Party,
    pub statement: String,
    pub kind: Kind,
    pub level: Level,
    #[serde(default)]
    pub pending: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    pub needs: Vec<Need>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Minor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Minor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressed: Vec<Regressed>,
    pub upstream: Upstream,
    pub checked: Check,
    pub refs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<String>,
}

/// A row of `features/invariants.yaml`, whose head says what each field means.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the head of the file describes each of them")]
pub struct Invariant {
    pub id: String,
    pub statement: String,
    pub kind: Kind,
    pub level: Level,
    pub party: Party,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Minor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Minor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressed: Vec<Regressed>,
    pub needs: Vec<Need>,
    pub exempt_when: Vec<String>,
    pub premise: String,
    pub judges: Vec<String>,
}

/// The feature gates that rows may name.
const GATES: [&str; 4] = [
    "MaxUnavailableStatefulSet",
    "StatefulSetSemanticRevisionComparison",
    "StaleControllerConsistencyStatefulSet",
    "StatefulSetRecreateStrategy",
];

/// What excuses a breach of an invariant.
const EXEMPTIONS: [&str; 7] = [
    "user-action",
    "stale-cache",
    "restart",
    "two-controllers",
    "webhook",
    "event-loss",
    "lost-response",
];

impl Behaviour {
    pub(super) fn fault(&self) -> Option<String> {
        let core_unchecked = self.level == Level::Core && self.checked == Check::No;
        let pending_wrongly =
            self.pending && (self.level != Level::Extended || self.checked != Check::No);
        let excused_twice = self.level == Level::Observed && !self.regressed.is_empty();
        [
            common(
                &self.id,
                &self.statement,
                self.since,
                self.until,
                self.gate.as_deref(),
            ),
            core_unchecked.then(|| "it is core but was not checked".to_owned()),
            pending_wrongly
                .then(|| "only an unchecked row of level extended is pending".to_owned()),
            excused_twice.then(|| "an observed row cannot be regressed".to_owned()),
            self.needs
                .contains(&Need::Delivery)
                .then(|| "only an invariant needs delivery".to_owned()),
        ]
        .into_iter()
        .flatten()
        .next()
    }

    /// It holds of a cluster of this version.
    pub fn holds_in(&self, version: Minor) -> bool {
        self.since.is_none_or(|since| since <= version)
            && self.until.is_none_or(|until| version <= until)
    }
}

impl Invariant {
    pub(super) fn fault(&self) -> Option<String> {
        let unknown = self
            .exempt_when
            .iter()
            .find(|word| !EXEMPTIONS.contains(&word.as_str()));
        common(
            &self.id,
            &self.statement,
            self.since,
            self.until,
            self.gate.as_deref(),
        )
        .or_else(|| unknown.map(|word| format!("exempt_when has the unknown value {word:?}")))
    }
}

fn common(
    id: &str,
    statement: &str,
    since: Option<Minor>,
    until: Option<Minor>,
    gate: Option<&str>,
) -> Option<String> {
    let words: Vec<&str> = id.split('-').collect();
    let legal = |word: &&str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if words.len() < 2 || !words.iter().all(legal) {
        return Some(
            "the id is not words of small letters and digits with hyphens between".to_owned(),
        );
    }
    if !statement.ends_with('.') {
        return Some("the statement does not end with a full stop".to_owned());
    }
    if let (Some(since), Some(until)) = (since, until)
        && until < since
    {
        return Some("it ends before it begins".to_owned());
    }
    gate.filter(|gate| !GATES.contains(&gate.trim_start_matches('!')))
        .map(|gate| format!("the gate {gate} is not known"))
}
