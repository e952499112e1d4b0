//! The four verdicts of a scenario, and how a step asks for those that are not a plain pass.

use std::{any::Any, fmt, panic};

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(tag = "verdict", content = "because", rename_all = "lowercase")]
pub enum Verdict {
    /// Everything it says was seen.
    Passed,
    /// Something it says was seen not to hold.
    Failed {
        /// The rule in words, what was expected, what was seen.
        message: String,
        /// Where in the steps, as `file:line:column`.
        location: Option<String>,
    },
    /// It needs what the cluster does not offer.
    Skipped(String),
    /// Something other than the subject got in the way.
    Inconclusive(String),
}

impl Verdict {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Skipped(_) => "skipped",
            Self::Inconclusive(_) => "inconclusive",
        }
    }

    /// Why; empty for a pass.
    pub fn reason(&self) -> &str {
        match self {
            Self::Passed => "",
            Self::Failed { message: text, .. } | Self::Skipped(text) | Self::Inconclusive(text) => {
                text
            }
        }
    }
}

/// What a negative claim rests on: one look of the controller that saw its premise and did nothing, and a time in which
/// nothing belied it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Certificate {
    /// What was claimed; claims that were made in the same stillness share it.
    pub claims: Vec<String>,
    /// The set that was looked at.
    pub set: String,
    /// The generation that the answering status write names; none of a set that is gone.
    pub observed_generation: Option<i64>,
    /// How many pods it counts, as many as there are.
    pub pods: usize,
    /// How many of them it counts as Ready, as many as are.
    pub ready: usize,
    /// Seconds of the cluster's clock that passed in full while each change was judged.
    pub held_seconds: u64,
    /// How many changes there were in that time.
    pub changes: usize,
}

/// Why a step ends its scenario. Steps return `Result<(), Stop>`, or call [`stop`] from any depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cluster lacks something that the scenario needs.
    Skip(String),
    /// Nothing can be said about the subject: the cluster refused, vanished, or somebody else interfered.
    Inconclusive(String),
    /// The subject did not do what the step says.
    Fail(String),
}

/// First character of a rendered `Skip` or `Inconclusive`; no message contains it.
const MARK: char = '\u{1}';

/// cucumber's macros turn `Err(e)` into `panic!("{}", e)`, so only the text of an error survives: the kind travels in it.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip(reason) => write!(f, "{MARK}skip:{reason}"),
            Self::Inconclusive(reason) => write!(f, "{MARK}inconclusive:{reason}"),
            Self::Fail(reason) => f.write_str(reason),
        }
    }
}

/// An answer of the cluster that a step did not ask for says nothing about the subject.
impl From<kube::Error> for Stop {
    fn from(error: kube::Error) -> Self {
        Self::Inconclusive(format!("the cluster answered: {error}"))
    }
}

/// `derive(World)` fixes the error of World creation to anyhow's.
impl From<Stop> for cucumber::codegen::anyhow::Error {
    fn from(stop: Stop) -> Self {
        Self::msg(stop.to_string())
    }
}

impl Stop {
    /// Reads what a caught panic carried: a `Stop` thrown by [`stop`], or the text of a panic or of an error.
    pub(crate) fn from_payload(payload: Box<dyn Any + Send>) -> Self {
        let text = match payload.downcast::<Self>() {
            Ok(stop) => return *stop,
            Err(other) => match other.downcast::<String>() {
                Ok(text) => *text,
                Err(other) => match other.downcast_ref::<&'static str>() {
                    Some(text) => (*text).to_owned(),
                    None => "a panic with a payload that is not text".to_owned(),
                },
            },
        };
        match text
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once(':'))
        {
            Some(("skip", reason)) => Self::Skip(reason.to_owned()),
            Some(("inconclusive", reason)) => Self::Inconclusive(reason.to_owned()),
            _ => Self::Fail(text),
        }
    }

    /// The verdict on a scenario that ended so.
    pub(crate) fn verdict(self, location: Option<String>) -> Verdict {
        match self {
            Self::Skip(reason) => Verdict::Skipped(reason),
            Self::Inconclusive(reason) => Verdict::Inconclusive(reason),
            Self::Fail(message) => Verdict::Failed { message, location },
        }
    }
}

/// Ends the scenario from inside a step, however deep the call, without running the panic hook.
pub fn stop(why: Stop) -> ! {
    panic::resume_unwind(Box::new(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_stop_survives_its_text() {
        for stop in [
            Stop::Skip("a: b".into()),
            Stop::Inconclusive("c".into()),
            Stop::Fail("d".into()),
        ] {
            assert_eq!(Stop::from_payload(Box::new(stop.to_string())), stop);
            assert_eq!(Stop::from_payload(Box::new(stop.clone())), stop);
        }
    }
}
