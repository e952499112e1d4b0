//! Ordinary writes, noted in the entries as they are written: most writes touch one entry and leave what it owns as it
//! was, so nothing is read and written anew that stays the same.

use serde_json::{Map, Value};

use super::{
    managers::{self, Entry, Id},
    path::Element,
    set::Set,
};

/// What a write does to who owns what.
pub(super) struct Write<'a> {
    /// Who writes, and how.
    pub(super) id: &'a Id,
    /// The API version of the object.
    pub(super) version: &'a str,
    /// Paths that are the writer's from now on, and those of them that are kept account of.
    pub(super) taken: &'a Set,
    pub(super) owned: &'a Set,
    /// Paths that are nobody's from now on.
    pub(super) removed: &'a Set,
    /// When it is, where it is told.
    pub(super) time: Option<&'a str>,
}

impl Write<'_> {
    /// The entries after the write, in their order; `None` if one of them cannot be read.
    pub(super) fn note(&self, entries: Vec<Value>) -> Option<Vec<Value>> {
        let mut noted = Vec::with_capacity(entries.len() + 1);
        let mut own = false;
        for entry in entries {
            let is_own = managers::id_of(&entry)? == *self.id && !self.owned.is_empty();
            own |= is_own;
            noted.extend(match is_own {
                true => Some(self.of_the_writer(entry)?),
                false => self.of_another(entry)?,
            });
        }
        if !own && !self.owned.is_empty() {
            let entry = Entry {
                set: self.owned.clone(),
                version: self.version.to_owned(),
                time: self.time.map(str::to_owned),
            };
            noted.push(managers::encode(self.id, &entry));
        }
        noted.sort_by(|one, other| managers::order(one).cmp(&managers::order(other)));
        Some(noted)
    }

    /// An entry that loses what was taken and removed; absent when nothing is left. The outer `None`: it cannot be read.
    fn of_another(&self, entry: Value) -> Option<Option<Value>> {
        let fields = &entry["fieldsV1"];
        if !touches(fields, self.taken) && !touches(fields, self.removed) {
            return Some(Some(entry));
        }
        let (id, mut entry) = managers::read(&entry)?;
        entry.set.subtract(self.taken);
        entry.set.subtract(self.removed);
        Some((!entry.set.is_empty()).then(|| managers::encode(&id, &entry)))
    }

    fn of_the_writer(&self, mut entry: Value) -> Option<Value> {
        let fields = &entry["fieldsV1"];
        let same = self.owned == self.taken && has(fields, self.owned);
        if same && !touches(fields, self.removed) {
            entry["apiVersion"] = self.version.into();
            match (self.time, entry.as_object_mut()) {
                (Some(time), _) => entry["time"] = time.into(),
                (None, entry) => drop(entry?.remove("time")),
            }
            return Some(entry);
        }
        let (_, mut entry) = managers::read(&entry)?;
        entry.set.subtract(self.taken);
        entry.set.subtract(self.removed);
        entry.set = entry.set.union(self.owned);
        self.version.clone_into(&mut entry.version);
        entry.time = self.time.map(str::to_owned);
        Some(managers::encode(self.id, &entry))
    }
}

fn at<'a>(fields: &'a Map<String, Value>, element: &Element) -> Option<&'a Value> {
    fields.get(element.encode().as_str())
}

/// A step is a path of its own, not only on the way to others.
fn ends(fields: &Value) -> bool {
    let fields = fields.as_object();
    fields.is_none_or(|fields| fields.is_empty() || fields.contains_key("."))
}

/// Whether `fieldsV1` have any of these paths.
fn touches(fields: &Value, paths: &Set) -> bool {
    fields.as_object().is_some_and(|fields| {
        let member = |element: &Element| at(fields, element).is_some_and(ends);
        paths.members.iter().any(member)
            || (paths.children.iter()).any(|(element, below)| {
                at(fields, element).is_some_and(|fields| touches(fields, below))
            })
    })
}

/// Whether `fieldsV1` have all of these paths.
fn has(fields: &Value, paths: &Set) -> bool {
    fields.as_object().is_some_and(|fields| {
        let member = |element: &Element| at(fields, element).is_some_and(ends);
        paths.members.iter().all(member)
            && (paths.children.iter()).all(|(element, below)| {
                at(fields, element).is_some_and(|fields| has(fields, below))
            })
    })
}
