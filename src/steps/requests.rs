//! Requests whose answer is judged: what is submitted, and what the API server says to it.

use std::str::FromStr;

use cucumber::{gherkin::Step, given, then, when};
use http::Method;
use include_dir::{Dir, include_dir};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Value, json};

use super::sets::described;
use crate::{
    evidence::Kind,
    manifest,
    verdict::Stop,
    world::{Answer, Ask, Cause, Seen, World, lacks, overlay},
};

static REFUSED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/refused");

/// An object by its name, a part of it that has a path of its own, or all sets: `set "web"`, `the scale of set "web"`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "object",
    regex = r#"all sets|(?:the (?:status|scale|size|debugging) of )?(?:set|pod|claim|revision|node|Service|Deployment|PodDisruptionBudget) "[^"]*""#
)]
struct Thing {
    kind: &'static str,
    part: &'static str,
    name: String,
}

impl FromStr for Thing {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (before, name) = text
            .trim_end_matches('"')
            .split_once('"')
            .unwrap_or((text, ""));
        let word = before.trim().rsplit(' ').next().unwrap_or_default();
        let kind = match word {
            "pod" => "Pod",
            "claim" => "PersistentVolumeClaim",
            "revision" => "ControllerRevision",
            "node" => "Node",
            "Service" => "Service",
            "Deployment" => "Deployment",
            "PodDisruptionBudget" => "PodDisruptionBudget",
            _ => "StatefulSet",
        };
        let part = match before.split(' ').nth(1) {
            Some("status") => "/status",
            Some("scale") => "/scale",
            Some("size") => "/resize",
            Some("debugging") => "/ephemeralcontainers",
            _ => "",
        };
        Ok(Self {
            kind,
            part,
            name: name.to_owned(),
        })
    }
}

impl Thing {
    fn path(&self, world: &World) -> String {
        // Names of revisions are nobody's business: sentences know them by their marks.
        let marked = (self.kind == "ControllerRevision")
            .then(|| world.see(|seen| seen.revision(&world.current, &self.name)));
        let name = marked.flatten().unwrap_or_else(|| self.name.clone());
        format!("{}/{name}{}", world.path_of(self.kind), self.part)
    }
}

/// How an object is asked to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "form",
    regex = "change|merge patch|strategic merge patch|JSON patch|apply configuration|deletion|eviction"
)]
enum Form {
    /// The object as it is, with this laid over it.
    Change,
    Merge,
    Strategic,
    Json,
    Apply,
    Deletion,
    Eviction,
}

impl FromStr for Form {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "merge patch" => Self::Merge,
            "strategic merge patch" => Self::Strategic,
            "JSON patch" => Self::Json,
            "apply configuration" => Self::Apply,
            "deletion" => Self::Deletion,
            "eviction" => Self::Eviction,
            _ => Self::Change,
        })
    }
}

/// The query of a request, if it has one: ` with "dryRun=All"`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "query", regex = r#"|(?: with "[^"]*")"#)]
struct Query(String);

impl FromStr for Query {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inner = text
            .strip_prefix(" with \"")
            .and_then(|rest| rest.strip_suffix('"'));
        Ok(Self(
            inner.map_or_else(String::new, |query| format!("?{query}")),
        ))
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "outcome",
    regex = r#"accepted|accepted without a warning|accepted with the warning "[^"]*"|refused as "[^"]*""#
)]
enum Outcome {
    Accepted,
    Silently,
    Warned(String),
    Refused(String),
}

impl FromStr for Outcome {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let quoted = text.split('"').nth(1).unwrap_or_default().to_owned();
        Ok(match text.split(' ').next_back() {
            _ if text.starts_with("refused") => Self::Refused(quoted),
            _ if text.contains('"') => Self::Warned(quoted),
            Some("warning") => Self::Silently,
            _ => Self::Accepted,
        })
    }
}

#[given(expr = "the planned set {string} is submitted{query}")]
#[when(expr = "the planned set {string} is submitted{query}")]
async fn plan_is_submitted(world: &mut World, name: String, query: Query) -> Result<(), Stop> {
    world.plan(&name);
    world.acts().await;
    let mut draft = world.drafts.get(&name).cloned().unwrap_or_default();
    let resource = world.resource("StatefulSet");
    draft["apiVersion"] = resource.api_version.into();
    draft["kind"] = resource.kind.into();
    let path = format!("{}{}", world.path_of("StatefulSet"), query.0);
    let answer = world
        .submit(Ask {
            body: draft,
            ..Ask::new(Method::POST, path)
        })
        .await?;
    if answer.is_accepted() && !query.0.contains("dryRun") {
        // From now on sentences speak of what is there.
        if let Some(plan) = world.drafts.remove(&name) {
            world.notes.insert(format!("plan of {name}"), plan);
        }
        catch_up(world, &answer).await;
    }
    Ok(())
}

/// Lets the recorder see what was written, so that the next sentence can speak of it.
async fn catch_up(world: &World, answer: &Answer) {
    if let Ok(written) = serde_json::from_value(answer.body.clone()) {
        world.sees_written(&written).await;
    }
}

#[given(expr = "this {form} of {object} is submitted{query}")]
#[when(expr = "this {form} of {object} is submitted{query}")]
async fn is_submitted(
    world: &mut World,
    form: Form,
    thing: Thing,
    query: Query,
    #[step] step: &Step,
) -> Result<(), Stop> {
    let change = described(step)?;
    world.acts().await;
    let path = thing.path(world);
    let place = format!("{path}{}", query.0);
    let patch = |media, body| Ask {
        media,
        body,
        ..Ask::new(Method::PATCH, &place)
    };
    let ask = match form {
        Form::Merge => patch("application/merge-patch+json", change),
        Form::Strategic => patch("application/strategic-merge-patch+json", change),
        Form::Json => patch("application/json-patch+json", change),
        Form::Apply => patch("application/apply-patch+yaml", named(world, &thing, change)),
        Form::Deletion => Ask {
            body: change,
            ..Ask::new(Method::DELETE, &place)
        },
        Form::Eviction => Ask {
            body: json!({
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": { "name": thing.name },
                "deleteOptions": change,
            }),
            ..Ask::new(Method::POST, format!("{path}/eviction{}", query.0))
        },
        Form::Change => return replace(world, &thing, &place, change).await,
    };
    let answer = world.submit(ask).await?;
    if answer.is_accepted() && thing.part != "/scale" {
        catch_up(world, &answer).await;
    }
    Ok(())
}

/// An object that says what it is.
fn named(world: &World, thing: &Thing, mut object: Value) -> Value {
    let resource = world.resource(thing.kind);
    object["apiVersion"] = resource.api_version.into();
    object["kind"] = resource.kind.into();
    object["metadata"]["name"] = thing.name.clone().into();
    object
}

/// Lays a change over what is there, or over what is planned, and sends the whole. Somebody else's change in between is
/// no answer, unless the change itself speaks of the version.
async fn replace(world: &mut World, thing: &Thing, place: &str, change: Value) -> Result<(), Stop> {
    let versioned = change.pointer("/metadata/resourceVersion").is_some();
    loop {
        let live = world
            .submit(Ask::new(Method::GET, thing.path(world)))
            .await?;
        let mut object = match live.is_accepted() {
            true => live.body,
            false => {
                let draft = world.drafts.get(&thing.name).cloned();
                let draft = draft.ok_or_else(|| {
                    Stop::Inconclusive(format!("there is no {} {:?}", thing.kind, thing.name))
                })?;
                named(world, thing, draft)
            }
        };
        overlay(&mut object, change.clone());
        let answer = world
            .submit(Ask {
                body: object,
                ..Ask::new(Method::PUT, place)
            })
            .await?;
        if answer.code == 409 && !versioned {
            continue;
        }
        if answer.is_accepted() && thing.part != "/scale" {
            catch_up(world, &answer).await;
        }
        return Ok(());
    }
}

/// An object that a real API server refused, and the change by which, where it is about one.
#[when(expr = "the refused object {string} is submitted")]
async fn object_is_submitted(world: &mut World, name: String) -> Result<(), Stop> {
    let file = format!("{name}.yaml");
    let text = REFUSED
        .get_file(&file)
        .and_then(|file| file.contents_utf8());
    let text = text.ok_or_else(|| {
        Stop::Inconclusive(format!("there is no object {file} in fixtures/refused"))
    })?;
    let case: Value =
        manifest::read(&file, text).map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let kind = case["object"]["kind"].as_str().unwrap_or_default();
    let path = world.path_of(kind);
    let resource = world.resource(kind);
    let of_target = |object: &Value| {
        let mut object = object.clone();
        object["apiVersion"] = resource.api_version.clone().into();
        object["kind"] = resource.kind.clone().into();
        object
    };
    world.acts().await;
    let mut sent = of_target(&case["object"]);
    if case["before"].is_null() {
        world
            .submit(Ask {
                body: sent,
                ..Ask::new(Method::POST, path)
            })
            .await?;
        return Ok(());
    }
    let before = of_target(&case["before"]);
    let granted = |answer: Answer| match answer.is_accepted() {
        true => Ok(answer.body),
        false => Err(Stop::Inconclusive(format!(
            "what stands before it is refused: {}",
            answer.tell()
        ))),
    };
    let live = world
        .submit(Ask {
            body: before.clone(),
            ..Ask::new(Method::POST, &path)
        })
        .await?;
    granted(live)?;
    let place = format!(
        "{path}/{}",
        case["before"]["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
    );
    if !before["status"].is_null() {
        let state = json!({ "status": before["status"] });
        let ask = Ask {
            media: "application/merge-patch+json",
            body: state,
            ..Ask::new(Method::PATCH, format!("{place}/status"))
        };
        granted(world.submit(ask).await?)?;
    }
    let part = case["subresource"].as_str();
    let part = part.map(|part| format!("/{part}")).unwrap_or_default();
    loop {
        let live = granted(world.submit(Ask::new(Method::GET, &place)).await?)?;
        sent["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let ask = Ask {
            body: sent.clone(),
            ..Ask::new(Method::PUT, format!("{place}{part}"))
        };
        // Somebody else's change in between is not what was to be refused.
        if world.submit(ask).await?.code != 409 {
            return Ok(());
        }
    }
}

#[then(expr = "the request is {outcome}")]
async fn request_is(world: &mut World, outcome: Outcome, #[step] step: &Step) -> Result<(), Stop> {
    let answer = world.answer()?;
    let (holds, expected) = match &outcome {
        Outcome::Accepted => (answer.is_accepted(), "it is accepted".to_owned()),
        Outcome::Silently => (
            answer.is_accepted() && answer.warnings.is_empty(),
            "it is accepted without a warning".to_owned(),
        ),
        Outcome::Warned(text) => (
            answer.is_accepted() && answer.warnings == [text.replace('\'', "\"")],
            format!("it is accepted with the warning {text:?}"),
        ),
        Outcome::Refused(title) => (
            answer.title() == *title,
            format!("it is refused as {title:?}"),
        ),
    };
    if !holds {
        return Err(Stop::Fail(format!(
            "expected: {expected}; seen: {}",
            answer.tell()
        )));
    }
    match &step.table {
        Some(table) => has_causes(&answer, &table.rows),
        None => Ok(()),
    }
}

/// The causes of a refusal are those of the table, in any order: reason and field, and the message where the table has
/// one. A row whose last column says so may be absent.
fn has_causes(answer: &Answer, rows: &[Vec<String>]) -> Result<(), Stop> {
    let (head, rows) = rows
        .split_first()
        .ok_or_else(|| Stop::Inconclusive("the table is empty".into()))?;
    let column = |name: &str| head.iter().position(|cell| cell == name);
    let (Some(reason), Some(field)) = (column("reason"), column("field")) else {
        return Err(Stop::Inconclusive(
            "a table of causes has the columns reason and field".into(),
        ));
    };
    let mut left: Vec<Cause> = answer.causes();
    let mut missing = Vec::new();
    for row in rows {
        let fits = |cause: &Cause| {
            let message = column("message").is_none_or(|at| cause.message.trim_end() == row[at]);
            cause.reason == row[reason] && cause.field == row[field] && message
        };
        let optional = column("may be absent").is_some_and(|at| row[at] == "yes");
        match left.iter().position(fits) {
            Some(at) => drop(left.remove(at)),
            None if optional => {}
            None => missing.push(row.join(" | ")),
        }
    }
    if missing.is_empty() && left.is_empty() {
        return Ok(());
    }
    let seen: Vec<String> = answer
        .causes()
        .into_iter()
        .map(|cause| format!("{} | {} | {}", cause.reason, cause.field, cause.message))
        .collect();
    Err(Stop::Fail(format!(
        "expected: the causes {}; seen: {}",
        rows.iter()
            .map(|row| row.join(" | "))
            .collect::<Vec<_>>()
            .join("; "),
        if seen.is_empty() {
            "none".to_owned()
        } else {
            seen.join("; ")
        }
    )))
}

#[then(expr = "the answer reads")]
async fn answer_reads(world: &mut World, #[step] step: &Step) -> Result<(), Stop> {
    let wanted = described(step)?;
    let answer = world.answer()?;
    match lacks("", &wanted, Some(&answer.body)) {
        None => Ok(()),
        Some(lack) => Err(Stop::Fail(format!(
            "expected: the answer reads {wanted}; seen: {lack}"
        ))),
    }
}

#[then(expr = "{object} reads")]
async fn reads(world: &mut World, thing: Thing, #[step] step: &Step) -> Result<(), Stop> {
    let wanted = described(step)?;
    match lack_of(world, &thing, &wanted).await? {
        None => Ok(()),
        Some(lack) => Err(Stop::Fail(format!(
            "expected: {} {:?} reads {wanted}; seen: {lack}",
            thing.kind, thing.name
        ))),
    }
}

/// What a neighbour is to write into an object takes it a while; not every kind is recorded.
#[then(expr = "{object} comes to read")]
async fn comes_to_read(world: &mut World, thing: Thing, #[step] step: &Step) -> Result<(), Stop> {
    let wanted = described(step)?;
    let mut lack = None;
    for _ in 0..240 {
        lack = lack_of(world, &thing, &wanted).await?;
        if lack.is_none() {
            return Ok(());
        }
        world.rest().await;
    }
    Err(Stop::Fail(format!(
        "expected within 60 s: {} {:?} comes to read {wanted}; seen: {}",
        thing.kind,
        thing.name,
        lack.unwrap_or_default()
    )))
}

/// Where an object lacks what is wanted of it. The answer that sentences speak of stays that to what was submitted.
async fn lack_of(world: &mut World, thing: &Thing, wanted: &Value) -> Result<Option<String>, Stop> {
    let path = thing.path(world);
    let kept = world.notes.get("answer").cloned();
    let found = world.submit(Ask::new(Method::GET, path)).await?;
    if let Some(kept) = kept {
        world.notes.insert("answer".into(), kept);
    }
    Ok(match found.is_accepted() {
        true => lacks("", wanted, Some(&found.body)),
        false => Some(found.tell()),
    })
}

/// As what a path is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "shape", regex = "| as a Table| as metadata")]
struct Shape(&'static str);

impl FromStr for Shape {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            " as a Table" => "application/json;as=Table;v=v1;g=meta.k8s.io",
            " as metadata" => "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            _ => "",
        }))
    }
}

/// A path of the API: `{sets}` and `{pods}` are those of all sets and pods, `{everywhere}` that of the sets of all
/// namespaces, `{version}` the version of what was answered last.
#[when(expr = "the path {string} is read{shape}")]
async fn path_is_read(world: &mut World, path: String, shape: Shape) -> Result<(), Stop> {
    world.acts().await;
    let sets = world.path_of("StatefulSet");
    let within = format!("/namespaces/{}", world.namespace());
    let last = world.answer().map(|answer| answer.body).unwrap_or_default();
    let version = last["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    let path = path
        .replace("{sets}", &sets)
        .replace("{everywhere}", &sets.replace(&within, ""))
        .replace("{pods}", &world.path_of("Pod"))
        .replace("{events}", &world.path_of("Event"))
        .replace("{version}", version);
    let ask = Ask {
        accept: shape.0,
        ..Ask::new(Method::GET, path)
    };
    let mut answer = world.submit(ask).await?;
    // A watch is a line for each event.
    if let Some(text) = answer.body.as_str() {
        let lines = text.lines().map(serde_json::from_str::<Value>);
        if let Ok(events) = lines.collect::<Result<Vec<Value>, _>>() {
            answer.body = json!({ "events": events });
            world.notes.insert("answer".into(), json!(answer));
        }
    }
    Ok(())
}

#[then(expr = "whoever manages the status of set {string} manages nothing else of it")]
async fn manages_the_status(world: &mut World, name: String) -> Result<(), Stop> {
    let expected = format!("whoever has fields of the status of {name:?} has no others");
    // The record does not keep who manages which field.
    let set = world.api(Kind::Set).get(&name).await?;
    world.judge(&expected, |_| {
        let entries = set.metadata.managed_fields.as_deref().unwrap_or_default();
        let fields = |entry: &ManagedFieldsEntry| {
            let fields = entry.fields_v1.as_ref().map(|fields| fields.0.clone());
            fields.unwrap_or_default()
        };
        let of_status: Vec<_> = entries
            .iter()
            .filter(|entry| fields(entry).get("f:status").is_some())
            .collect();
        if of_status.is_empty() {
            return Err("nobody manages its status".to_owned());
        }
        let more = of_status.iter().find(|entry| {
            let others = fields(entry)
                .as_object()
                .is_some_and(|fields| fields.len() > 1);
            let manager = |other: &&ManagedFieldsEntry| other.manager == entry.manager;
            others
                || entries
                    .iter()
                    .filter(manager)
                    .any(|other| fields(other).get("f:spec").is_some())
        });
        more.map_or(Ok(()), |entry| {
            Err(format!("{:?} manages more", entry.manager))
        })
    })
}

#[when(expr = "the namespace is deleted")]
async fn namespace_is_deleted(world: &mut World) -> Result<(), Stop> {
    world.acts().await;
    let path = format!("/api/v1/namespaces/{}", world.namespace());
    let answer = world.submit(Ask::new(Method::DELETE, path)).await?;
    match answer.is_accepted() {
        true => Ok(()),
        false => Err(Stop::Inconclusive(format!(
            "the namespace stays: {}",
            answer.tell()
        ))),
    }
}

#[then(expr = "nothing is left in the namespace, and the namespace is gone")]
async fn nothing_is_left(world: &mut World) -> Result<(), Stop> {
    let expected = "no set, pod or claim is left";
    let limit = world.scene.deadlines.whole_set;
    let empty = |seen: &Seen<'_>| {
        let kinds = [Kind::Set, Kind::Pod, Kind::Claim];
        kinds
            .into_iter()
            .all(|kind| seen.all(kind).is_empty())
            .then_some(())
    };
    world.comes(limit, expected, empty).await?;
    let path = format!("/api/v1/namespaces/{}", world.namespace());
    for _ in 0..240 {
        if world
            .submit(Ask::new(Method::GET, path.clone()))
            .await?
            .code
            == 404
        {
            return Ok(());
        }
        world.rest().await;
    }
    Err(Stop::Fail(
        "expected within 60 s: the namespace is gone; seen: it is there".into(),
    ))
}
