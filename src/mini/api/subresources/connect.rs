//! Exec, attach and logs: the pod's node serves them, the server finds it and hands the request over.

use std::sync::Arc;

use form_urlencoded::Serializer;
use http::{Request, Response};
use serde_json::Value;

use crate::mini::{
    api::{
        Status,
        http::answer,
        meta,
        resources::{self, Subresource},
        server::State,
        store::Object,
        verbs::Call,
    },
    kubelet::Body,
};

/// The parameters of the streams of exec and attach: as clients call them, and as kubelets do.
const STREAMS: [(&str, &str); 4] = [
    ("stdin", "input"),
    ("stdout", "output"),
    ("stderr", "error"),
    ("tty", "tty"),
];
/// The parameters of logs.
const LOG: [&str; 7] = [
    "follow",
    "previous",
    "timestamps",
    "sinceSeconds",
    "sinceTime",
    "tailLines",
    "limitBytes",
];

/// Hands a request over to the kubelet of the pod's node.
///
/// # Errors
///
/// 404 for a pod or a node that is not there, 400 for a container that the pod does not have or a pod without a node,
/// 500 if the node does not answer.
pub(super) async fn connect(
    state: &Arc<State>,
    mut call: Call,
    what: Subresource,
) -> Result<Response<Body>, Status> {
    let pod = pod(state, &call)?;
    let container = container(&pod, call.query.text("container"))?;
    let node = meta::at(&pod, "/spec/nodeName");
    if node.is_empty() {
        return match what {
            Subresource::Log => Ok(answer::full(200, "text/plain", "")),
            _ => {
                let name = meta::text(&pod, "name");
                let text = format!("pod {name} does not have a host assigned");
                Err(Status::bad_request(text))
            }
        };
    }
    let uri = uri(&call, what, &container);
    let Some(kubelet) = state.kubelets.of(node) else {
        return Err(unreachable(state, node, what, &uri)?);
    };
    if what != Subresource::Log && call.upgrade.is_none() {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let mut request = Request::new(());
    *request.method_mut() = call.method;
    *request.uri_mut() = uri
        .parse()
        .map_err(|error| Status::bad_request(format!("cannot ask the node for {uri}: {error}")))?;
    *request.headers_mut() = call.headers;
    if let Some(upgrade) = call.upgrade.take() {
        request.extensions_mut().insert(upgrade);
    }
    Ok(kubelet.handle(request).await)
}

fn pod(state: &State, call: &Call) -> Result<Object, Status> {
    let target = &call.target;
    let tx = state.store.begin(false);
    tx.get(target.resource, target.namespace(), target.name())
        .ok_or_else(|| Status::not_found("", "pods", target.name()))
}

/// The container that is meant: the only one, if none is named.
fn container(pod: &Value, named: &str) -> Result<String, Status> {
    let names = |list: &str| -> Vec<&str> {
        let list = pod["spec"][list].as_array().into_iter().flatten();
        list.filter_map(|container| container["name"].as_str())
            .collect()
    };
    let (own, init) = (names("containers"), names("initContainers"));
    let pod_name = meta::text(pod, "name");
    if !named.is_empty() {
        let known = own.contains(&named)
            || init.contains(&named)
            || names("ephemeralContainers").contains(&named);
        return match known {
            true => Ok(named.to_owned()),
            false => Err(Status::bad_request(format!(
                "container {named} is not valid for pod {pod_name}"
            ))),
        };
    }
    if let [only] = own.as_slice() {
        return Ok((*only).to_owned());
    }
    let mut text = format!("a container name must be specified for pod {pod_name}");
    if !own.is_empty() {
        text.push_str(&format!(", choose one of: [{}]", own.join(" ")));
    }
    if !init.is_empty() {
        text.push_str(&format!(
            " or one of the init containers: [{}]",
            init.join(" ")
        ));
    }
    Err(Status::bad_request(text))
}

fn uri(call: &Call, what: Subresource, container: &str) -> String {
    let target = &call.target;
    let mut query = Serializer::new(String::new());
    let path = match what {
        Subresource::Log => {
            for name in LOG {
                call.query.all(name).into_iter().for_each(|value| {
                    query.append_pair(name, value);
                });
            }
            "containerLogs"
        }
        _ => {
            for command in call.query.all("command") {
                query.append_pair("command", command);
            }
            for (name, of_kubelets) in STREAMS {
                let output = matches!(name, "stdout" | "stderr");
                if call.query.choice(name).unwrap_or(output) {
                    query.append_pair(of_kubelets, "1");
                }
            }
            if what == Subresource::Exec {
                "exec"
            } else {
                "attach"
            }
        }
    };
    let (namespace, name) = (target.namespace(), target.name());
    format!("/{path}/{namespace}/{name}/{container}?{}", query.finish())
}

/// What is said of a node where nobody answers.
fn unreachable(state: &State, node: &str, what: Subresource, uri: &str) -> Result<Status, Status> {
    let tx = state.store.begin(false);
    let object = tx
        .get(resources::named("", "nodes"), "", node)
        // Real servers name the wrong resource too.
        .ok_or_else(|| Status::not_found("", "pods", node))?;
    let addresses = object["status"]["addresses"].as_array();
    let mut addresses = addresses.into_iter().flatten();
    let address = addresses
        .find(|address| address["type"] == "InternalIP")
        .and_then(|address| address["address"].as_str())
        .unwrap_or(node);
    let dial = format!("dial tcp {address}:10250: connect: connection refused");
    Ok(match what {
        Subresource::Log => {
            let path = uri.trim_end_matches('?');
            Status::new(
                500,
                "InternalError",
                format!("Get \"https://{address}:10250{path}\": {dial}"),
            )
        }
        _ => Status::new(500, "", format!("error dialing backend: {dial}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_container_is_named_or_the_only_one() {
        let pod = |names: &[&str]| {
            let containers: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"metadata": {"name": "web-0"}, "spec": {"containers": containers}})
        };
        assert_eq!(container(&pod(&["a"]), "").unwrap(), "a");
        assert_eq!(container(&pod(&["a", "b"]), "b").unwrap(), "b");
        let text = |pod: &Value, named: &str| container(pod, named).unwrap_err().message;
        assert_eq!(
            text(&pod(&["a"]), "x"),
            "container x is not valid for pod web-0"
        );
        assert_eq!(
            text(&pod(&["a", "b"]), ""),
            "a container name must be specified for pod web-0, choose one of: [a b]"
        );
    }
}
