//! Where two timelines differ.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Part, Timeline, waits};

/// The first difference of one set's timelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The set.
    pub set: String,
    /// Where: an object and the number of its event, or which two events.
    pub at: String,
    /// What the one shows.
    pub one: String,
    /// What the other shows.
    pub other: String,
}

/// The first difference of each set, by name.
pub fn compare(one: &[Timeline], other: &[Timeline]) -> Vec<Difference> {
    let by_name = |all: &'_ [Timeline]| -> BTreeMap<String, Timeline> {
        let each = all.iter();
        each.map(|timeline| (timeline.set.clone(), timeline.clone()))
            .collect()
    };
    let (ones, others) = (by_name(one), by_name(other));
    let names: BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
    let first = |name: &&String| {
        let (at, one, other) = match (ones.get(*name), others.get(*name)) {
            (Some(one), Some(other)) => difference(one, other)?,
            (one, _) => {
                let sides = ["it is there", "there is none"].map(str::to_owned);
                let [there, none] = sides;
                match one {
                    Some(_) => ("the set".to_owned(), there, none),
                    None => ("the set".to_owned(), none, there),
                }
            }
        };
        Some(Difference {
            set: (*name).clone(),
            at,
            one,
            other,
        })
    };
    names.iter().filter_map(first).collect()
}

fn difference(one: &Timeline, other: &Timeline) -> Option<(String, String, String)> {
    if one.ordered != other.ordered {
        let policy = |timeline: &Timeline| timeline.policy().to_owned();
        return Some(("the policy".to_owned(), policy(one), policy(other)));
    }
    of_an_object(one, other).or_else(|| of_the_order(one, other))
}

/// The events of each object, in order.
fn chains(timeline: &Timeline) -> BTreeMap<&Part, Vec<&Event>> {
    let mut chains: BTreeMap<&Part, Vec<&Event>> = BTreeMap::new();
    for event in &timeline.events {
        chains.entry(&event.part).or_default().push(event);
    }
    chains
}

fn of_an_object(one: &Timeline, other: &Timeline) -> Option<(String, String, String)> {
    let (ones, others) = (chains(one), chains(other));
    let parts: BTreeSet<&&Part> = ones.keys().chain(others.keys()).collect();
    parts.into_iter().find_map(|part| {
        let none = Vec::new();
        let (one, other) = (
            ones.get(*part).unwrap_or(&none),
            others.get(*part).unwrap_or(&none),
        );
        let place = (0..one.len().max(other.len())).find(|place| {
            one.get(*place).map(|event| &event.what) != other.get(*place).map(|event| &event.what)
        })?;
        let told = |chain: &[&Event]| {
            let from = place.saturating_sub(1);
            let some: Vec<String> = (chain.iter().skip(from).take(place + 2 - from))
                .map(|event| event.what.to_string())
                .collect();
            match chain.len() > place {
                true => some.join(", "),
                false => format!("{} and nothing more", some.join(", ")),
            }
        };
        Some((
            format!("{part}, event {}", place + 1),
            told(one),
            told(other),
        ))
    })
}

/// Two events that both have, of which one has to wait for the other, and that come in another order.
fn of_the_order(one: &Timeline, other: &Timeline) -> Option<(String, String, String)> {
    let mut places: BTreeMap<(&Part, usize), usize> = BTreeMap::new();
    let mut counts: BTreeMap<&Part, usize> = BTreeMap::new();
    let mut count = |part| {
        let count = counts.entry(part).or_default();
        *count += 1;
        *count
    };
    for (place, event) in other.events.iter().enumerate() {
        places.insert((&event.part, count(&event.part)), place);
    }
    let mut counts: BTreeMap<&Part, usize> = BTreeMap::new();
    let there: Vec<usize> = (one.events.iter())
        .filter_map(|event| {
            let count = counts.entry(&event.part).or_default();
            *count += 1;
            places.get(&(&event.part, *count)).copied()
        })
        .collect();
    for (later, event) in one.events.iter().enumerate() {
        for (earlier, first) in one.events[..later].iter().enumerate() {
            let is_turned = there.get(earlier) > there.get(later);
            if is_turned && waits(one, first, event) {
                let at = format!(
                    "{} {} and {} {}",
                    first.part, first.what, event.part, event.what
                );
                return Some((
                    at,
                    "in this order".to_owned(),
                    "the other way round".to_owned(),
                ));
            }
        }
    }
    None
}
