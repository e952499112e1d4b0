//! The inventory of invariants.

use super::{Finding, Judging, Rule, Tally};
use crate::{evidence::Profile, manifest};

/// Who relies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everybody.
    Core,
    /// Those who use what it is about.
    Extended,
    /// Nobody: it is reported and never failed.
    Observed,
}

/// A condition under which a breach is not a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exempt {
    /// Somebody else wrote an object concerned.
    UserAction,
    /// Caches are held back, and what was delivered is not known.
    StaleCache,
    /// The controller was started anew.
    Restart,
    /// Two controllers were active.
    TwoControllers,
    /// An admission webhook changes the object.
    Webhook,
    /// Events may be dropped.
    EventLoss,
    /// A response to the controller was lost.
    LostResponse,
}

/// One invariant.
#[derive(Debug, serde::Deserialize)]
pub struct Invariant {
    /// Its stable name.
    pub id: String,
    /// What must hold.
    pub statement: String,
    /// Who relies on it.
    pub level: Level,
    /// Who is responsible for a breach.
    pub party: String,
    /// When there is something to judge.
    pub premise: String,
    /// The behaviours that a pass supports and a breach breaks.
    pub judges: Vec<String>,
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    until: Option<String>,
    #[serde(default)]
    gate: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    exempt_when: Vec<Exempt>,
    #[serde(skip)]
    rule: Option<Rule>,
}

impl Invariant {
    /// A breach is no failure under this condition.
    pub fn exempt_when(&self, condition: Exempt) -> bool {
        self.exempt_when.contains(&condition)
    }

    /// It speaks of sets with this policy.
    pub fn is_about(&self, ordered: bool) -> bool {
        match self.policy.as_deref() {
            Some("OrderedReady") => ordered,
            Some("Parallel") => !ordered,
            _ => true,
        }
    }

    /// Judges what was seen.
    pub(super) fn judge(&'static self, judging: &Judging<'_>) -> Finding {
        let mut tally = Tally::new(self, judging);
        let profile = &judging.index.evidence.profile;
        match self.rule {
            Some(rule) if self.applies(profile) => {
                if self.needs.iter().any(|need| need == "attribution") && !profile.attribution {
                    tally.unattributed("it is not known who made a write".to_owned());
                } else {
                    rule(judging, &mut tally);
                }
            }
            _ => {}
        }
        tally.finding()
    }

    fn applies(&self, profile: &Profile) -> bool {
        let version = |text: &Option<String>| {
            let (major, minor) = text.as_deref()?.split_once('.')?;
            Some((major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?))
        };
        version(&self.since).is_none_or(|since| profile.version >= since)
            && version(&self.until).is_none_or(|until| profile.version <= until)
            && self
                .gate
                .as_deref()
                .is_none_or(|gate| match gate.strip_prefix('!') {
                    Some(gate) => !profile.gates.contains(gate),
                    None => profile.gates.contains(gate),
                })
    }
}

/// Reads the inventory and gives each invariant its rule.
pub fn read(rules: &[(&str, Rule)]) -> Vec<Invariant> {
    let text = include_str!("../../features/invariants.yaml");
    let rows: Result<Vec<Invariant>, _> = manifest::read("features/invariants.yaml", text);
    let mut rows = match rows {
        Ok(rows) => rows,
        Err(error) => panic!("the inventory is part of the program: {error}"),
    };
    for row in &mut rows {
        row.rule = rules
            .iter()
            .find(|(id, _)| *id == row.id)
            .map(|(_, rule)| *rule);
    }
    rows
}
