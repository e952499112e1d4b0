//! Reads: one object, and lists in pages, as they are or were.

use http::Response;
use serde_json::{Value, json};

use super::{Call, Done};
use crate::mini::{
    api::{
        Cause, Status,
        http::{answer, query::Query},
        selector::{Fields, Labels},
        server::State,
        store::{Key, Object, Transaction, key_of},
    },
    kubelet::Body,
};

/// The object that the path names.
///
/// # Errors
///
/// 404 if there is none.
pub(crate) fn get(state: &State, call: &Call) -> Result<Done, Status> {
    let target = &call.target;
    let tx = state.store.begin(false);
    reached(&tx, call.query.text("resourceVersion"))?;
    let (resource, name) = (target.resource, target.name());
    match tx.get(resource, target.namespace(), name) {
        Some(object) => Ok(Done::new(200, object)),
        None => Err(Status::not_found(resource.group, resource.plural, name)),
    }
}

/// Which objects of a collection are asked for.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    labels: Labels,
    fields: Fields,
}

impl Selection {
    pub(super) fn of(call: &Call) -> Result<Self, Status> {
        let text = |name: &str| call.query.text(name);
        Ok(Self {
            labels: Labels::parse(text("labelSelector"))?,
            fields: Fields::parse(call.target.resource.group_kind, text("fieldSelector"))?,
        })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.fields.matches(object) && self.labels.matches(object)
    }

    fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

pub(super) fn list(state: &State, call: &Call) -> Result<Response<Body>, Status> {
    let selection = Selection::of(call)?;
    let tx = state.store.begin(false);
    let page = page(&tx, call, &selection)?;
    drop(tx);
    let (resource, now) = (call.target.resource, state.clock.now());
    Ok(answer::list(
        resource,
        call.shape,
        now,
        page.metadata,
        &page.items,
    ))
}

struct Page {
    metadata: Value,
    items: Vec<Object>,
}

fn page(tx: &Transaction<'_>, call: &Call, selection: &Selection) -> Result<Page, Status> {
    faults(&call.query)?;
    let target = &call.target;
    let namespace = target.namespace.as_deref();
    let from = match call.query.text("continue") {
        "" => None,
        token => Some(Token::parse(token)?),
    };
    let asked = call.query.text("resourceVersion");
    let exact = call.query.text("resourceVersionMatch") == "Exact";
    let version = match &from {
        Some(token) => token.version,
        None if exact => self::version(asked)?,
        None => {
            reached(tx, asked)?;
            tx.version()
        }
    };
    if version > tx.version() {
        return Err(too_large(version, tx.version()));
    }
    let all = tx.list_at(target.resource, namespace, version).map_err(|_| match from {
        Some(_) => Status::gone(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
        ),
        None => Status::gone("The resourceVersion for the provided list is too old."),
    })?;
    let after = from.map(|token| token.after);
    let mut items = all
        .into_iter()
        .filter(|object| after.as_ref().is_none_or(|after| key_of(object) > *after))
        .filter(|object| selection.matches(object));
    let mut metadata = json!({"resourceVersion": version.to_string()});
    // A list from any version is whole: real servers have it in their cache.
    let whole = asked == "0" && !exact;
    let limit = parameter(&call.query, "limit")?.filter(|limit| *limit > 0 && !whole);
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return Ok(Page {
            metadata,
            items: items.collect(),
        });
    };
    let taken: Vec<_> = items.by_ref().take(limit).collect();
    let remaining = items.count();
    if let (Some(last), true) = (taken.last(), remaining > 0) {
        let token = Token {
            version,
            after: key_of(last),
        };
        metadata["continue"] = token.to_string().into();
        if selection.is_everything() {
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    Ok(Page {
        metadata,
        items: taken,
    })
}

fn faults(query: &Query) -> Result<(), Status> {
    let mut causes = Vec::new();
    let field = "resourceVersionMatch";
    let (matching, version) = (query.text(field), query.text("resourceVersion"));
    if !matching.is_empty() {
        if version.is_empty() {
            let text = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden(field, text));
        }
        if !query.text("continue").is_empty() {
            let text = "resourceVersionMatch is forbidden when continue is provided";
            causes.push(Cause::forbidden(field, text));
        }
        let known = ["Exact", "NotOlderThan", ""];
        if !known.contains(&matching) {
            causes.push(Cause::not_supported(field, &matching.into(), &known));
        }
        if matching == "Exact" && version == "0" {
            let text = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            causes.push(Cause::forbidden(field, text));
        }
    }
    if query.get("sendInitialEvents").is_some() {
        let text = "sendInitialEvents is forbidden for list";
        causes.push(Cause::forbidden("sendInitialEvents", text));
    }
    match causes.is_empty() {
        true => Ok(()),
        false => Err(Status::invalid("meta.k8s.io", "ListOptions", "", &causes)),
    }
}

/// A version as a number.
///
/// # Errors
///
/// What a version is that is none.
pub(super) fn number(version: &str) -> Result<u64, String> {
    let fault = |_| {
        format!(
            "resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
        )
    };
    version.parse().map_err(fault)
}

fn version(text: &str) -> Result<u64, Status> {
    number(text).map_err(|fault| Status::bad_request(format!("invalid resource version: {fault}")))
}

/// A parameter that is a number.
///
/// # Errors
///
/// 400 if it is none.
pub(super) fn parameter(query: &Query, name: &str) -> Result<Option<u64>, Status> {
    match query.text(name) {
        "" => Ok(None),
        text => text
            .parse::<i64>()
            .map(|number| u64::try_from(number).ok())
            .map_err(|_| {
                Status::bad_request(format!(
                    "strconv.ParseInt: parsing {text:?}: invalid syntax"
                ))
            }),
    }
}

/// The store is at least as new as the client knows; an absent version and 0 ask for nothing.
fn reached(tx: &Transaction<'_>, version: &str) -> Result<(), Status> {
    match version {
        "" | "0" => Ok(()),
        text => match self::version(text)? {
            version if version > tx.version() => Err(too_large(version, tx.version())),
            _ => Ok(()),
        },
    }
}

/// The refusal of a version that does not exist yet.
pub(super) fn too_large(version: u64, current: u64) -> Status {
    let message = format!("Timeout: Too large resource version: {version}, current: {current}");
    let mut status = Status::new(504, "Timeout", message);
    status.details = Some(json!({
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }));
    status
}

/// Where the next page begins.
struct Token {
    version: u64,
    after: Key,
}

impl Token {
    fn parse(text: &str) -> Result<Self, Status> {
        let parts = text.split_once(':').and_then(|(version, key)| {
            let (namespace, name) = key.split_once('/')?;
            Some((version.parse().ok()?, Key::new(namespace, name)))
        });
        let (version, after) = parts.ok_or_else(|| {
            Status::bad_request("invalid continue token: continue key is not valid: it was not given by this server")
        })?;
        Ok(Self { version, after })
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Key { namespace, name } = &self.after;
        write!(out, "{}:{namespace}/{name}", self.version)
    }
}
