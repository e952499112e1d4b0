//! The kinds of words that sentences are made of.

use std::str::FromStr;

use crate::{
    evidence::Kind,
    sets::{ordinal_of, pod_name},
};

/// Names in quotes: one, a list, or a range of ordinals: `"web-0"`, `"web-0" and "web-2"`, `"web-0" to "web-2"`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "names", regex = r#""[^"]+"(?:(?:, | and | to )"[^"]+")*"#)]
pub struct Names(pub Vec<String>);

/// A text that is not a list of names.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is not a list of quoted names; write \"web-0\", \"web-1\" and \"web-2\", or \"web-0\" to \"web-2\""
)]
pub struct NotNames(String);

impl FromStr for Names {
    type Err = NotNames;

    fn from_str(text: &str) -> Result<Self, NotNames> {
        let refuse = || NotNames(text.to_owned());
        let parts: Vec<&str> = text.split('"').collect();
        let mut names: Vec<String> = Vec::new();
        // Odd parts are names, even ones what stands between them.
        for pair in parts.chunks(2) {
            let [between, name] = pair else { continue };
            if *between == " to " {
                let first = names.pop().ok_or_else(refuse)?;
                names.extend(range(&first, name).ok_or_else(refuse)?);
            } else {
                names.push((*name).to_owned());
            }
        }
        Ok(Self(names))
    }
}

fn range(first: &str, last: &str) -> Option<Vec<String>> {
    let set = set_of(first);
    let (from, to) = (ordinal_of(set, first)?, ordinal_of(set, last)?);
    let up = from.min(to)..=from.max(to);
    let names = up.map(|ordinal| pod_name(set, ordinal));
    Some(if from <= to {
        names.collect()
    } else {
        names.rev().collect()
    })
}

/// The set in a pod's name: what stands before its last dash.
pub fn set_of(pod: &str) -> &str {
    pod.rsplit_once('-').map_or(pod, |(set, _)| set)
}

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "state", regex = "Pending|Running|Ready|not Ready|Failed")]
pub enum State {
    /// Phase Pending.
    Pending,
    /// Phase Running.
    Running,
    /// Running and Ready.
    Ready,
    /// There, and not Ready.
    NotReady,
    /// Phase Failed.
    Failed,
}

/// A word for no state.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no word for the state of a pod, the part of one, or the field of a set")]
pub struct NotAWord(String);

impl FromStr for State {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        Ok(match text {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Ready" => Self::Ready,
            "not Ready" => Self::NotReady,
            "Failed" => Self::Failed,
            other => return Err(NotAWord(other.to_owned())),
        })
    }
}

/// A kind that sentences speak of, in the singular or plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "kind", regex = "pods?|claims?|set")]
pub struct Noun(pub Kind);

impl FromStr for Noun {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "claim" | "claims" => Kind::Claim,
            "set" => Kind::Set,
            _ => Kind::Pod,
        }))
    }
}

/// What two pods may have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "aspect",
    regex = "host name|subdomain|labels|owner|claims|UID|address|template|node"
)]
pub enum Aspect {
    /// `spec.hostname`.
    HostName,
    /// `spec.subdomain`.
    Subdomain,
    /// All labels.
    Labels,
    /// The controller among its owners.
    Owner,
    /// The claims it uses, by name.
    Claims,
    /// Its UID.
    Uid,
    /// Its IP address.
    Address,
    /// Its containers.
    Template,
    /// Where it runs.
    Node,
}

impl FromStr for Aspect {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        Ok(match text {
            "host name" => Self::HostName,
            "subdomain" => Self::Subdomain,
            "labels" => Self::Labels,
            "owner" => Self::Owner,
            "claims" => Self::Claims,
            "UID" => Self::Uid,
            "address" => Self::Address,
            "template" => Self::Template,
            "node" => Self::Node,
            other => return Err(NotAWord(other.to_owned())),
        })
    }
}

/// A field of a set that has one plain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "attribute",
    regex = "pod management policy|update strategy|service name|first ordinal|claim retention when deleted|claim retention when scaled|number of pods that may be unavailable|number of seconds until a pod is available"
)]
pub enum Attribute {
    /// `spec.podManagementPolicy`.
    Policy,
    /// `spec.updateStrategy.type`.
    Strategy,
    /// `spec.serviceName`.
    ServiceName,
    /// `spec.ordinals.start`.
    Start,
    /// `spec.persistentVolumeClaimRetentionPolicy.whenDeleted`.
    WhenDeleted,
    /// `spec.persistentVolumeClaimRetentionPolicy.whenScaled`.
    WhenScaled,
    /// `spec.updateStrategy.rollingUpdate.maxUnavailable`.
    MaxUnavailable,
    /// `spec.minReadySeconds`.
    MinReadySeconds,
}

impl FromStr for Attribute {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        Ok(match text {
            "pod management policy" => Self::Policy,
            "update strategy" => Self::Strategy,
            "service name" => Self::ServiceName,
            "first ordinal" => Self::Start,
            "claim retention when deleted" => Self::WhenDeleted,
            "claim retention when scaled" => Self::WhenScaled,
            "number of pods that may be unavailable" => Self::MaxUnavailable,
            "number of seconds until a pod is available" => Self::MinReadySeconds,
            other => return Err(NotAWord(other.to_owned())),
        })
    }
}

/// The end of a sentence that may name a revision: nothing, or ` at revision "blue"`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "at_revision", regex = r#"|(?: at revision "[^"]*")"#)]
pub struct AtRevision(pub Option<String>);

impl FromStr for AtRevision {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split('"').nth(1).map(str::to_owned)))
    }
}

/// A value: a word, a number, or any text in quotes.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "value", regex = r#""[^"]*"|\S+"#)]
pub struct Quoted(pub String);

impl FromStr for Quoted {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        Ok(Self(inner.unwrap_or(text).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lists_and_ranges() {
        let cases: [(&str, &[&str]); 5] = [
            (r#""web-0""#, &["web-0"]),
            (r#""web-0" and "web-2""#, &["web-0", "web-2"]),
            (r#""a-0", "b-1" and "c-2""#, &["a-0", "b-1", "c-2"]),
            (r#""web-1" to "web-3""#, &["web-1", "web-2", "web-3"]),
            (r#""web-2" to "web-0""#, &["web-2", "web-1", "web-0"]),
        ];
        for (text, names) in cases {
            assert_eq!(text.parse::<Names>().expect(text).0, names, "{text}");
        }
        assert!(r#""web" to "web-2""#.parse::<Names>().is_err());
    }
}
