use std::{fs, path::Path as FilePath};

use super::*;
use crate::mini::api::{Rules, defaults, patch, validate};

fn now(step: usize) -> String {
    format!("2026-01-01T00:00:{step:02}Z")
}

/// Decoded and with defaults, as a server stores it.
fn stored(kind: &str, object: &Value) -> Value {
    let (mut object, _) = strict::check(kind, object.clone()).expect("it decodes");
    defaults::default(kind, &mut object);
    object
}

/// What a server does with one request, but for checks and counters.
fn serve(step: usize, request: &Value, live: Option<&Value>) -> Result<Value, Status> {
    let text = |field: &str| request[field].as_str().unwrap_or_default();
    let (verb, manager, subresource) = (text("verb"), text("manager"), text("subresource"));
    let object = &request["object"];
    let kind = Kind::of(live.unwrap_or(object)).name;
    let keep = |new: &mut Value, live: &Value, part: &str| match &live[part] {
        Value::Null => {
            new.as_object_mut().and_then(|new| new.remove(part));
        }
        value => new[part] = value.clone(),
    };
    if verb == "apply" {
        let force = request["force"] == true;
        let new = apply(live, object, manager, force, subresource, &now(step))?;
        let new = stored(&kind, &new);
        return accepted(&kind, live, subresource, new);
    }
    let subresource = if verb == "scale" {
        "scale"
    } else {
        subresource
    };
    let mut new = match live {
        None => stored(&kind, object),
        Some(live) => stored(&kind, &patch::merge(live, object)?),
    };
    if let Some(live) = live {
        let part = if subresource == "status" {
            "spec"
        } else {
            "status"
        };
        keep(&mut new, live, part);
    }
    track(live, &mut new, manager, "Update", subresource, &now(step));
    Ok(new)
}

fn accepted(
    kind: &str,
    live: Option<&Value>,
    subresource: &str,
    mut new: Value,
) -> Result<Value, Status> {
    if kind == "Service" {
        new["spec"]["clusterIPs"] = json!([new["spec"]["clusterIP"]]);
    }
    let causes = match live {
        None => validate::create(Rules::default(), kind, &new),
        Some(live) => validate::update(Rules::default(), kind, subresource, live, &new),
    };
    let (group, kind) = kind.split_once('/').unwrap_or(("", kind));
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    match causes.is_empty() {
        true => Ok(new),
        false => Err(Status::invalid(group, kind, name, &causes)),
    }
}

/// The recorded entries with the times of this test.
fn entries(recorded: &Value) -> Value {
    let mut entries = recorded.clone();
    for entry in entries.as_array_mut().into_iter().flatten() {
        if let Some(step) = entry["time"].as_u64() {
            entry["time"] = now(step as usize).into();
        }
    }
    entries
}

fn assert_contains(whole: &Value, part: &Value, name: &str) {
    match part {
        Value::Object(entries) => {
            for (key, value) in entries {
                assert_contains(&whole[key], value, &format!("{name}.{key}"));
            }
        }
        _ => assert_eq!(whole, part, "{name}"),
    }
}

/// Each file is a sequence of requests with what a real API server answered.
#[test]
fn ownership_is_as_a_real_server_recorded_it() {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings/ownership");
    let mut files: Vec<_> = fs::read_dir(&root)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() > 5, "the files are there");
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let steps: Vec<Value> = serde_yaml::from_str(&text).expect("YAML");
        let mut live: Option<Value> = None;
        for (step, request) in steps.iter().enumerate() {
            let name = format!(
                "{} step {step}",
                file.file_stem().expect("a name").display()
            );
            match (serve(step, request, live.as_ref()), &request["refused"]) {
                (Ok(new), Value::Null) => {
                    let ours = new["metadata"]
                        .get("managedFields")
                        .cloned()
                        .unwrap_or(json!([]));
                    assert_eq!(ours, entries(&request["managedFields"]), "{name}");
                    assert_contains(&new, &request["after"], &name);
                    live = Some(new);
                }
                (Err(status), refused) if !refused.is_null() => {
                    assert_eq!(json!(status.code), refused["code"], "{name}");
                    assert_eq!(json!(status.message), refused["message"], "{name}");
                    let causes = status
                        .details
                        .map_or(Value::Null, |details| details["causes"].clone());
                    assert_eq!(causes, refused["causes"], "{name}");
                }
                (got, expected) => panic!("{name}: {got:?} instead of {expected}"),
            }
        }
    }
}
