//! What can be done with objects: one file a verb, and the way a write takes.

mod create;
mod decode;
mod delete;
mod list;
mod options;
mod patch;
mod update;
mod watch;

use std::sync::Arc;

use super::{
    Status,
    http::{accept::Shape, answer, query::Query, route::Target},
    server::State,
    store::Object,
    subresources,
};
use crate::mini::kubelet::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use hyper::upgrade::OnUpgrade;

pub(crate) use create::create;
pub(crate) use decode::{Expected, decode, unregistered};
pub(crate) use delete::{DeleteOptions, delete, meant};
pub(crate) use list::get;
pub(crate) use options::{Options, Validation};
pub(crate) use patch::{Patch, change, read_patch};
pub(crate) use update::{Update, agrees, replace, same_incarnation, update};

/// A request for an object or a collection.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) query: Query,
    pub(crate) shape: Shape,
    pub(crate) headers: HeaderMap,
    pub(crate) content_type: String,
    /// The client's user agent.
    pub(crate) agent: String,
    pub(crate) body: Bytes,
    /// The client's connection, if it wants to speak another protocol on it.
    pub(crate) upgrade: Option<OnUpgrade>,
}

/// What came of a request for one object.
pub(crate) struct Done {
    pub(crate) code: u16,
    pub(crate) object: Object,
    pub(crate) warnings: Vec<String>,
}

impl Done {
    pub(crate) fn new(code: u16, object: impl Into<Object>) -> Self {
        Self {
            code,
            object: object.into(),
            warnings: Vec::new(),
        }
    }

    fn response(self, state: &State, call: &Call) -> Response<Body> {
        let (resource, now) = (call.target.resource, state.clock.now());
        let mut response = answer::object(resource, call.shape, now, self.code, &self.object);
        answer::warn(&mut response, &self.warnings);
        response
    }
}

/// Does what a request asks for.
pub(crate) async fn dispatch(state: &Arc<State>, call: Call) -> Result<Response<Body>, Status> {
    const OLD: &str = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
    let old = call.target.resource.kind == "Endpoints";
    let answered = perform(state, call).await;
    let mut response = answered.unwrap_or_else(|status| answer::refusal(&status));
    if old {
        answer::warn(&mut response, &[OLD.to_owned()]);
    }
    Ok(response)
}

async fn perform(state: &Arc<State>, call: Call) -> Result<Response<Body>, Status> {
    if call.target.subresource.is_some() {
        return subresources::dispatch(state, call).await;
    }
    let verb = verb(&call).ok_or_else(Status::method_not_allowed)?;
    if !call.target.resource.offers(verb) {
        return Err(Status::method_not_allowed());
    }
    let done = match verb {
        "get" => list::get(state, &call)?,
        "list" => return list::list(state, &call),
        "watch" => return watch::watch(state, &call),
        "create" if subresources::reviews::is_review(call.target.resource) => {
            subresources::reviews::create(&call)?
        }
        "create" => create::handle(state, &call)?,
        "update" => update::handle(state, &call)?,
        "patch" => patch::handle(state, &call)?,
        "delete" => delete::handle(state, &call)?,
        _ => return delete::handle_collection(state, &call),
    };
    Ok(done.response(state, &call))
}

/// The verb of a request, in the words of discovery.
fn verb(call: &Call) -> Option<&'static str> {
    let one = call.target.name.is_some();
    let somewhere = call.target.namespace.is_some() || !call.target.resource.namespaced;
    let watch = call.query.flag("watch");
    Some(match (call.method.as_str(), one) {
        ("GET", true) => "get",
        ("GET", false) if watch => "watch",
        ("GET", false) => "list",
        ("POST", false) if somewhere => "create",
        ("PUT", true) => "update",
        ("PATCH", true) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) if somewhere => "deletecollection",
        _ => return None,
    })
}

/// As [`Done::response`], for the subresources.
pub(crate) fn respond(state: &State, call: &Call, done: Done) -> Response<Body> {
    done.response(state, call)
}
