//! One exchange: note the request, send it, note the answer.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use tower::BoxError;

use super::{
    Tap,
    delivery::Delivering,
    faults::{Fault, Met},
    path,
    read::{Event, Said},
};
use crate::evidence::{self, Actor, Answer, Delivery, Kind, Method};

pub type Passed = UnsyncBoxBody<Bytes, BoxError>;

/// What a request ends with when its connection does.
#[derive(Debug, thiserror::Error)]
#[error("the connection was reset by a fault")]
struct WasReset;

/// One actor's way to the server.
#[derive(Clone)]
pub struct Wire {
    pub inner: Client,
    pub tap: Tap,
    pub actor: Actor,
    pub process: u32,
}

/// Where a request is in the log, and what it asks for.
struct Noted {
    index: usize,
    method: Method,
    kind: Option<Kind>,
    /// The answer is a stream of which neither the length nor the end is known.
    streams: bool,
}

impl Wire {
    /// Passes a request on and its answer back. A fault acts in here: before the request is sent, in place of it, or on its
    /// answer.
    pub async fn exchange(self, request: Request<Body>) -> Result<Response<Passed>, BoxError> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let noted = self.note(&head, &body);
        let met = self.fault(&noted);
        let fault = met.map(|met| met.fault);
        match fault {
            Some(Fault::Refused {
                code,
                retry_after_seconds,
            }) => return Ok(self.refuse(&noted, code, retry_after_seconds)),
            Some(Fault::Reset) => return Err(WasReset.into()),
            Some(Fault::CrashBefore) => {
                self.tap.crash();
                return std::future::pending().await;
            }
            Some(Fault::WaitBefore) => self.wait(met).await,
            Some(Fault::Lost | Fault::CrashAfter | Fault::WaitAfter) | None => {}
        }
        let request = Request::from_parts(head, Body::from(body));
        let response = self.inner.send(request).await?;
        let (head, body) = response.into_parts();
        let code = head.status.as_u16();
        if noted.streams || code == 101 {
            self.answer(&noted, code, Said::default());
            let body = body.map_err(BoxError::from).boxed_unsync();
            let body = match noted.kind {
                Some(kind)
                    if noted.method == Method::Watch
                        && self.actor == Actor::Subject
                        && code == 200 =>
                {
                    Delivering::new(self, kind, noted.index, body).body()
                }
                _ => body,
            };
            return Ok(Response::from_parts(head, body));
        }
        let bytes = body.collect_bytes().await?;
        if matches!(fault, Some(Fault::Lost | Fault::CrashAfter)) {
            self.tap.lock().log.requests[noted.index].lost = true;
        }
        self.answer(
            &noted,
            code,
            serde_json::from_slice(&bytes).unwrap_or_default(),
        );
        match fault {
            Some(Fault::Lost) => return Err(WasReset.into()),
            Some(Fault::CrashAfter) => {
                self.tap.crash();
                return std::future::pending().await;
            }
            Some(Fault::WaitAfter) => self.wait(met).await,
            _ => {}
        }
        Ok(Response::from_parts(head, whole(bytes)))
    }

    /// The fault that a rule has for a request of the subject.
    fn fault(&self, noted: &Noted) -> Option<Met> {
        if self.actor != Actor::Subject {
            return None;
        }
        let mut book = self.tap.lock();
        let book = &mut *book;
        let request = &book.log.requests[noted.index];
        let met = book
            .faults
            .of_request(request.method, &request.plural, &request.name)?;
        let note = &mut book.log.faults[met.place];
        note.requests.push(noted.index);
        // What waits is under its rule until that is removed.
        let waits = matches!(met.fault, Fault::WaitBefore | Fault::WaitAfter);
        note.until = (met.used_up && !waits).then(|| self.tap.clock.now());
        Some(met)
    }

    async fn wait(&self, met: Option<Met>) {
        if let Some(met) = met {
            self.tap.removed(met).await;
        }
    }

    /// Answers in place of the server.
    fn refuse(
        &self,
        noted: &Noted,
        code: u16,
        retry_after_seconds: Option<u32>,
    ) -> Response<Passed> {
        let reason = match code {
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalError",
        };
        let mut status = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "a fault of the specification", "reason": reason, "code": code
        });
        if let Some(seconds) = retry_after_seconds {
            status["details"] = serde_json::json!({ "retryAfterSeconds": seconds });
        }
        let bytes = Bytes::from(status.to_string());
        self.answer(
            noted,
            code,
            serde_json::from_slice(&bytes).unwrap_or_default(),
        );
        let mut response = Response::new(whole(bytes));
        *response.status_mut() =
            http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        if let Some(seconds) = retry_after_seconds {
            headers.insert(http::header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn note(&self, head: &http::request::Parts, body: &Bytes) -> Noted {
        let path = head.uri.path();
        let asked = path::asked(
            &self.tap.target,
            &head.method,
            path,
            head.uri.query().unwrap_or_default(),
        );
        let body: Option<serde_json::Value> = (asked.method.writes())
            .then(|| serde_json::from_slice(body).ok())
            .flatten();
        let mut name = asked.name;
        if let (true, Some(body)) = (name.is_empty() && asked.method == Method::Create, &body) {
            body["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut name);
        }
        let mut book = self.tap.lock();
        let noted = Noted {
            index: book.log.requests.len(),
            method: asked.method,
            kind: asked.kind,
            streams: asked.method == Method::Watch
                || matches!(
                    asked.subresource.as_str(),
                    "log" | "exec" | "attach" | "portforward"
                ),
        };
        book.steps += 1;
        let request = evidence::Request {
            actor: self.actor,
            process: self.process,
            sent_at: self.tap.clock.now(),
            step: book.steps,
            method: asked.method,
            kind: asked.kind,
            plural: asked.plural,
            namespace: asked.namespace,
            name,
            subresource: asked.subresource,
            dry_run: asked.dry_run,
            body: body.map(std::sync::Arc::new),
            delivered: book.log.deliveries.len(),
            answer: None,
            lost: false,
            closed_at: None,
        };
        book.log.requests.push(request);
        noted
    }

    fn answer(&self, noted: &Noted, code: u16, said: Said) {
        let at = self.tap.clock.now();
        let mut book = self.tap.lock();
        book.steps += 1;
        let step = book.steps;
        if let (Some(kind), Actor::Subject, true) = (noted.kind, self.actor, code < 300)
            && matches!(noted.method, Method::Get | Method::List)
            && !book.log.requests[noted.index].lost
        {
            book.log.deliveries.extend(self.delivered(kind, &said));
        }
        let request = &mut book.log.requests[noted.index];
        let refused = code >= 400;
        let object = !refused && said.kind != "Status";
        if object && request.method == Method::Create && request.name.is_empty() {
            request.name.clone_from(&said.metadata.name);
        }
        let uid = match said.details {
            Some(details) if !object => details.uid,
            _ => said.metadata.uid.clone(),
        };
        request.answer = Some(Answer {
            at,
            step,
            code,
            version: said
                .metadata
                .version()
                .filter(|_| object && noted.method.writes()),
            uid: Some(uid).filter(|uid| !uid.is_empty()),
            reason: if refused {
                said.reason.text()
            } else {
                String::new()
            },
            message: if refused {
                said.message.text()
            } else {
                String::new()
            },
        });
    }

    /// What an object or a list shows. A list shows also what is not there any more: its own version is delivered under
    /// no name.
    fn delivered(&self, kind: Kind, said: &Said) -> Vec<Delivery> {
        let items = said.items.iter().flatten().map(|item| &item.metadata);
        let metas = items.chain([&said.metadata]);
        metas
            .filter_map(|meta| {
                Some(Delivery {
                    at: self.tap.clock.now(),
                    process: self.process,
                    kind,
                    namespace: meta.namespace.clone(),
                    name: meta.name.clone(),
                    version: meta.version()?,
                })
            })
            .collect()
    }

    /// Notes an event of a watch before it is passed on.
    pub fn overheard(&self, kind: Kind, line: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Event>(line) else {
            return;
        };
        if event.kind == "ERROR" {
            return;
        }
        let said = Said {
            metadata: event.object.metadata,
            ..Said::default()
        };
        let delivered = self.delivered(kind, &said);
        self.tap.lock().log.deliveries.extend(delivered);
    }
}

/// A body that is there at once.
fn whole(bytes: Bytes) -> Passed {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
