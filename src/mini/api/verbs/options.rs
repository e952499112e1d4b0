//! The parameters of writes.

use jiff::Timestamp;

use super::Call;
use crate::mini::api::{Cause, Status, meta, server::State};

/// What happens to fields that a kind does not have, or that are there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    /// They are dropped.
    Ignore,
    /// They are dropped with a warning.
    Warn,
    /// They are refused.
    Strict,
}

/// How something is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Everything is checked and nothing is written.
    pub(crate) dry_run: bool,
    pub(crate) validation: Validation,
    /// Who will manage the fields that change.
    pub(crate) manager: String,
    pub(crate) now: Timestamp,
}

impl Options {
    /// Reads the parameters. `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
    ///
    /// # Errors
    ///
    /// 422 for values that no server knows.
    pub(crate) fn of(state: &State, call: &Call, kind: &str) -> Result<Self, Status> {
        let mut causes = dry_run_faults(&call.query.all("dryRun"));
        let manager = call.query.text("fieldManager");
        if manager.len() > 128 {
            causes.push(Cause::too_long("fieldManager", 128));
        }
        let validation = match call.query.text("fieldValidation") {
            "" | "Warn" => Validation::Warn,
            "Ignore" => Validation::Ignore,
            "Strict" => Validation::Strict,
            other => {
                let allowed = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported(
                    "fieldValidation",
                    &other.into(),
                    &allowed,
                ));
                Validation::Warn
            }
        };
        if !causes.is_empty() {
            return Err(Status::invalid("meta.k8s.io", kind, "", &causes));
        }
        Ok(Self {
            dry_run: call.query.get("dryRun").is_some(),
            validation,
            manager: match manager {
                "" => manager_of(&call.agent),
                _ => manager.to_owned(),
            },
            now: state.clock.now(),
        })
    }

    /// The time as objects carry it.
    pub(crate) fn stamp(&self) -> String {
        meta::stamp(self.now)
    }
}

/// Only `All` can be run dry.
pub(crate) fn dry_run_faults(values: &[&str]) -> Vec<Cause> {
    if values.iter().all(|value| *value == "All") {
        return Vec::new();
    }
    let printed: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
    let printed = format!("[{}]", printed.join(","));
    vec![Cause {
        reason: "FieldValueNotSupported",
        field: "dryRun".to_owned(),
        message: format!("Unsupported value: {printed}: supported values: \"All\""),
    }]
}

/// The program's name in a user agent.
fn manager_of(agent: &str) -> String {
    let name = agent.split('/').next().unwrap_or_default();
    let printable = name.chars().filter(|c| !c.is_control());
    match printable.take(128).collect::<String>() {
        name if name.is_empty() => "unknown".to_owned(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_the_program_in_the_user_agent() {
        assert_eq!(
            manager_of("kubectl/v1.37.0 (linux/amd64) kubernetes/abc"),
            "kubectl"
        );
        assert_eq!(manager_of(""), "unknown");
    }

    #[test]
    fn only_all_can_be_run_dry() {
        assert!(dry_run_faults(&["All"]).is_empty());
        assert_eq!(
            dry_run_faults(&["yes"])[0].message,
            "Unsupported value: [\"yes\"]: supported values: \"All\""
        );
    }
}
