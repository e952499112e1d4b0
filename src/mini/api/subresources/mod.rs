//! The paths below an object.

mod binding;
mod connect;
mod eviction;
pub(crate) mod reviews;
mod scale;

use std::sync::Arc;

use http::Response;

use super::{
    Status,
    resources::Subresource,
    server::State,
    verbs::{self, Call, Done},
};
use crate::mini::kubelet::Body;

/// Does what a request for a subresource asks for.
pub(crate) async fn dispatch(state: &Arc<State>, call: Call) -> Result<Response<Body>, Status> {
    let Some(subresource) = call.target.subresource else {
        return Err(Status::method_not_allowed());
    };
    let verb = match call.method.as_str() {
        "GET" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        _ => return Err(Status::method_not_allowed()),
    };
    if !subresource.verbs().contains(&verb) {
        return Err(Status::method_not_allowed());
    }
    use Subresource::{Attach, Binding, Eviction, Exec, Log, Scale};
    let done = match (subresource, verb) {
        (Exec | Attach | Log, _) => return connect::connect(state, call, subresource).await,
        (Binding, _) => binding::create(state, &call)?,
        (Eviction, _) => eviction::create(state, &call)?,
        (Scale, _) => scale::handle(state, &call, verb)?,
        (_, "get") => verbs::get(state, &call)?,
        (part, "update") => verbs::replace(state, &call, part)?,
        (part, "patch") => verbs::change(state, &call, part)?,
        _ => return Err(Status::method_not_allowed()),
    };
    Ok(verbs::respond(state, &call, done))
}

/// A `Status` that says that it is done.
fn success() -> Done {
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
    });
    Done::new(201, status)
}
