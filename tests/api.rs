//! The embedded API server against exchanges recorded from a real one.
//!
//! Each file of `fixtures/recordings` is a story: requests in order, and what a real kube-apiserver answered. The embedded
//! server gets the same requests and has to give the same answers, but for what no two servers have in common: UIDs,
//! versions, times, ages, addresses and generated names, which are numbered in the order in which they appear, and the
//! descriptions of a Table's columns, which each server has in words of its own. Other differences are listed with their
//! reason in `fixtures/known-differences.yaml`.
//!
//! `STSSPEC_RECORD=KUBECONFIG cargo test --test api` sends the requests to that cluster instead and writes its answers
//! into the files: into throw-away namespaces that it removes again. `STSSPEC_RECORDINGS` names another folder of stories;
//! `ci/record/exchanges` does all of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::LazyLock,
};

use http::Request;
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stsspec::{
    clock::Clock,
    manifest,
    mini::api::{Server, ServerOptions},
};

#[derive(Serialize, Deserialize)]
struct Story {
    /// Which server said all this.
    #[serde(default)]
    server: String,
    /// What its requests were made up from, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    exchanges: Vec<Exchange>,
}

#[derive(Serialize, Deserialize)]
struct Exchange {
    /// What the request shows.
    says: String,
    /// Method and path; `{ns}` is the story's namespace, `{3.metadata.uid}` a field of the third answer.
    request: String,
    /// The media types asked for, where they are not plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accept: Option<String>,
    /// The media type of the body, where it is not plain JSON.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    media: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(default)]
    code: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(default)]
    answer: Value,
}

struct Said {
    code: u16,
    warnings: Vec<String>,
    body: Value,
}

async fn ask(client: &Client, exchange: &Exchange, ns: &str, before: &[Value]) -> Said {
    let fill = |text: &str| -> String {
        static FIELD: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\{(\d+)\.([A-Za-z.]+)\}").expect("a regular expression"));
        let text = text.replace("{ns}", ns);
        FIELD
            .replace_all(&text, |found: &regex::Captures<'_>| {
                let index: usize = found[1].parse().expect("a number");
                let pointer = format!("/{}", found[2].replace('.', "/"));
                let value = before[index - 1].pointer(&pointer).cloned();
                match value.unwrap_or_default() {
                    Value::String(text) => text,
                    other => other.to_string(),
                }
            })
            .into_owned()
    };
    let (method, path) = exchange.request.split_once(' ').expect("method and path");
    let body = match &exchange.body {
        None => Body::empty(),
        // A text is sent as it is: it need not be JSON.
        Some(Value::String(text)) => Body::from(fill(text).into_bytes()),
        Some(body) => Body::from(fill(&body.to_string()).into_bytes()),
    };
    let request = Request::builder()
        .method(method)
        .uri(fill(path))
        .header(
            "accept",
            exchange.accept.as_deref().unwrap_or("application/json"),
        )
        .header(
            "content-type",
            exchange.media.as_deref().unwrap_or("application/json"),
        )
        .header("user-agent", "recorder/1")
        .body(body)
        .expect("a request");
    let response = client.send(request).await.expect("an answer");
    let code = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings
        .map(|text| text.to_str().expect("text").to_owned())
        .collect();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
    // What a watch says is one document after the other.
    let documents = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>();
    let body = match documents.collect::<Result<Vec<_>, _>>() {
        Ok(mut documents) if documents.len() == 1 && !path.contains("watch=true") => {
            documents.remove(0)
        }
        Ok(documents) if path.contains("watch=true") => Value::Array(documents),
        _ => text(),
    };
    Said {
        code,
        warnings,
        body,
    }
}

/// The object that a message quotes, with what is said before and after it.
fn quoted_object(text: &str) -> Option<(&str, String, &str)> {
    let start = text.find("\"{")?;
    let mut quoted = serde_json::Deserializer::from_str(&text[start..]).into_iter::<String>();
    let object = quoted.next()?.ok()?;
    let end = start + quoted.byte_offset();
    Some((&text[..start], object, &text[end..]))
}

/// Numbers what differs between any two servers, in the order in which it appears in a story.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    fn of(&mut self, what: &'static str, value: &str) -> String {
        if let Some(known) = self.known.get(value) {
            return known.clone();
        }
        let count = self.counts.entry(what).or_default();
        *count += 1;
        let name = format!("<{what} {count}>");
        self.known.insert(value.to_owned(), name.clone());
        name
    }

    fn text(&mut self, text: &str, ns: &str) -> String {
        static UID: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
                .expect("a regular expression")
        });
        static TIME: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a regular expression")
        });
        static ADDRESS: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^10\.96\.\d+\.\d+$").expect("a regular expression"));
        if let Some((before, quoted, after)) = quoted_object(text)
            && let Ok(mut object) = serde_json::from_str::<Value>(&quoted)
        {
            // The order of its fields is each server's own.
            self.value(&mut object, ns);
            let (before, after) = (self.text(before, ns), self.text(after, ns));
            return format!("{before}{object}{after}");
        }
        let text = text.replace(ns, "{ns}");
        let text = UID
            .replace_all(&text, |found: &regex::Captures<'_>| {
                self.of("uid", &found[0])
            })
            .into_owned();
        static RECORD: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"ResourceVersion in record \(\d+\)").expect("a regular expression")
        });
        let text = TIME.replace_all(&text, "<time>").into_owned();
        let text = RECORD
            .replace_all(&text, "ResourceVersion in record (<version>)")
            .into_owned();
        if ADDRESS.is_match(&text) {
            return self.of("address", &text);
        }
        text
    }

    fn value(&mut self, value: &mut Value, ns: &str) {
        match value {
            Value::String(text) => *text = self.text(text, ns),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, ns)),
            Value::Object(fields) => {
                // How far a server is tells of what happens elsewhere in it, too.
                if fields.get("type").is_some_and(|kind| kind == "BOOKMARK")
                    && let Some(version) = fields
                        .get_mut("object")
                        .and_then(|object| object.pointer_mut("/metadata/resourceVersion"))
                {
                    *version = Value::from("<version>");
                }
                let column = fields
                    .get("columnDefinitions")
                    .and_then(Value::as_array)
                    .and_then(|columns| columns.iter().position(|column| column["name"] == "Age"));
                if let (Some(column), Some(Value::Array(rows))) = (column, fields.get_mut("rows")) {
                    for row in rows {
                        if let Some(age) = row.pointer_mut(&format!("/cells/{column}")) {
                            *age = Value::from("<age>");
                        }
                    }
                }
                // Whose fields are in conflict is said in no order.
                if fields
                    .get("reason")
                    .is_some_and(|reason| reason == "Conflict")
                    && let Some(Value::Array(causes)) = fields
                        .get_mut("details")
                        .and_then(|details| details.get_mut("causes"))
                {
                    causes.sort_by_key(Value::to_string);
                }
                let list = fields.get("items").is_some_and(Value::is_array)
                    || fields.get("rows").is_some_and(Value::is_array);
                let prefix = fields
                    .get("generateName")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                for (name, field) in fields.iter_mut() {
                    match (name.as_str(), &mut *field) {
                        ("resourceVersion", Value::String(version)) => {
                            *version = match list || version == "<version>" {
                                true => "<version>".to_owned(),
                                false => self.of("version", &format!("v{version}")),
                            };
                        }
                        ("metadata", Value::Object(meta)) if list => {
                            meta.insert("resourceVersion".into(), "<version>".into());
                            meta.remove("remainingItemCount");
                            if meta.contains_key("continue") {
                                meta.insert("continue".into(), "<continue>".into());
                            }
                        }
                        ("name", Value::String(text))
                            if prefix.as_ref().is_some_and(|prefix| {
                                text.len() == prefix.len() + 5 && text.starts_with(prefix)
                            }) =>
                        {
                            *text = format!("{}<generated>", prefix.as_deref().unwrap_or_default());
                        }
                        ("columnDefinitions", Value::Array(columns)) => {
                            for column in columns.iter_mut().filter_map(Value::as_object_mut) {
                                column.remove("description");
                            }
                        }
                        ("name", Value::String(text)) if text.starts_with("kube-api-access-") => {
                            *text = "kube-api-access-<generated>".into();
                        }
                        (_, field) => self.value(field, ns),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Where the embedded server is known to answer otherwise.
#[derive(Deserialize)]
struct Known {
    /// The story, and the part of the answer: `watches /2/object/metadata/resourceVersion`.
    at: String,
    reason: String,
}

fn stories() -> Vec<PathBuf> {
    let named = std::env::var_os("STSSPEC_RECORDINGS").map(PathBuf::from);
    let folder = named
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings"));
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

async fn make_namespace(client: &Client, ns: &str) {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}});
    let request = Request::post("/api/v1/namespaces")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string().into_bytes()))
        .expect("a request");
    let response = client.send(request).await.expect("an answer");
    assert_eq!(response.status().as_u16(), 201, "the namespace {ns}");
    // The service account that pods need is made by an agent; a story must not depend on when.
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let request = Request::post(format!("/api/v1/namespaces/{ns}/serviceaccounts"))
        .header("content-type", "application/json")
        .body(Body::from(account.to_string().into_bytes()))
        .expect("a request");
    client.send(request).await.expect("an answer");
}

/// The answers of a server to a story, made comparable.
async fn play(client: &Client, story: &Story, ns: &str) -> Vec<Said> {
    let (mut before, mut all) = (Vec::new(), Vec::new());
    let mut names = Names::default();
    for exchange in &story.exchanges {
        let mut said = ask(client, exchange, ns, &before).await;
        before.push(said.body.clone());
        names.value(&mut said.body, ns);
        all.push(said);
    }
    all
}

#[test]
fn the_embedded_server_answers_as_the_recorded_one_did() {
    if let Some(kubeconfig) = std::env::var_os("STSSPEC_RECORD") {
        return record(PathBuf::from(kubeconfig));
    }
    let known: Vec<Known> = {
        let name = "fixtures/known-differences.yaml";
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = fs::read_to_string(path).expect("the list of known differences");
        manifest::read(name, &text).expect("a list")
    };
    let mut seen = BTreeSet::new();
    let mut differences = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    for path in stories() {
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("a recording");
        let story: Story = manifest::read(&name, &text).expect("a story");
        let said = runtime.block_on(async {
            let server = Server::new(Clock::of_day(), ServerOptions::default());
            let client = server.client("recorder/1");
            make_namespace(&client, "replayed-story").await;
            play(&client, &story, "replayed-story").await
        });
        for (number, (exchange, said)) in story.exchanges.iter().zip(said).enumerate() {
            let place = format!(
                "{name} {}: {} ({})",
                number + 1,
                exchange.says,
                exchange.request
            );
            if said.code != exchange.code {
                differences.push(format!(
                    "{place}: code {} instead of {}: {}",
                    said.code, exchange.code, said.body
                ));
            } else if said.warnings != exchange.warnings {
                differences.push(format!(
                    "{place}: warnings {:?} instead of {:?}",
                    said.warnings, exchange.warnings
                ));
            } else {
                let mut found = Vec::new();
                compare("", &exchange.answer, &said.body, &mut found);
                found.retain(|(at, _)| {
                    let at = format!("{name} {at}");
                    let is_known = known.iter().any(|known| known.at == at);
                    if is_known {
                        seen.insert(at);
                    }
                    !is_known
                });
                differences.extend(
                    found
                        .into_iter()
                        .take(6)
                        .map(|(at, text)| format!("{place}: {at}: {text}")),
                );
            }
        }
    }
    assert!(known.len() <= 15, "too much is otherwise");
    for known in &known {
        assert!(!known.reason.is_empty(), "{} has no reason", known.at);
    }
    for known in known.iter().filter(|known| !seen.contains(&known.at)) {
        differences.push(format!("{}: listed as a difference, and is none", known.at));
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn the_recordings_are_many_refuse_much_and_are_made_up_to_a_third() {
    let (mut all, mut made_up, mut refused) = (0, 0, 0);
    for path in stories() {
        let text = fs::read_to_string(&path).expect("a recording");
        let name = path.display().to_string();
        let story: Story = manifest::read(&name, &text).expect("a story");
        let exchanges = story.exchanges.iter();
        all += story.exchanges.len();
        made_up += story.seed.map_or(0, |_| story.exchanges.len());
        refused += exchanges
            .filter(|exchange| exchange.answer.pointer("/details/causes").is_some())
            .count();
        assert!(!story.server.is_empty(), "{name} was never recorded");
    }
    assert!(all >= 300 && refused >= 100, "{all}, {refused} refused");
    assert!(made_up * 3 >= all, "{made_up} of {all} are made up");
}

fn compare(at: &str, recorded: &Value, said: &Value, found: &mut Vec<(String, String)>) {
    match (recorded, said) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                match other.get(name) {
                    Some(said) => compare(&format!("{at}/{name}"), value, said, found),
                    None => found.push((format!("{at}/{name}"), format!("is missing: {value}"))),
                }
            }
            for (name, value) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
                found.push((format!("{at}/{name}"), format!("is too much: {value}")));
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (value, said)) in one.iter().zip(other).enumerate() {
                compare(&format!("{at}/{index}"), value, said, found);
            }
        }
        _ if recorded == said => {}
        _ => found.push((at.to_owned(), format!("{said} instead of {recorded}"))),
    }
}

fn record(kubeconfig: PathBuf) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let config = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let mut config = kube::Config::from_custom_kubeconfig(config, &Default::default())
            .await
            .expect("a kubeconfig");
        config.default_retry = false;
        let client = Client::try_from(config).expect("a client");
        let version = client
            .apiserver_version()
            .await
            .expect("a version")
            .git_version;
        for path in stories() {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("a story");
            let mut story: Story = manifest::read(&name, &text).expect("a story");
            let ns = format!("recording-{name}-{}", std::process::id());
            make_namespace(&client, &ns).await;
            let said = play(&client, &story, &ns).await;
            story.server = format!("kube-apiserver {version}");
            for (exchange, said) in story.exchanges.iter_mut().zip(said) {
                exchange.code = said.code;
                exchange.warnings = said.warnings;
                exchange.answer = said.body;
            }
            fs::write(&path, manifest::write(&story)).expect("the file is written");
            let end = Request::delete(format!("/api/v1/namespaces/{ns}"))
                .body(Body::empty())
                .expect("a request");
            client.send(end).await.expect("an answer");
        }
    });
}
