//! Logs: what a container has written, once or as it comes.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::{Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};

use super::{Parameters, Refusal, refuse};
use crate::mini::{
    agents::{
        Key,
        node::{
            Node, Shown,
            output::{Line, Output},
        },
    },
    kubelet::Body,
};

/// Which lines of a log are wanted.
pub(super) struct Wanted {
    tail: Option<usize>,
    since: Option<jiff::Timestamp>,
    timestamps: bool,
    limit: Option<usize>,
}

impl Wanted {
    /// The text of the lines, without what is older than wanted.
    fn text(&self, lines: &[Line]) -> Vec<u8> {
        let recent = lines
            .iter()
            .filter(|line| self.since.is_none_or(|since| line.at >= since));
        let recent: Vec<&Line> = recent.collect();
        let skip = self
            .tail
            .map_or(0, |tail| recent.len().saturating_sub(tail));
        let mut text = Vec::new();
        for line in &recent[skip..] {
            if self.timestamps {
                text.extend(format!("{:.9} ", line.at).bytes());
            }
            text.extend_from_slice(&line.bytes);
        }
        text.truncate(self.limit.unwrap_or(usize::MAX));
        text
    }
}

pub(super) fn logs(
    node: &Arc<Node>,
    key: &Key,
    container: &str,
    shown: Shown,
    parameters: &Parameters,
) -> Result<Response<Body>, Refusal> {
    let pod = &key.name;
    let output = match parameters.is("previous") {
        true => {
            let message =
                format!("previous terminated container \"{container}\" in pod \"{pod}\" not found");
            let previous = match shown.live {
                Some(_) => shown.previous,
                // The run that ended last is the one before the next.
                None => shown.previous.or(shown.output),
            };
            previous.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, &message))?
        }
        false => {
            let message = format!(
                "container \"{container}\" in pod \"{pod}\" is waiting to start: ContainerCreating"
            );
            shown
                .output
                .ok_or_else(|| refuse(StatusCode::BAD_REQUEST, &message))?
        }
    };
    let now = node.context.clock.now();
    let seconds = parameters
        .get("sinceSeconds")
        .and_then(|text| text.parse().ok());
    let since = seconds.map(|seconds| now - jiff::SignedDuration::from_secs(seconds));
    let since = since.or_else(|| {
        parameters
            .get("sinceTime")
            .and_then(|text| text.parse().ok())
    });
    let wanted = Wanted {
        tail: parameters.number("tailLines"),
        since,
        timestamps: parameters.is("timestamps"),
        limit: parameters.number("limitBytes"),
    };
    let body = match parameters.is("follow") {
        false => Full::new(Bytes::from(wanted.text(&output.lines().0))).boxed_unsync(),
        true => follow(output, wanted),
    };
    let mut response = Response::new(body);
    let text = header::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    Ok(response)
}

/// What is there, and then each line as it comes, until the container ends.
pub(super) fn follow(output: Output, mut wanted: Wanted) -> Body {
    let first = (output, 0, true);
    let lines = stream::unfold(first, move |(output, mut sent, mut begins)| {
        let (tail, since) = (wanted.tail.take(), wanted.since);
        let (timestamps, limit) = (wanted.timestamps, wanted.limit);
        async move {
            loop {
                let (lines, more) = output.lines();
                let all: usize = lines.iter().map(|line| line.bytes.len()).sum();
                // Without times the log is one text, and what is new is what is longer.
                let wanted = Wanted {
                    tail: tail.filter(|_| begins),
                    since,
                    timestamps,
                    limit,
                };
                let fresh = match begins {
                    true => wanted.text(&lines),
                    false => {
                        let mut seen = 0;
                        let new = lines.into_iter().filter_map(|mut line| {
                            let from = sent.max(seen) - seen;
                            seen += line.bytes.len();
                            (from < line.bytes.len()).then(|| {
                                line.bytes.drain(..from);
                                line
                            })
                        });
                        wanted.text(&new.collect::<Vec<_>>())
                    }
                };
                (begins, sent) = (false, all);
                if !fresh.is_empty() {
                    return Some((Ok(Frame::data(Bytes::from(fresh))), (output, sent, false)));
                }
                if !more {
                    return None;
                }
                output.grown(all).await;
            }
        }
    });
    StreamBody::new(lines).boxed_unsync()
}
