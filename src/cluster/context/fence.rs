//! Between a scenario and a namespace that is not its own: what it makes is marked, and what others have stays as it is.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Method, Request, Response, StatusCode, Uri, request::Parts};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tower::BoxError;

use super::{EXPIRES, RUN};

/// What others have in a namespace, as it was when it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strangers {
    /// By UID.
    pub uids: BTreeSet<String>,
    /// By resource and name.
    pub names: BTreeSet<(String, String)>,
}

/// Watches over what leaves for the server. Copies share what they know.
#[derive(Clone, Debug)]
pub struct Fence {
    namespace: String,
    run: String,
    expires: i64,
    strangers: Arc<Mutex<Strangers>>,
}

/// What becomes of a request.
#[derive(Debug, PartialEq)]
enum Passage {
    /// It goes on as it is.
    AsItIs,
    /// It goes on with another body.
    Body(Value),
    /// It goes on with another query.
    Query(String),
    /// It goes nowhere, for this reason.
    Refused(String),
}

impl Fence {
    /// A fence around a run in a namespace. `expires` is the second of the Unix epoch after which the run is over for
    /// certain.
    pub fn new(namespace: &str, run: &str, expires: i64) -> Self {
        Self {
            namespace: namespace.to_owned(),
            run: run.to_owned(),
            expires,
            strangers: Arc::default(),
        }
    }

    /// What others have, from now on.
    pub fn learn(&self, strangers: Strangers) {
        *self.lock() = strangers;
    }

    /// What others have.
    pub fn strangers(&self) -> Strangers {
        self.lock().clone()
    }

    /// A client whose requests pass the fence. Must be called inside a runtime.
    pub fn client(&self, inner: Client) -> Client {
        let namespace = inner.default_namespace().to_owned();
        let fence = self.clone();
        let service =
            tower::service_fn(move |request| fence.clone().exchange(inner.clone(), request));
        Client::new(service, namespace)
    }

    async fn exchange(
        self,
        inner: Client,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let (mut head, body) = request.into_parts();
        let bytes = body.collect_bytes().await?;
        let mut sent = Body::from(bytes.clone());
        match self.judge(&head, &bytes) {
            Passage::AsItIs => {}
            Passage::Body(value) => sent = Body::from(value.to_string().into_bytes()),
            Passage::Query(query) => head.uri = with_query(&head.uri, &query)?,
            Passage::Refused(why) => return Ok(refusal(&why)),
        }
        Ok(inner.send(Request::from_parts(head, sent)).await?)
    }

    fn judge(&self, head: &Parts, body: &[u8]) -> Passage {
        let place = Place::of(head.uri.path());
        let acts = matches!(place.subresource, "exec" | "attach" | "portforward");
        let query = head.uri.query().unwrap_or_default();
        if head.method == Method::GET && !acts {
            // Steps read lists of sets as a whole; what is watched is sorted by whoever watches.
            let lists = place.namespace == Some(self.namespace.as_str())
                && place.resource == "statefulsets"
                && place.name.is_empty()
                && !query.contains("watch=");
            return match lists {
                true => Passage::Query(self.only_own(query)),
                false => Passage::AsItIs,
            };
        }
        if place.namespace != Some(self.namespace.as_str()) {
            // Reviews ask, whatever their method.
            return match place.resource.ends_with("reviews") {
                true => Passage::AsItIs,
                false => Passage::Refused(format!(
                    "the run keeps to the namespace {:?}",
                    self.namespace
                )),
            };
        }
        let key = (place.resource.to_owned(), place.name.to_owned());
        if self.lock().names.contains(&key) {
            return Passage::Refused(format!(
                "{} {:?} is not the run's",
                place.resource, place.name
            ));
        }
        let applies = head
            .headers
            .get(http::header::CONTENT_TYPE)
            .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("apply-patch")));
        let makes = match head.method {
            Method::POST => place.name.is_empty(),
            Method::PUT => true,
            Method::PATCH => applies,
            Method::DELETE if place.name.is_empty() => {
                return Passage::Query(self.only_own(query));
            }
            _ => false,
        };
        if !makes || !place.subresource.is_empty() {
            return Passage::AsItIs;
        }
        // YAML may be sent as well; JSON is YAML.
        match serde_json::from_slice(body).or_else(|_| serde_yaml::from_slice(body)) {
            Ok(object) => Passage::Body(self.mark(object)),
            Err(_) => Passage::AsItIs,
        }
    }

    /// Many at once are only the run's.
    fn only_own(&self, query: &str) -> String {
        let own = format!("{RUN}={}", self.run);
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        match pairs.iter_mut().find(|(key, _)| key == "labelSelector") {
            Some((_, selector)) if !selector.is_empty() => *selector = format!("{selector},{own}"),
            _ => pairs.push(("labelSelector".to_owned(), own)),
        }
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }

    /// Marks an object, and what will be made after its templates.
    fn mark(&self, mut object: Value) -> Value {
        self.label(&mut object);
        if let Some(template) = object.pointer_mut("/spec/template") {
            self.label(template);
        }
        let claims = object
            .pointer_mut("/spec/volumeClaimTemplates")
            .and_then(Value::as_array_mut);
        claims
            .into_iter()
            .flatten()
            .for_each(|claim| self.label(claim));
        object
    }

    fn label(&self, object: &mut Value) {
        let Some(object) = object.as_object_mut() else {
            return;
        };
        let metadata = object.entry("metadata").or_insert(Value::Null);
        if metadata.is_null() {
            *metadata = json!({});
        }
        let Some(metadata) = metadata.as_object_mut() else {
            return;
        };
        let labels = metadata.entry("labels").or_insert(Value::Null);
        if labels.is_null() {
            *labels = json!({});
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(RUN.to_owned(), json!(self.run));
            labels.insert(EXPIRES.to_owned(), json!(self.expires.to_string()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Strangers> {
        self.strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a path leads to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place<'a> {
    namespace: Option<&'a str>,
    resource: &'a str,
    name: &'a str,
    subresource: &'a str,
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let rest = match parts.first() {
            Some(&"api") => parts.get(2..),
            Some(&"apis") => parts.get(3..),
            _ => None,
        };
        let rest = rest.unwrap_or_default();
        let part = |rest: &[&'a str], index: usize| rest.get(index).copied().unwrap_or_default();
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        Self {
            namespace,
            resource: part(rest, 0),
            name: part(rest, 1),
            subresource: part(rest, 2),
        }
    }
}

fn with_query(uri: &Uri, query: &str) -> Result<Uri, BoxError> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", uri.path()).parse()?);
    Ok(Uri::from_parts(parts)?)
}

fn refusal(why: &str) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": why, "reason": "Forbidden", "code": 403,
    });
    let mut response = Response::new(Body::from(status.to_string().into_bytes()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence() -> Fence {
        let fence = Fence::new("team", "0a0b", 9);
        fence.learn(Strangers {
            uids: BTreeSet::new(),
            names: [("pods".to_owned(), "theirs".to_owned())].into(),
        });
        fence
    }

    fn judged(method: &str, path: &str, body: &Value) -> Passage {
        let request = Request::builder().method(method).uri(path);
        let (head, ()) = request.body(()).expect("a request").into_parts();
        fence().judge(&head, body.to_string().as_bytes())
    }

    #[test]
    fn what_others_have_is_left_alone() {
        let pods = "/api/v1/namespaces/team/pods";
        for (method, path, passes) in [
            ("GET", format!("{pods}/theirs"), true),
            ("DELETE", format!("{pods}/theirs"), false),
            ("PATCH", format!("{pods}/theirs/status"), false),
            ("GET", format!("{pods}/theirs/exec"), false),
            ("DELETE", format!("{pods}/ours"), true),
            ("POST", "/api/v1/namespaces/other/pods".to_owned(), false),
            ("POST", "/api/v1/namespaces".to_owned(), false),
            ("DELETE", "/api/v1/namespaces/team".to_owned(), false),
            (
                "POST",
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(),
                true,
            ),
        ] {
            let passage = judged(method, &path, &Value::Null);
            assert_eq!(
                !matches!(passage, Passage::Refused(_)),
                passes,
                "{method} {path}"
            );
        }
    }

    #[test]
    fn many_at_once_are_only_the_runs() {
        let path = "/apis/apps/v1/namespaces/team/statefulsets";
        for (query, selector) in [
            ("", "labelSelector=stsspec.dev%2Frun%3D0a0b"),
            (
                "?labelSelector=app%3Dweb",
                "labelSelector=app%3Dweb%2Cstsspec.dev%2Frun%3D0a0b",
            ),
        ] {
            for method in ["DELETE", "GET"] {
                let passage = judged(method, &format!("{path}{query}"), &Value::Null);
                assert_eq!(passage, Passage::Query(selector.to_owned()), "{method}");
            }
        }
    }

    #[test]
    fn what_is_made_is_marked_and_so_is_what_is_made_after_it() {
        let set = json!({
            "metadata": { "name": "web" },
            "spec": {
                "template": { "metadata": { "labels": { "app": "web" } } },
                "volumeClaimTemplates": [{ "metadata": { "name": "data" } }],
            },
        });
        let path = "/apis/apps/v1/namespaces/team/statefulsets";
        let Passage::Body(marked) = judged("POST", path, &set) else {
            panic!("it is marked");
        };
        for labels in [
            "/metadata/labels",
            "/spec/template/metadata/labels",
            "/spec/volumeClaimTemplates/0/metadata/labels",
        ] {
            let labels = marked.pointer(labels).expect("it has labels");
            assert_eq!(
                (&labels[RUN], &labels[EXPIRES]),
                (&json!("0a0b"), &json!("9"))
            );
        }
        assert_eq!(
            marked.pointer("/spec/template/metadata/labels/app"),
            Some(&json!("web"))
        );
        let scale = judged("PUT", &format!("{path}/web/scale"), &set);
        assert_eq!(
            scale,
            Passage::AsItIs,
            "a subresource is no object of its own"
        );
    }
}
