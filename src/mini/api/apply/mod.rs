//! Server-side apply and who manages which field.
//!
//! A manager owns the fields that it applied, and those that its other writes changed. Applying a value that another one
//! owns is a conflict; a field that its only owner applies no longer is removed.

mod compare;
mod entries;
mod fields;
mod managers;
mod merge;
mod path;
mod set;
mod shape;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Cause, Status, strict};
use compare::{Comparison, compare};
use managers::{Id, Managers};
use set::Set;
use shape::Shape;

/// kubectl's own record of what it applied, from before servers kept one.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Who owns what was there before anybody's fields were tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The kind, the version and the shape of an object.
struct Kind {
    name: String,
    version: String,
    shape: Shape,
}

impl Kind {
    fn of(object: &Value) -> Self {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let name = match version.split_once('/') {
            Some((group, _)) => format!("{group}/{kind}"),
            None => kind.to_owned(),
        };
        Self {
            shape: Shape::of_kind(&name),
            version: version.to_owned(),
            name,
        }
    }

    /// What a write through this subresource cannot change, and so does not own.
    fn ignored(&self, subresource: &str) -> &'static Set {
        static NOTHING: LazyLock<Set> = LazyLock::new(Set::default);
        static STATUS: LazyLock<Set> = LazyLock::new(|| set::of_fields(&[&["status"]]));
        static SPEC: LazyLock<Set> = LazyLock::new(|| set::of_fields(&[&["spec"]]));
        static OF_A_POD: LazyLock<Set> = LazyLock::new(|| {
            set::of_fields(&[
                &["spec"],
                &["metadata", "deletionTimestamp"],
                &["metadata", "ownerReferences"],
            ])
        });
        static OF_A_DEPLOYMENT: LazyLock<Set> =
            LazyLock::new(|| set::of_fields(&[&["spec"], &["metadata", "labels"]]));
        let has_status = match self.shape {
            Shape::Struct(known) => known.field("status").is_some(),
            _ => false,
        };
        match (subresource, self.name.as_str()) {
            _ if !has_status => &NOTHING,
            ("", _) => &STATUS,
            ("status", "Pod") => &OF_A_POD,
            ("status", "apps/Deployment") => &OF_A_DEPLOYMENT,
            ("status", _) => &SPEC,
            _ => &NOTHING,
        }
    }

    /// The object before it exists: only what is always written.
    fn nothing(&self, like: &Value) -> Value {
        let bare = json!({"apiVersion": like["apiVersion"], "kind": like["kind"], "metadata": {}});
        strict::check(&self.name, bare).map_or(Value::Null, |(zero, _)| zero)
    }
}

/// Metadata that nobody owns.
static UNTRACKED: LazyLock<Set> = LazyLock::new(|| {
    set::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

fn without_managers(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// The object that results from applying `applied` for `manager`, without defaults for what is new.
///
/// `now` is RFC 3339 with whole seconds. If nothing changes, the result equals the live object.
///
/// # Errors
///
/// 409 with one cause per field that another manager has set to another value, unless `force`; 400 for another kind or
/// with managedFields, 500 for unknown fields or list items with missing or equal keys, as real servers answer.
pub fn apply(
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
    subresource: &str,
    now: &str,
) -> Result<Value, Status> {
    let kind = Kind::of(live.unwrap_or(applied));
    check(&kind, live, applied)?;
    let old = live.map_or_else(|| kind.nothing(applied), without_managers);
    let mut managers = live.map(Managers::of).unwrap_or_default();
    if managers.is_empty() && live.is_some() {
        let change = compare(kind.shape, &kind.nothing(applied), &old);
        let id = Id::new(BEFORE_FIRST_APPLY, "Update", &kind.version, subresource);
        own(&mut managers, id, change.taken(), &kind, subresource, now);
    }
    let id = Id::new(manager, "Apply", &kind.version, subresource);
    let request = Request {
        kind: &kind,
        old: &old,
        applied,
        id: &id,
        ignored: kind.ignored(subresource),
    };
    let (mut new, mut managers) = match request.apply(managers.clone(), force) {
        Ok(done) => done,
        Err(conflicts) if manager == "kubectl" => {
            let conflicts = Conflicts::except(conflicts, &last_applied(&kind, &old));
            match conflicts.0.is_empty() {
                true => request
                    .apply(managers, true)
                    .map_err(|conflicts| conflicts.refusal())?,
                false => return Err(conflicts.refusal()),
            }
        }
        Err(conflicts) => return Err(conflicts.refusal()),
    };
    if new != old
        && let Some(entry) = managers.0.get_mut(&id)
    {
        entry.time = Some(now.to_owned());
    }
    if manager == "kubectl" {
        remember_applied(&mut new, applied);
    }
    let (mut new, _) = strict::check(&kind.name, new).map_err(|text| {
        Status::new(
            500,
            "",
            format!("failed to convert new typed object: {text}"),
        )
    })?;
    managers.write(&mut new);
    Ok(live.map_or(new.clone(), |live| with_old_times(live, new)))
}

/// Times alone are no change.
fn with_old_times(live: &Value, new: Value) -> Value {
    let timeless = |object: &Value| {
        let mut managers = Managers::of(object);
        managers.0.values_mut().for_each(|entry| entry.time = None);
        (managers, without_managers(object))
    };
    if timeless(live) == timeless(&new) {
        live.clone()
    } else {
        new
    }
}

fn check(kind: &Kind, live: Option<&Value>, applied: &Value) -> Result<(), Status> {
    let text = |object: &Value, field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let given = Kind::of(applied);
    if live.is_some() && (given.name != kind.name || given.version != kind.version) {
        let version = match given.version.is_empty() {
            true => "/".to_owned(),
            false => given.version.clone(),
        };
        return Err(Status::bad_request(format!(
            "invalid object type: {version}, Kind={}",
            text(applied, "kind")
        )));
    }
    if !applied["metadata"]["managedFields"].is_null() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let faults = fields::faults(kind.shape, applied);
    let faults = match faults.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("errors:\n  {}", many.join("\n  ")),
    };
    let metadata = &applied["metadata"];
    let namespace = text(metadata, "namespace");
    Err(Status::new(
        500,
        "",
        format!(
            "failed to create typed patch object ({namespace}/{}; {}, Kind={}): {faults}",
            text(metadata, "name"),
            kind.version,
            text(applied, "kind"),
        ),
    ))
}

/// One configuration that is applied to one object.
struct Request<'a> {
    kind: &'a Kind,
    old: &'a Value,
    applied: &'a Value,
    id: &'a Id,
    ignored: &'static Set,
}

impl Request<'_> {
    fn apply(&self, mut managers: Managers, force: bool) -> Result<(Value, Managers), Conflicts> {
        let shape = self.kind.shape;
        let merged = merge::merge(shape, Some(self.old), Some(self.applied));
        let merged = merged.unwrap_or(Value::Null);
        let owned = fields::of(shape, self.applied).outside(self.ignored);
        let before = managers.0.remove(self.id);
        let mut entry = managers::Entry {
            set: owned,
            version: self.kind.version.clone(),
            time: before.as_ref().and_then(|before| before.time.clone()),
        };
        let new = match &before {
            Some(before) => self.prune(&merged, &before.set, &managers, &entry.set),
            None => merged,
        };
        let change = compare(shape, self.old, &new).outside(self.ignored);
        let taken = change.taken();
        let conflicts = Conflicts::of(&managers, &taken);
        if !force && !conflicts.0.is_empty() {
            return Err(conflicts);
        }
        managers.take(&taken, None);
        managers.take(&change.removed, None);
        entry.set = entry.set.difference(&UNTRACKED);
        if !entry.set.is_empty() {
            managers.0.insert(self.id.clone(), entry);
        }
        Ok((new, managers))
    }

    /// Removes what this manager applied last time and does not apply now, unless another manager owns it.
    fn prune(&self, merged: &Value, last: &Set, others: &Managers, owned: &Set) -> Value {
        let shape = self.kind.shape;
        let named = |set: &Set| fields::with_named(set, shape);
        let last = named(last);
        let mut managed = owned.clone();
        for entry in others.0.values() {
            managed = managed.union(&entry.set);
        }
        let all = named(&fields::of(shape, merged));
        let left = |value: &Value| named(&fields::of(shape, value));
        // What somebody owns comes back ...
        let pruned = merge::remove(shape, merged, &last);
        let kept = left(&pruned).union(&named(&managed));
        let pruned = merge::remove(shape, merged, &all.difference(&kept));
        // ... and what this manager never owned does, too.
        let doomed = all.difference(&left(&pruned)).intersection(&last);
        merge::remove(shape, merged, &doomed)
    }
}

/// The paths that others own, by owner.
struct Conflicts(Vec<(Id, path::Path)>);

impl Conflicts {
    fn of(managers: &Managers, taken: &Set) -> Self {
        let conflicts = managers.0.iter().flat_map(|(id, entry)| {
            let paths = entry.set.intersection(taken).paths();
            paths.into_iter().map(|path| (id.clone(), path))
        });
        Self(conflicts.collect())
    }

    fn except(self, allowed: &Set) -> Self {
        let rest = self.0.into_iter().filter(|(_, path)| !allowed.has(path));
        Self(rest.collect())
    }

    fn refusal(&self) -> Status {
        let causes: Vec<_> = self
            .0
            .iter()
            .map(|(id, path)| Cause {
                reason: "FieldManagerConflict",
                field: path::display(path),
                message: format!("conflict with {}", id.says()),
            })
            .collect();
        let message = match self.0.as_slice() {
            [(id, path)] => format!(
                "Apply failed with 1 conflict: conflict with {}: {}",
                id.says(),
                path::display(path)
            ),
            many => {
                let mut lines = Vec::new();
                for (at, (id, path)) in many.iter().enumerate() {
                    if at == 0 || many[at - 1].0 != *id {
                        lines.push(format!("conflicts with {}:", id.says()));
                    }
                    lines.push(format!("- {}", path::display(path)));
                }
                format!(
                    "Apply failed with {} conflicts: {}",
                    many.len(),
                    lines.join("\n")
                )
            }
        };
        Status::apply_conflict(message, &causes)
    }
}

/// What kubectl applied on its own side and nobody has changed since: it may take that over without force.
fn last_applied(kind: &Kind, live: &Value) -> Set {
    let text = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    let Some(Ok(last)) = text.map(serde_json::from_str::<Value>) else {
        return Set::default();
    };
    if last["apiVersion"] != kind.version.as_str() {
        return Set::default();
    }
    let Comparison {
        removed,
        modified,
        added,
    } = compare(kind.shape, &last, live);
    let owned = fields::of(kind.shape, &last);
    owned
        .difference(&modified)
        .difference(&added)
        .difference(&removed)
}

/// Keeps kubectl's own record up to date where there is one.
fn remember_applied(new: &mut Value, applied: &Value) {
    let Some(record) = new
        .pointer_mut("/metadata/annotations")
        .and_then(|all| all.get_mut(LAST_APPLIED))
    else {
        return;
    };
    if record.as_str().is_none_or(str::is_empty) {
        return;
    }
    let mut applied = applied.clone();
    if let Some(Value::Object(annotations)) = applied.pointer_mut("/metadata/annotations") {
        annotations.remove(LAST_APPLIED);
    }
    *record = format!("{applied}\n").into();
}

/// Adds the paths that a change took to what a manager owns.
fn own(managers: &mut Managers, id: Id, taken: Set, kind: &Kind, subresource: &str, now: &str) {
    let mut taken = taken.outside(kind.ignored(subresource));
    taken.subtract(&UNTRACKED);
    if taken.is_empty() {
        return;
    }
    let entry = managers.0.entry(id).or_default();
    entry.set = std::mem::take(&mut entry.set).union(&taken);
    entry.version.clone_from(&kind.version);
    // Real servers forget when somebody scaled.
    entry.time = (subresource != "scale").then(|| now.to_owned());
}

/// Writes into `new` who manages which field after an ordinary write, for which `operation` is `Update`.
///
/// `new` is the object with its defaults, before admission adds to it, and with what the subresource cannot change as it
/// was. Nothing is tracked of objects whose managedFields were emptied.
pub fn track(
    old: Option<&Value>,
    new: &mut Value,
    manager: &str,
    operation: &str,
    subresource: &str,
    now: &str,
) {
    let kind = Kind::of(new);
    if let Some((before, entries)) = old.and_then(|old| Some((old, known(old, new, subresource)?)))
    {
        let change = compare(kind.shape, before, new).outside(kind.ignored(subresource));
        let taken = change.taken();
        let write = entries::Write {
            id: &Id::new(manager, operation, &kind.version, subresource),
            version: &kind.version,
            owned: &taken.difference(&UNTRACKED),
            taken: &taken,
            removed: &change.removed,
            time: Some(now),
        };
        if let Some(noted) = write.note(entries) {
            let metadata = new["metadata"].as_object_mut();
            match (metadata, noted.is_empty()) {
                (Some(metadata), true) => drop(metadata.remove("managedFields")),
                (Some(metadata), false) => {
                    metadata.insert("managedFields".to_owned(), noted.into());
                }
                (None, _) => {}
            }
            return;
        }
    }
    let sent = &new["metadata"]["managedFields"];
    let emptied = match sent {
        Value::Array(entries) => entries.is_empty() || **entries == [json!({})],
        _ => false,
    };
    let mut managers = match subresource {
        "" => Managers::of(new),
        _ => Managers::default(),
    };
    if !subresource.is_empty() || (managers.is_empty() && !emptied) {
        managers = old.map(Managers::of).unwrap_or_default();
    }
    // A scale is tracked only where somebody owned the number before, as its own object is empty otherwise.
    let untold = subresource == "scale" && !managers.own(&["spec", "replicas"]);
    if old.is_some() && (managers.is_empty() || untold) {
        return managers.write(new);
    }
    let nothing;
    let before = match old {
        Some(old) => old,
        None => {
            nothing = kind.nothing(new);
            &nothing
        }
    };
    let change = compare(kind.shape, before, new).outside(kind.ignored(subresource));
    let taken = change.taken();
    let id = Id::new(manager, operation, &kind.version, subresource);
    managers.take(&taken, None);
    managers.take(&change.removed, None);
    own(&mut managers, id, taken, &kind, subresource, now);
    managers.cap();
    managers.write(new);
}

/// The entries of the object that a write begins with, where they are those that the server wrote: the writer sends none,
/// or the same. Few enough that none have to be put together; a scale is told otherwise.
fn known(old: &Value, new: &mut Value, subresource: &str) -> Option<Vec<Value>> {
    let entries = old["metadata"]["managedFields"].as_array()?;
    let few = (1..managers::UPDATERS_MOST).contains(&entries.len());
    if !few
        || subresource == "scale"
        || entries.iter().any(|entry| managers::id_of(entry).is_none())
    {
        return None;
    }
    match new["metadata"].get_mut("managedFields") {
        Some(Value::Array(sent)) if sent == entries => Some(std::mem::take(sent)),
        None | Some(Value::Null) => Some(entries.clone()),
        Some(_) if !subresource.is_empty() => Some(entries.clone()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
