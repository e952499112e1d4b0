//! The way to the server and back.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::Value;

/// A request on its way to the server.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Null if it is not JSON.
    pub(super) body: Value,
}

/// An answer on its way back.
pub(super) struct Answered {
    pub(super) code: StatusCode,
    pub(super) headers: HeaderMap,
    /// Null if it is not JSON.
    pub(super) body: Value,
}

/// What is asked stays as it is.
pub(super) fn nothing(_: &mut Asked) {}

/// What is answered stays as it is.
pub(super) fn silently(_: &Asked, _: &mut Answered) {}

/// The request is about sets: one, or all of them.
pub(super) fn is_set(asked: &Asked) -> bool {
    asked.path.contains("/statefulsets")
}

/// What is said to be wrong with a request.
pub(super) fn causes(answered: &mut Answered) -> Option<&mut Vec<Value>> {
    let causes = answered.body.pointer_mut("/details/causes");
    causes.and_then(Value::as_array_mut)
}

/// Grants what was refused, without doing it.
pub(super) fn accept(asked: &Asked, answered: &mut Answered) {
    answered.code = match asked.method.as_str() {
        "POST" => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    answered.body = asked.body.clone();
}

/// Strikes causes of a refusal, and grants what was refused for no other.
pub(super) fn grant(asked: &Asked, answered: &mut Answered, forgiven: impl Fn(&Value) -> bool) {
    let Some(causes) = causes(answered) else {
        return;
    };
    let before = causes.len();
    causes.retain(|cause| !forgiven(cause));
    if causes.is_empty() && before > 0 {
        accept(asked, answered);
    }
}

/// A server that forgives what is wrong with some fields of sets.
pub(super) fn forgive(client: Client, field: fn(&str) -> bool) -> Client {
    serve(client, nothing, move |asked, answered| {
        if is_set(asked) {
            grant(asked, answered, |cause| {
                cause["field"].as_str().is_some_and(field)
            });
        }
    })
}

type Said = UnsyncBoxBody<Bytes, <Body as http_body::Body>::Error>;
type Ask = Arc<dyn Fn(&mut Asked) + Send + Sync>;
type Answer = Arc<dyn Fn(&Asked, &mut Answered) + Send + Sync>;

/// A client whose requests pass `ask` and whose answers pass `answer`. Streams pass as they are.
pub(super) fn serve(
    client: Client,
    ask: impl Fn(&mut Asked) + Send + Sync + 'static,
    answer: impl Fn(&Asked, &mut Answered) + Send + Sync + 'static,
) -> Client {
    let (ask, answer): (Ask, Answer) = (Arc::new(ask), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        exchange(client.clone(), request, ask.clone(), answer.clone())
    });
    Client::new(service, "default")
}

async fn exchange(
    client: Client,
    request: Request<Body>,
    ask: Ask,
    answer: Answer,
) -> Result<Response<Said>, kube::Error> {
    let (mut parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let follows = query.contains("watch=true") || query.contains("follow=true");
    if parts.headers.contains_key(header::UPGRADE) {
        let response = client.send(Request::from_parts(parts, body)).await?;
        return Ok(response.map(|body| body.boxed_unsync()));
    }
    let sent = body.collect().await?.to_bytes();
    let mut asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query,
        body: serde_json::from_slice(&sent).unwrap_or_default(),
    };
    let before = asked.body.clone();
    ask(&mut asked);
    let sent = bytes(sent, &before, &asked.body);
    redirect(&mut parts, &asked);
    let request = Request::from_parts(parts, Body::from(sent.to_vec()));
    let response = client.send(request).await?;
    if follows {
        return Ok(response.map(|body| body.boxed_unsync()));
    }
    let (mut head, body) = response.into_parts();
    let said = body.collect().await?.to_bytes();
    let mut answered = Answered {
        code: head.status,
        headers: head.headers,
        body: serde_json::from_slice(&said).unwrap_or_default(),
    };
    let before = answered.body.clone();
    answer(&asked, &mut answered);
    let said = bytes(said, &before, &answered.body);
    answered.headers.remove(header::CONTENT_LENGTH);
    (head.status, head.headers) = (answered.code, answered.headers);
    let body = Full::new(said).map_err(|never| match never {});
    Ok(Response::from_parts(head, body.boxed_unsync()))
}

/// A body as it was, unless a rule changed it.
fn bytes(was: Bytes, before: &Value, after: &Value) -> Bytes {
    match before == after {
        true => was,
        false => Bytes::from(after.to_string()),
    }
}

/// Sends a request where it is to go now.
fn redirect(parts: &mut Parts, asked: &Asked) {
    let place = match asked.query.is_empty() {
        true => asked.path.clone(),
        false => format!("{}?{}", asked.path, asked.query),
    };
    if let Ok(uri) = place.parse() {
        parts.uri = uri;
    }
}
