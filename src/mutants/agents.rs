//! Agents known to be wrong: each works through a client that changes what it sees of one kind.

use std::{
    collections::BTreeMap,
    future,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures::StreamExt as _;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::{Mutant, Part};
use crate::{inventory::Party, mini::agents::Name};

/// All of them.
pub(super) const ALL: &[Mutant] = &[
    mutant(
        "serves-stale-addresses",
        Party::Dns,
        "answers with the address that a pod's name had first",
        &["dns-pod-a-follows-recreate", "dns-no-stale-ip"],
        Name::Dns,
        |client| {
            let first = Mutex::new(BTreeMap::new());
            seeing(client, "endpointslices", move |_, slice| {
                remember_addresses(&first, slice);
                true
            })
        },
    ),
    mutant(
        "answers-for-unready-pods",
        Party::Dns,
        "answers with the addresses of pods that are not Ready",
        &["dns-not-ready-hidden"],
        Name::Dns,
        |client| {
            seeing(client, "endpointslices", |_, slice| {
                for endpoint in each(slice, "/endpoints") {
                    endpoint["conditions"]["ready"] = true.into();
                }
                true
            })
        },
    ),
    mutant(
        "keeps-data-in-the-pod",
        Party::Storage,
        "gives each pod an empty folder in place of its claim",
        &["pvc-data-survives", "pvc-follows-reschedule"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                for volume in each(pod, "/spec/volumes") {
                    if volume.get("persistentVolumeClaim").is_some() {
                        *volume = json!({"name": volume["name"], "emptyDir": {}});
                    }
                }
                true
            })
        },
    ),
    mutant(
        "gives-another-hostname",
        Party::Kubelet,
        "gives every pod the host name of its node",
        &["id-hostname-in-container"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["spec"]["hostname"] = "node-1".into();
                true
            })
        },
    ),
    mutant(
        "hears-of-slices-once",
        Party::Dns,
        "does not hear what becomes of the addresses that it heard of",
        &[
            "dns-negative-ttl",
            "dns-ready-to-resolvable",
            "dns-replicas-agree",
        ],
        Name::Dns,
        |client| seeing(client, "endpointslices", |verb, _| verb != "MODIFIED"),
    ),
    mutant(
        "names-unnamed-ports",
        Party::Dns,
        "gives a port without a name the name web",
        &["dns-srv-unnamed-none"],
        Name::Dns,
        |client| {
            seeing(client, "endpointslices", |_, slice| {
                for port in each(slice, "/ports") {
                    port["name"] = "web".into();
                }
                true
            })
        },
    ),
    mutant(
        "tells-the-service-port",
        Party::Dns,
        "tells port 80 of every pod",
        &["dns-srv-port-number"],
        Name::Dns,
        |client| {
            seeing(client, "endpointslices", |_, slice| {
                for port in each(slice, "/ports") {
                    port["port"] = 80.into();
                }
                true
            })
        },
    ),
    mutant(
        "wants-ports",
        Party::Dns,
        "takes a Service without a port for one with an address of its own",
        &["dns-no-ports-service"],
        Name::Dns,
        |client| {
            seeing(client, "services", |_, service| {
                if !service["spec"]["ports"].is_array() {
                    service["spec"]["clusterIP"] = "10.96.0.99".into();
                    service["spec"]["clusterIPs"] = json!(["10.96.0.99"]);
                }
                true
            })
        },
    ),
    mutant(
        "knows-one-name",
        Party::Dns,
        "knows addresses under the host names of pods alone",
        &["dns-ptr-two-services"],
        Name::Dns,
        |client| {
            seeing(client, "endpointslices", |_, slice| {
                each(slice, "/endpoints").all(|endpoint| endpoint["hostname"].is_string())
            })
        },
    ),
    mutant(
        "endpoints-without-names",
        Party::Neighbour,
        "does not see the host names of pods",
        &["dns-endpointslice-hostname"],
        Name::Endpoints,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["spec"]["hostname"] = Value::Null;
                true
            })
        },
    ),
    mutant(
        "takes-any-pod-for-an-endpoint",
        Party::Neighbour,
        "does not look at the name that a Service selects",
        &["id-per-pod-service"],
        Name::Endpoints,
        |client| {
            seeing(client, "services", |_, service| {
                if let Some(selector) = service["spec"]["selector"].as_object_mut() {
                    selector.remove("statefulset.kubernetes.io/pod-name");
                }
                true
            })
        },
    ),
    mutant(
        "keeps-host-names-short",
        Party::Kubelet,
        "gives a container the short host name whatever the template asks for",
        &["id-set-hostname-as-fqdn"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["spec"]["setHostnameAsFQDN"] = Value::Null;
                true
            })
        },
    ),
    mutant(
        "tells-no-labels",
        Party::Kubelet,
        "does not see the labels of a pod",
        &["id-downward-index"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["metadata"]["labels"] = Value::Null;
                true
            })
        },
    ),
    mutant(
        "resolves-as-its-node",
        Party::Kubelet,
        "lets pods ask the DNS of their node",
        &["dns-resolv-conf"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["spec"]["dnsPolicy"] = "Default".into();
                true
            })
        },
    ),
    mutant(
        "probes-no-sidecars",
        Party::Kubelet,
        "does not probe sidecars",
        &["x-sidecar-readiness"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                for container in each(pod, "/spec/initContainers") {
                    container["readinessProbe"] = Value::Null;
                }
                true
            })
        },
    ),
    mutant(
        "sees-no-endpoints",
        Party::Dns,
        "never hears of an address",
        &[
            "dns-service-a-set",
            "dns-pod-a",
            "dns-publish-not-ready",
            "dns-terminating-published",
            "dns-srv-n-by-m",
            "dns-srv-target",
            "dns-ptr-pod",
            "dns-case-insensitive",
            "dns-short-names",
            "dns-service-late",
            "dns-update-window",
        ],
        Name::Dns,
        |client| seeing(client, "endpointslices", |_, _| false),
    ),
    mutant(
        "keeps-names-for-ever",
        Party::Dns,
        "never hears that a Service or its addresses are gone",
        &["dns-service-deleted"],
        Name::Dns,
        |client| {
            let client = seeing(client, "services", |verb, _| verb != "DELETED");
            seeing(client, "endpointslices", |verb, slice| {
                let endpoints = slice["endpoints"].as_array();
                verb != "DELETED" && endpoints.is_some_and(|endpoints| !endpoints.is_empty())
            })
        },
    ),
    mutant(
        "ignores-hostname-overrides",
        Party::Kubelet,
        "gives a container the host name of its pod whatever else is asked for",
        &["id-hostname-override"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["spec"]["hostnameOverride"] = Value::Null;
                true
            })
        },
    ),
    mutant(
        "misses-lost-pods",
        Party::Neighbour,
        "never hears that a pod goes or is gone",
        &["x-deployment-replaces"],
        Name::ReplicaSets,
        |client| {
            seeing(client, "pods", |verb, pod| {
                verb != "DELETED" && pod["metadata"]["deletionTimestamp"] == Value::Null
            })
        },
    ),
    mutant(
        "never-lets-go",
        Party::Kubelet,
        "does not hear that its pods are to end",
        &["fail-node-returns"],
        Name::Node,
        |client| {
            seeing(client, "pods", |_, pod| {
                pod["metadata"]["deletionTimestamp"] == Value::Null
            })
        },
    ),
    mutant(
        "keeps-pods-of-gone-nodes",
        Party::Neighbour,
        "never hears that a node is gone",
        &["fail-node-deleted"],
        Name::PodGc,
        |client| seeing(client, "nodes", |verb, _| verb != "DELETED"),
    ),
    mutant(
        "collects-nothing",
        Party::Gc,
        "never sees a pod whose owner is gone",
        &[
            "rec-background-delete",
            "rec-foreground-delete",
            "rec-orphan-delete",
            "own-gc-no-dangling",
            "own-blockowner",
        ],
        Name::Garbage,
        |client| seeing(client, "pods", |_, _| false),
    ),
    mutant(
        "collects-no-claims",
        Party::Gc,
        "never sees a claim whose owner is gone",
        &["ret-deleted-gc", "ret-scaled-gc", "ret-orphan-delete"],
        Name::Garbage,
        |client| seeing(client, "persistentvolumeclaims", |_, _| false),
    ),
];

const fn mutant(
    id: &'static str,
    party: Party,
    says: &'static str,
    breaks: &'static [&'static str],
    name: Name,
    change: fn(Client) -> Client,
) -> Mutant {
    Mutant {
        id,
        party,
        says,
        breaks,
        part: Part::Agent { name, change },
    }
}

/// The items of a list in an object; none if it is absent.
fn each<'a>(object: &'a mut Value, place: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .pointer_mut(place)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// Gives each pod of a slice the addresses that its name had when it was first seen.
fn remember_addresses(first: &Mutex<BTreeMap<String, Value>>, slice: &mut Value) {
    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
    for endpoint in each(slice, "/endpoints") {
        let pod = endpoint["targetRef"]["name"].to_string();
        let now = endpoint["addresses"].clone();
        endpoint["addresses"] = first.entry(pod).or_insert(now).clone();
    }
}

/// A client whose watches of a kind pass each event's verb and object through `change`; where that is false the event is
/// left out.
fn seeing(
    client: Client,
    plural: &'static str,
    change: impl Fn(&str, &mut Value) -> bool + Send + Sync + 'static,
) -> Client {
    let change = Arc::new(change);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, change) = (client.clone(), Arc::clone(&change));
        async move {
            let watched = request.uri().path().ends_with(&format!("/{plural}"))
                && request
                    .uri()
                    .query()
                    .is_some_and(|query| query.contains("watch=true"));
            let response = client.send(request).await?;
            Ok::<_, kube::Error>(match watched {
                true => response.map(|body| changed(body, change)),
                false => response.map(|body| body.boxed_unsync()),
            })
        }
    });
    Client::new(service, "default")
}

type Seen = UnsyncBoxBody<Bytes, <Body as http_body::Body>::Error>;

/// The lines of a watch, each object changed.
fn changed(
    body: Body,
    change: Arc<impl Fn(&str, &mut Value) -> bool + Send + Sync + 'static>,
) -> Seen {
    let frames = body
        .into_data_stream()
        .scan(Vec::new(), move |rest: &mut Vec<u8>, piece| {
            future::ready(Some(piece.map(|bytes| {
                rest.extend_from_slice(&bytes);
                let end = rest
                    .iter()
                    .rposition(|byte| *byte == b'\n')
                    .map_or(0, |at| at + 1);
                let whole: Vec<u8> = rest.drain(..end).collect();
                let lines = whole.split_inclusive(|byte| *byte == b'\n');
                let lines: Vec<u8> = lines
                    .filter_map(|line| event(line, &*change))
                    .flatten()
                    .collect();
                Frame::data(Bytes::from(lines))
            })))
        });
    StreamBody::new(frames).boxed_unsync()
}

/// One event of a watch, its object changed; none if it is left out.
fn event(line: &[u8], change: &impl Fn(&str, &mut Value) -> bool) -> Option<Vec<u8>> {
    let Ok(mut event) = serde_json::from_slice::<Value>(line) else {
        return Some(line.to_vec());
    };
    let verb = event["type"].as_str().unwrap_or_default().to_owned();
    if matches!(verb.as_str(), "BOOKMARK" | "ERROR") {
        return Some(line.to_vec());
    }
    change(&verb, &mut event["object"]).then(|| format!("{event}\n").into_bytes())
}
