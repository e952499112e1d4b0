//! What a scenario needs, and whether a cluster offers it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    cluster::{Capabilities, Need, gates_of},
    inventory::{Behaviour, Inventory, Minor, Party},
    report::Scenario,
    suite::plan::Planned,
};

/// Why a scenario cannot run on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unmet {
    /// A row does not hold in its version.
    Version {
        /// Which row; empty for any.
        row: String,
        /// The cluster's version.
        version: String,
    },
    /// A row holds only with or without a gate.
    Gate {
        /// Which row; empty for any.
        row: String,
        /// `with the feature gate X`.
        gate: String,
    },
    /// A right is missing.
    Right {
        /// Verb and resource.
        right: String,
        /// Who says so.
        why: String,
    },
    /// The cluster does not offer something.
    Missing(BTreeMap<Need, Lack>),
}

/// One thing that a cluster does not offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lack {
    /// Which row needs it; empty for any.
    whose: String,
    /// Why it is not offered, where that is known.
    why: Option<String>,
}

impl Unmet {
    /// The same for whichever row: scenarios that lack the same have the same reason.
    pub(super) fn of_any_row(self) -> Self {
        let nobody = String::new;
        match self {
            Self::Version { version, .. } => Self::Version {
                row: nobody(),
                version,
            },
            Self::Gate { gate, .. } => Self::Gate {
                row: nobody(),
                gate,
            },
            Self::Right { right, why } => Self::Right { right, why },
            Self::Missing(lacks) => Self::Missing(
                lacks
                    .into_iter()
                    .map(|(need, lack)| {
                        (
                            need,
                            Lack {
                                whose: nobody(),
                                ..lack
                            },
                        )
                    })
                    .collect(),
            ),
        }
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = |row: &String| match row.is_empty() {
            true => "what".to_owned(),
            false => row.clone(),
        };
        match self {
            Self::Version { row, version } => {
                write!(f, "{} does not hold in Kubernetes {version}", what(row))
            }
            Self::Gate { row, gate } => write!(f, "{} holds only {gate}", what(row)),
            Self::Right { right, why } => write!(f, "needs the right to {right}: {why}"),
            Self::Missing(lacks) => {
                let all: Vec<String> = lacks
                    .iter()
                    .map(|(need, lack)| match (lack.whose.as_str(), &lack.why) {
                        ("", None) => need.to_string(),
                        ("", Some(why)) => format!("{need} ({why})"),
                        (whose, None) => format!("{need} (for {whose})"),
                        (whose, Some(why)) => format!("{need} (for {whose}; {why})"),
                    })
                    .collect();
                write!(
                    f,
                    "needs what the cluster does not offer: {}",
                    all.join(", ")
                )
            }
        }
    }
}

/// Why the scenario cannot run on such a cluster, if it cannot.
pub(super) fn unmet(
    planned: &Planned,
    inventory: &Inventory,
    cluster: &Capabilities,
) -> Option<Unmet> {
    let texts = planned.steps.iter().map(|step| step.text.as_str());
    unmet_by(&planned.scenario, texts, inventory, cluster)
}

/// What a sentence takes, whatever it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Right(&'static str),
    Need(Need),
}

/// Sentences with all of these words take this.
const TAKES: [(&[&str], Takes); 6] = [
    (&["the other namespace"], Takes::Right("create namespaces")),
    (
        &["a revision of ", " holds "],
        Takes::Right("create namespaces"),
    ),
    (&["readiness of "], Takes::Right("patch pods/status")),
    (&[" is held at pod "], Takes::Right("patch pods/status")),
    (&["the controller's next "], Takes::Need(Need::Faults)),
    (&["the controller is "], Takes::Need(Need::Faults)),
];

fn taken(sentence: &str) -> impl Iterator<Item = Takes> {
    TAKES
        .iter()
        .filter(move |(words, _)| words.iter().all(|word| sentence.contains(word)))
        .map(|(_, takes)| *takes)
}

/// The right that a sentence takes.
fn implied(sentence: &str) -> Option<&'static str> {
    taken(sentence).find_map(|takes| match takes {
        Takes::Right(right) => Some(right),
        Takes::Need(_) => None,
    })
}

/// What a sentence needs of the cluster.
fn needed(sentence: &str) -> Option<Need> {
    taken(sentence).find_map(|takes| match takes {
        Takes::Need(need) => Some(need),
        Takes::Right(_) => None,
    })
}

fn unmet_by<'a>(
    scenario: &Scenario,
    sentences: impl Iterator<Item = &'a str> + Clone,
    inventory: &Inventory,
    cluster: &Capabilities,
) -> Option<Unmet> {
    let rows = || {
        scenario
            .behaviours
            .iter()
            .filter_map(|id| inventory.behaviour(id))
    };
    let version = Minor(cluster.version.0, cluster.version.1);
    if let Some(row) = rows().find(|row| !row.holds_in(version)) {
        return Some(Unmet::Version {
            row: row.id.clone(),
            version: String::from(version),
        });
    }
    if let Some((row, gate)) = rows().find_map(|row| Some((row, ungated(row, &cluster.gates)?))) {
        return Some(Unmet::Gate {
            row: row.id.clone(),
            gate,
        });
    }
    let mut rights: Vec<&str> = sentences.clone().filter_map(implied).collect();
    rights.extend(rows().flat_map(|row| row.rights.iter().map(String::as_str)));
    let mut denied = rights
        .iter()
        .filter_map(|right| Some((right, cluster.denied.get(*right)?)));
    if let Some((right, why)) = denied.next() {
        return Some(Unmet::Right {
            right: (*right).to_owned(),
            why: why.clone(),
        });
    }
    let mut missing: BTreeMap<Need, &str> = BTreeMap::new();
    for row in rows() {
        for need in row
            .needs
            .iter()
            .filter(|need| !cluster.offers.contains(need))
        {
            missing.entry(*need).or_insert(&row.id);
        }
    }
    for need in sentences
        .filter_map(needed)
        .filter(|need| !cluster.offers.contains(need))
    {
        missing.entry(need).or_insert("one of its steps");
    }
    let lacks: BTreeMap<Need, Lack> = missing
        .into_iter()
        .map(|(need, whose)| {
            let lack = Lack {
                whose: whose.to_owned(),
                why: cluster.lacks.get(&need).cloned(),
            };
            (need, lack)
        })
        .collect();
    (!lacks.is_empty()).then_some(Unmet::Missing(lacks))
}

/// The gate that is not as a row needs it, in words.
fn ungated(row: &Behaviour, on: &BTreeSet<String>) -> Option<String> {
    let gate = row.gate.as_deref()?;
    match gate.strip_prefix('!') {
        Some(gate) => on
            .contains(gate)
            .then(|| format!("without the feature gate {gate}")),
        None => (!on.contains(gate)).then(|| format!("with the feature gate {gate}")),
    }
}

/// The version and the gates that suit a scenario best, where they can be chosen for each: the gates that its rows name
/// are as they need them, and where only rows of the API server have ended its version is the last one with them.
pub(super) fn suited(
    scenario: &Scenario,
    inventory: &Inventory,
    newest: (u16, u16),
) -> ((u16, u16), BTreeSet<String>) {
    let ids = scenario.behaviours.iter();
    let rows: Vec<&Behaviour> = ids.filter_map(|id| inventory.behaviour(id)).collect();
    let ended = rows
        .iter()
        .filter(|row| !row.holds_in(Minor(newest.0, newest.1)) && row.until.is_some());
    let of_server = ended.clone().all(|row| row.party == Party::Apiserver);
    let last = ended.filter_map(|row| row.until).min();
    let version = match last {
        Some(Minor(major, minor)) if of_server => (major, minor),
        _ => newest,
    };
    let mut gates = gates_of(version);
    for gate in rows.iter().filter_map(|row| row.gate.as_deref()) {
        match gate.strip_prefix('!') {
            Some(gate) => drop(gates.remove(gate)),
            None => drop(gates.insert(gate.to_owned())),
        }
    }
    (version, gates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cluster::embedded::capabilities, inventory};

    fn of(behaviours: &[&str], cluster: &Capabilities) -> Option<String> {
        let none = std::iter::empty();
        let unmet = unmet_by(&scenario(behaviours), none, inventory::embedded(), cluster);
        unmet.map(|unmet| unmet.to_string())
    }

    #[test]
    fn a_scenario_needs_what_its_behaviours_need() {
        let mut cluster = capabilities((1, 37));
        assert_eq!(
            of(
                &["ord-init-not-done-halts", "ord-create-ascending"],
                &cluster
            ),
            None
        );
        cluster.offers.remove(&Need::Kubelet);
        let reason = of(
            &["ord-init-not-done-halts", "ord-create-ascending"],
            &cluster,
        );
        assert_eq!(
            reason.as_deref(),
            Some("needs what the cluster does not offer: kubelet (for ord-init-not-done-halts)")
        );
        assert_eq!(of(&["ord-create-ascending"], &cluster), None);
    }

    #[test]
    fn a_right_that_is_missing_is_named_whether_a_row_or_a_sentence_takes_it() {
        let mut cluster = capabilities((1, 37));
        let because = |right: &str| (right.to_owned(), "of the Role".to_owned());
        cluster.denied = [because("create namespaces"), because("patch pods/status")].into();
        assert_eq!(
            of(&["id-namespaces-isolated"], &cluster).as_deref(),
            Some("needs the right to create namespaces: of the Role")
        );
        assert_eq!(of(&["ord-create-ascending"], &cluster), None);
        let sentence = ["Given readiness of pod \"web-1\" is withheld"];
        let reason = unmet_by(
            &scenario(&["ord-create-ascending"]),
            sentence.into_iter(),
            inventory::embedded(),
            &cluster,
        );
        assert_eq!(
            reason.map(|unmet| unmet.to_string()).as_deref(),
            Some("needs the right to patch pods/status: of the Role")
        );
    }

    #[test]
    fn words_that_take_something_are_words_of_a_scenario() {
        let plan = crate::suite::Suite::of(crate::suite::Subject::Bundled);
        let plan = plan.plan().expect("the features can be read");
        for (words, takes) in TAKES {
            let says = |text: &str| words.iter().all(|word| text.contains(word));
            let steps = plan.scenarios.iter().flat_map(|planned| &planned.steps);
            assert!(
                steps.filter(|step| says(&step.text)).count() > 0,
                "no sentence has {words:?}, which takes {takes:?}"
            );
        }
    }

    #[test]
    fn a_reason_is_the_same_whichever_row_needs_it() {
        let reason = |unmet: Unmet| unmet.of_any_row().to_string();
        let lack = |whose: &str, why: Option<&str>| Lack {
            whose: whose.to_owned(),
            why: why.map(str::to_owned),
        };
        let lacks = [
            (Need::Dns, lack("a", Some("no service"))),
            (Need::Gc, lack("b", None)),
        ];
        assert_eq!(
            reason(Unmet::Missing(lacks.into())),
            "needs what the cluster does not offer: dns (no service), gc"
        );
        let (row, version) = ("a".to_owned(), "1.35".to_owned());
        assert_eq!(
            reason(Unmet::Version { row, version }),
            "what does not hold in Kubernetes 1.35"
        );
    }

    #[test]
    fn why_a_need_is_not_met_is_told_where_it_is_known() {
        let mut cluster = capabilities((1, 37));
        cluster.offers.remove(&Need::Kubelet);
        cluster
            .lacks
            .insert(Need::Kubelet, "no node is Ready".to_owned());
        let reason = of(&["ord-init-not-done-halts"], &cluster);
        assert!(reason.is_some_and(|reason| {
            reason.ends_with("kubelet (for ord-init-not-done-halts; no node is Ready)")
        }));
    }

    #[test]
    fn a_behaviour_of_another_version_is_not_looked_for() {
        let reason = of(&["ord-gated-available"], &capabilities((1, 24)));
        assert_eq!(
            reason.as_deref(),
            Some("ord-gated-available does not hold in Kubernetes 1.24")
        );
    }

    fn scenario(behaviours: &[&str]) -> Scenario {
        Scenario {
            behaviours: behaviours.iter().map(ToString::to_string).collect(),
            ..Scenario::unknown()
        }
    }

    #[test]
    fn a_scenario_gets_the_gates_that_its_rows_name() {
        let suited = |ids: &[&str]| suited(&scenario(ids), inventory::embedded(), (1, 37));
        let (version, gates) = suited(&["ord-create-ascending"]);
        assert_eq!((version, gates), ((1, 37), gates_of((1, 37))));
        let (_, gates) = suited(&["maxu-gate-off-dropped"]);
        assert!(!gates.contains("MaxUnavailableStatefulSet"));
        let (version, _) = suited(&["val-immutable-fields", "val-immutable-fields-cause-before"]);
        assert_eq!(version, (1, 36));
    }

    #[test]
    fn a_gate_that_is_not_as_it_must_be_is_named() {
        let cluster = capabilities((1, 37));
        assert_eq!(
            of(&["maxu-gate-off-dropped"], &cluster).as_deref(),
            Some(
                "maxu-gate-off-dropped holds only without the feature gate MaxUnavailableStatefulSet"
            )
        );
        assert_eq!(of(&["maxu-default"], &cluster), None);
    }
}
