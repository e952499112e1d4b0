//! Timelines in lines: a set's name and policy, and under it each object with what became of it.

use std::{fmt, str::FromStr};

use super::{By, Event, Part, Timeline, What};

/// A line that is none of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?} is no line of a timeline")]
pub struct Unreadable {
    /// Its number, from 1 on.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl Timeline {
    pub(super) fn policy(&self) -> &'static str {
        match self.ordered {
            true => "OrderedReady",
            false => "Parallel",
        }
    }

    /// Reads the timelines that [`fmt::Display`] has written one after the other. `first` is the number of the first
    /// line.
    ///
    /// # Errors
    ///
    /// A line that says nothing.
    pub fn read(lines: &[&str], first: usize) -> Result<Vec<Self>, Unreadable> {
        let mut timelines: Vec<Self> = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let unreadable = || Unreadable {
                line: first + number,
                text: (*line).to_owned(),
            };
            match (line.strip_prefix("    "), timelines.last_mut()) {
                (Some(rest), Some(timeline)) => {
                    let name = timeline.set.split(' ').next().unwrap_or_default();
                    let events = events(name, rest).ok_or_else(unreadable)?;
                    timeline.events.extend(events);
                }
                _ => {
                    let (set, policy) = line.trim().rsplit_once(", ").ok_or_else(unreadable)?;
                    timelines.push(Self {
                        set: set.to_owned(),
                        ordered: policy == "OrderedReady",
                        events: Vec::new(),
                    });
                }
            }
        }
        Ok(timelines)
    }
}

/// `pod web-0: created from 1, Ready`.
fn events(set: &str, line: &str) -> Option<Vec<Event>> {
    let (part, whats) = line.split_once(": ")?;
    let part = match part.split_once(' ') {
        None if part == "set" => Part::Set,
        None if part == "status" => Part::Status,
        Some(("revision", number)) => Part::Revision(number.parse().ok()?),
        Some(("claim", name)) => Part::Claim(name.to_owned()),
        Some(("pod", name)) => Part::pod(set, name),
        _ => return None,
    };
    let each = whats.split(", ").map(|what| {
        Some(Event {
            part: part.clone(),
            what: what.parse().ok()?,
        })
    });
    each.collect()
}

impl fmt::Display for Timeline {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "  {}, {}", self.set, self.policy())?;
        let mut last = None;
        for event in &self.events {
            match last == Some(&event.part) {
                true => write!(out, ", {}", event.what)?,
                false => write!(out, "\n    {}: {}", event.part, event.what)?,
            }
            last = Some(&event.part);
        }
        writeln!(out)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set => out.write_str("set"),
            Self::Status => out.write_str("status"),
            Self::Revision(number) => write!(out, "revision {number}"),
            Self::Claim(name) => write!(out, "claim {name}"),
            Self::Pod(_, name) => write!(out, "pod {name}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreatedFrom(revision) => write!(out, "created from {revision}"),
            Self::Spec(generation) => write!(out, "spec {generation}"),
            Self::Names(current, update) => write!(out, "current {current} update {update}"),
            Self::WasThere => out.write_str("was there"),
            Self::Created => out.write_str("created"),
            Self::Adopted => out.write_str("adopted"),
            Self::Released => out.write_str("released"),
            Self::Ready => out.write_str("Ready"),
            Self::NotReady => out.write_str("not Ready"),
            Self::Ended => out.write_str("ended"),
            Self::Deleted(By::Controller) => out.write_str("deleted by the controller"),
            Self::Deleted(By::Ended) => out.write_str("deleted as it had ended"),
            Self::Deleted(By::Disruption) => out.write_str("evicted"),
            Self::Deleted(By::Others) => out.write_str("deleted"),
            Self::Gone => out.write_str("gone"),
        }
    }
}

impl FromStr for What {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        const PLAIN: [What; 11] = [
            What::WasThere,
            What::Created,
            What::Adopted,
            What::Released,
            What::Ready,
            What::NotReady,
            What::Ended,
            What::Deleted(By::Controller),
            What::Deleted(By::Ended),
            What::Deleted(By::Disruption),
            What::Deleted(By::Others),
        ];
        let plain = PLAIN.into_iter().chain([Self::Gone]);
        if let Some(what) = plain.into_iter().find(|what| what.to_string() == text) {
            return Ok(what);
        }
        let number = |text: &str| text.parse().map_err(drop);
        let (words, last) = text.rsplit_once(' ').ok_or(())?;
        match words.split(' ').collect::<Vec<_>>()[..] {
            ["created", "from"] => Ok(Self::CreatedFrom(number(last)?)),
            ["spec"] => Ok(Self::Spec(last.parse().map_err(drop)?)),
            ["current", current, "update"] => Ok(Self::Names(number(current)?, number(last)?)),
            _ => Err(()),
        }
    }
}
