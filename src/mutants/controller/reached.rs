//! Controllers whose requests are others than they should be, or who take answers for what they are not.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::{Mutant, Part};
use crate::inventory::Party;

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "waits-for-the-service",
        "creates no pod of a set whose Service bears another name than its own and is not there",
        &["ord-service-absent-ok"],
        |client| through(client, waits_for_the_service),
    ),
    mutant(
        "evicts",
        "asks for evictions where it has to delete",
        &["upd-pdb-ignored"],
        |client| through(client, evicts),
    ),
    mutant(
        "applies-the-size",
        "applies the number of replicas with each status",
        &["x-managed-fields"],
        |client| through(client, applies_the_size),
    ),
    mutant(
        "takes-failures-for-deletions",
        "takes a deletion that failed for one that was done",
        &["scale-parallel-down-error"],
        |client| through(client, takes_failures_for_deletions),
    ),
    mutant(
        "cannot-lose-a-pod",
        "takes it for a failure that a pod to be deleted is gone",
        &["upd-delete-404-ok"],
        |client| through(client, cannot_lose_a_pod),
    ),
    mutant(
        "adopts-by-name",
        "adopts whatever pod bears the name",
        &["own-adopt-uid-guard"],
        |client| through(client, adopts_by_name),
    ),
    mutant(
        "complains-of-taken-names",
        "takes a name that is taken for a failure of the server",
        &["ev-already-exists-silent"],
        |client| through(client, complains_of_taken_names),
    ),
];

const fn mutant(
    id: &'static str,
    says: &'static str,
    breaks: &'static [&'static str],
    change: fn(Client) -> Client,
) -> Mutant {
    Mutant {
        id,
        party: Party::Controller,
        says,
        breaks,
        part: Part::Requests(change),
    }
}

type Said = UnsyncBoxBody<Bytes, <Body as http_body::Body>::Error>;
type Answer = BoxFuture<'static, Result<Response<Said>, kube::Error>>;

/// A client that hands each request, and what goes with it, to `pass`.
fn through(client: Client, pass: fn(Client, Parts, Bytes) -> Answer) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            let (parts, body) = request.into_parts();
            let sent = body.collect().await?.to_bytes();
            pass(client, parts, sent).await
        }
    });
    Client::new(service, "default")
}

async fn send(client: &Client, parts: Parts, body: Bytes) -> Result<Response<Said>, kube::Error> {
    let request = Request::from_parts(parts, Body::from(body.to_vec()));
    let response = client.send(request).await?;
    Ok(response.map(|body| body.boxed_unsync()))
}

/// Asks for something else.
async fn ask(
    client: &Client,
    method: Method,
    place: &str,
    media: &str,
    body: Value,
) -> Result<Response<Said>, kube::Error> {
    let request = Request::builder()
        .method(method)
        .uri(place)
        .header(header::CONTENT_TYPE, media)
        .body(Body::from(body.to_string().into_bytes()))
        .map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    Ok(response.map(|body| body.boxed_unsync()))
}

/// An answer that the server never gave.
fn answer(code: StatusCode, reason: &str) -> Result<Response<Said>, kube::Error> {
    let status = match code.is_success() {
        true => "Success",
        false => "Failure",
    };
    let body = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": status,
        "reason": reason, "message": "it is so", "code": code.as_u16(),
    });
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
    Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.boxed_unsync())
        .map_err(kube::Error::HttpError)
}

fn is_of_pods(parts: &Parts, method: Method) -> bool {
    parts.method == method && parts.uri.path().contains("/pods")
}

fn waits_for_the_service(client: Client, parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        if is_of_pods(&parts, Method::POST) {
            let pod: Value = serde_json::from_slice(&body).unwrap_or_default();
            let text = |place: &str| {
                pod.pointer(place)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let (service, prefix) = (text("/spec/subdomain"), text("/metadata/generateName"));
            if !service.is_empty() && service != prefix.trim_end_matches('-') {
                let place = parts.uri.path().replace("/pods", "/services");
                let place = format!("{place}/{service}");
                let found = ask(
                    &client,
                    Method::GET,
                    &place,
                    "application/json",
                    Value::Null,
                );
                if found.await?.status() == StatusCode::NOT_FOUND {
                    return answer(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
                }
            }
        }
        send(&client, parts, body).await
    })
}

fn evicts(client: Client, parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        if !is_of_pods(&parts, Method::DELETE) {
            return send(&client, parts, body).await;
        }
        let path = parts.uri.path();
        let name = path.rsplit('/').next().unwrap_or_default();
        let options: Value = serde_json::from_slice(&body).unwrap_or_default();
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name},
            "deleteOptions": {"preconditions": options["preconditions"]},
        });
        let place = format!("{path}/eviction");
        ask(&client, Method::POST, &place, "application/json", eviction).await
    })
}

fn applies_the_size(client: Client, mut parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        let path = parts.uri.path().to_owned();
        let set = path.strip_suffix("/status").map(str::to_owned);
        if let Some(set) = set.filter(|_| parts.method == Method::PUT) {
            let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
            let size = json!({
                "apiVersion": sent["apiVersion"], "kind": sent["kind"],
                "metadata": {"name": sent["metadata"]["name"]},
                "spec": {"replicas": sent["spec"]["replicas"]},
            });
            let place = format!("{set}?fieldManager=scaler&force=true");
            let media = "application/apply-patch+yaml";
            let applied = ask(&client, Method::PATCH, &place, media, size).await?;
            // Whoever changed the version has to look again.
            if applied.status().is_success()
                && let Ok(uri) = format!("{path}?fieldManager=scaler").parse()
            {
                parts.uri = uri;
                let mut sent = sent;
                sent["metadata"]["resourceVersion"] = Value::Null;
                return send(&client, parts, Bytes::from(sent.to_string())).await;
            }
        }
        send(&client, parts, body).await
    })
}

fn takes_failures_for_deletions(client: Client, parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        let is_deletion = is_of_pods(&parts, Method::DELETE);
        let response = send(&client, parts, body).await?;
        match is_deletion && response.status().is_server_error() {
            true => answer(StatusCode::OK, ""),
            false => Ok(response),
        }
    })
}

fn cannot_lose_a_pod(client: Client, parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        let is_deletion = is_of_pods(&parts, Method::DELETE);
        let response = send(&client, parts, body).await?;
        match is_deletion && response.status() == StatusCode::NOT_FOUND {
            true => answer(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            false => Ok(response),
        }
    })
}

fn adopts_by_name(client: Client, parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        if !is_of_pods(&parts, Method::PATCH) {
            return send(&client, parts, body).await;
        }
        let mut patch: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(metadata) = patch["metadata"].as_object_mut() {
            metadata.remove("uid");
        }
        send(&client, parts, Bytes::from(patch.to_string())).await
    })
}

fn complains_of_taken_names(client: Client, parts: Parts, body: Bytes) -> Answer {
    Box::pin(async move {
        let is_creation = is_of_pods(&parts, Method::POST);
        let response = send(&client, parts, body).await?;
        match is_creation && response.status() == StatusCode::CONFLICT {
            true => answer(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            false => Ok(response),
        }
    })
}
