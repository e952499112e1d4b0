//! API servers known to be wrong: what is asked of one passes a rule on its way in, and what it says on its way out.

mod exchange;

use http::header;
use kube::Client;
use serde_json::{Value, json};

use self::exchange::{accept, causes, forgive, grant, is_set, nothing, serve, silently};
use super::{Mutant, Part};
use crate::inventory::Party;

/// All of them.
pub(super) const ALL: &[Mutant] = &[
    mutant(
        "accepts-no-selector",
        "accepts a set without a selector",
        &["val-selector-required", "val-selector-empty"],
        |client| {
            forgive(client, |field| {
                field == "spec.selector" || field == "spec.template.metadata.labels"
            })
        },
    ),
    mutant(
        "accepts-strange-pods",
        "accepts a selector that does not match the template",
        &["val-selector-template-mismatch"],
        |client| forgive(client, |field| field == "spec.template.metadata.labels"),
    ),
    mutant(
        "accepts-any-name",
        "accepts a set of any name",
        &["val-name-dns-label"],
        |client| forgive(client, |field| field == "metadata.name"),
    ),
    mutant(
        "accepts-any-service-name",
        "accepts a Service name that is no DNS label",
        &["val-service-name"],
        |client| forgive(client, |field| field == "spec.serviceName"),
    ),
    mutant(
        "accepts-fewer-than-no-pods",
        "accepts a negative number of replicas",
        &["val-replicas-negative"],
        |client| forgive(client, |field| field == "spec.replicas"),
    ),
    mutant(
        "accepts-negative-times",
        "accepts a negative minReadySeconds",
        &["val-min-ready-negative"],
        |client| forgive(client, |field| field == "spec.minReadySeconds"),
    ),
    mutant(
        "accepts-negative-ordinals",
        "accepts a negative first ordinal",
        &["val-ordinals-negative"],
        |client| forgive(client, |field| field == "spec.ordinals.start"),
    ),
    mutant(
        "accepts-negative-partitions",
        "accepts a negative partition",
        &["val-partition-negative", "part-negative"],
        |client| forgive(client, |field| field.ends_with(".partition")),
    ),
    mutant(
        "accepts-any-policy",
        "accepts any pod management policy",
        &["val-pod-management"],
        |client| forgive(client, |field| field == "spec.podManagementPolicy"),
    ),
    mutant(
        "accepts-any-strategy",
        "accepts any update strategy",
        &["val-strategy", "rcr-gate-off"],
        |client| forgive(client, |field| field == "spec.updateStrategy"),
    ),
    mutant(
        "accepts-idle-blocks",
        "accepts what belongs to a rolling update with another strategy",
        &["val-rolling-only", "ond-rolling-params-rejected"],
        |client| forgive(client, |field| field == "spec.updateStrategy.rollingUpdate"),
    ),
    mutant(
        "accepts-any-budget",
        "accepts any maxUnavailable",
        &["val-max-unavailable", "maxu-invalid"],
        |client| forgive(client, |field| field.ends_with(".maxUnavailable")),
    ),
    mutant(
        "accepts-any-retention",
        "accepts any fate of claims",
        &["val-retention-values", "ret-invalid"],
        |client| forgive(client, |field| field.contains("RetentionPolicy")),
    ),
    mutant(
        "accepts-any-claim",
        "accepts claim templates that no claim can be made of",
        &["pvc-invalid-template-rejected"],
        |client| {
            forgive(client, |field| {
                field.starts_with("spec.volumeClaimTemplates[")
            })
        },
    ),
    mutant(
        "takes-less-for-a-change",
        "takes claim templates without their defaults for others",
        &["pvc-template-noop-apply"],
        |client| {
            serve(
                client,
                |asked| {
                    let claims = asked.body.pointer_mut("/spec/volumeClaimTemplates/0/spec");
                    if asked.method == "PATCH"
                        && let Some(claim) = claims
                        && claim["volumeMode"].is_null()
                    {
                        claim["volumeMode"] = "Block".into();
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "accepts-mortal-pods",
        "accepts pods that are not restarted, or have a deadline",
        &["val-restart-policy", "val-active-deadline"],
        |client| {
            forgive(client, |field| {
                field.ends_with("restartPolicy") || field.ends_with("activeDeadlineSeconds")
            })
        },
    ),
    mutant(
        "checks-no-template",
        "does not look into the template",
        &["val-template-full", "val-claim-name-via-volume"],
        |client| forgive(client, |field| field.starts_with("spec.template.spec.")),
    ),
    mutant(
        "accepts-any-status",
        "accepts a status that cannot be",
        &["val-status-bounds", "st-collision-write"],
        |client| forgive(client, |field| field.starts_with("status.")),
    ),
    mutant(
        "accepts-empty-claims",
        "accepts a claim template that asks for nothing",
        &["pvc-invalid-template-rejected"],
        |client| {
            forgive(client, |field| {
                field.starts_with("spec.volumeClaimTemplates[0].spec")
            })
        },
    ),
    mutant(
        "changes-anything",
        "accepts a change of what is immutable",
        &["val-immutable-fields", "pvc-template-immutable"],
        |client| {
            serve(client, nothing, |asked, answered| {
                if asked.method == "PUT" {
                    grant(asked, answered, |cause| {
                        cause["message"]
                            .as_str()
                            .is_some_and(|text| text.ends_with("field is immutable"))
                    });
                }
            })
        },
    ),
    mutant(
        "blames-the-spec",
        "blames the spec for a change of any immutable field",
        &["val-immutable-fields-cause"],
        |client| {
            serve(client, nothing, |_, answered| {
                if let Some(causes) = causes(answered) {
                    let is_of_change = |cause: &Value| {
                        cause["message"]
                            .as_str()
                            .is_some_and(|text| text.ends_with("field is immutable"))
                    };
                    if causes.iter().any(is_of_change) {
                        *causes = vec![
                            json!({"reason": "FieldValueForbidden", "field": "spec", "message": "Forbidden"}),
                        ];
                    }
                }
            })
        },
    ),
    mutant(
        "tells-one-fault",
        "tells the first fault only",
        &["val-error-list"],
        |client| {
            serve(client, nothing, |_, answered| {
                if let Some(causes) = causes(answered) {
                    causes.truncate(1);
                }
            })
        },
    ),
    mutant(
        "checks-host-names",
        "refuses a template whose host name is none",
        &["val-template-hostname-free"],
        |client| {
            serve(
                client,
                |asked| {
                    let hostname = asked
                        .body
                        .pointer("/spec/template/spec/hostname")
                        .and_then(Value::as_str);
                    if is_set(asked) && hostname.is_some_and(|name| name.contains('_')) {
                        asked.body["spec"]["template"]["spec"]["containers"] = json!([]);
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "refuses-claims-of-one-name",
        "refuses two claim templates of one name",
        &["val-claim-template-duplicate"],
        |client| {
            serve(
                client,
                |asked| {
                    let claims = asked
                        .body
                        .pointer("/spec/volumeClaimTemplates")
                        .and_then(Value::as_array);
                    if claims.is_some_and(|claims| {
                        claims.len() > 1
                            && claims[0]["metadata"]["name"] == claims[1]["metadata"]["name"]
                    }) {
                        asked.body["spec"]["replicas"] = json!(-1);
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "forgets-waiting-times",
        "drops a changed minReadySeconds",
        &["val-mutable-fields"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked) && asked.method == "PUT" {
                        asked.body["spec"]["minReadySeconds"] = Value::Null;
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "counts-labels",
        "counts a change of labels as one of the spec",
        &["val-metadata-mutable", "api-generation"],
        |client| {
            serve(client, nothing, |asked, answered| {
                let labels = answered
                    .body
                    .pointer("/metadata/labels")
                    .and_then(Value::as_object)
                    .map_or(0, serde_json::Map::len);
                if is_set(asked)
                    && let Some(generation) = answered.body.pointer_mut("/metadata/generation")
                {
                    *generation = json!(generation.as_u64().unwrap_or(0) + labels as u64);
                }
            })
        },
    ),
    mutant(
        "knows-no-strictness",
        "treats unknown fields as it likes",
        &["val-unknown-field"],
        |client| {
            serve(
                client,
                |asked| asked.query = asked.query.replace("fieldValidation", "ignored"),
                silently,
            )
        },
    ),
    mutant(
        "defaults-to-parallel",
        "takes Parallel for the default",
        &["val-defaults"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked)
                        && asked.method == "POST"
                        && asked.body["spec"]["podManagementPolicy"].is_null()
                    {
                        asked.body["spec"]["podManagementPolicy"] = "Parallel".into();
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "deletes-by-default",
        "takes Delete for the default fate of claims",
        &["ret-default"],
        |client| {
            serve(
                client,
                |asked| {
                    if asked.method == "POST" && is_set(asked) {
                        let fate = &mut asked.body["spec"]["persistentVolumeClaimRetentionPolicy"];
                        if fate["whenDeleted"].is_null() {
                            fate["whenDeleted"] = "Delete".into();
                        }
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "rolls-as-it-likes",
        "completes a rolling update otherwise than documented",
        &["part-missing-default", "maxu-default"],
        |client| {
            serve(
                client,
                |asked| {
                    let strategy = &asked.body["spec"]["updateStrategy"];
                    if asked.method == "POST" && strategy["type"] == "RollingUpdate" {
                        let block = &mut asked.body["spec"]["updateStrategy"]["rollingUpdate"];
                        for field in ["partition", "maxUnavailable"] {
                            if block[field].is_null() {
                                block[field] = 2.into();
                            }
                        }
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "keeps-what-is-gated",
        "keeps maxUnavailable although its feature gate is off",
        &["maxu-gate-off-dropped"],
        |client| {
            serve(client, nothing, |_, answered| {
                let block = answered
                    .body
                    .pointer_mut("/spec/updateStrategy/rollingUpdate");
                if let Some(block) = block
                    && block["maxUnavailable"].is_null()
                {
                    block["maxUnavailable"] = 2.into();
                }
            })
        },
    ),
    mutant(
        "creates-twice",
        "grants a set whose name is taken",
        &["val-duplicate-create"],
        |client| {
            serve(client, nothing, |asked, answered| {
                if is_set(asked) && answered.body["reason"] == "AlreadyExists" {
                    accept(asked, answered);
                }
            })
        },
    ),
    mutant(
        "makes-no-names",
        "does not make up names",
        &["val-generate-name"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked)
                        && let Some(metadata) = asked.body["metadata"].as_object_mut()
                    {
                        metadata.remove("generateName");
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "warns-of-nothing",
        "sends no warnings",
        &["val-warning-negative-history", "val-unknown-field"],
        |client| {
            serve(client, nothing, |_, answered| {
                drop(answered.headers.remove(header::WARNING));
            })
        },
    ),
    mutant(
        "runs-dry-runs",
        "does what it was only to try",
        &["val-dry-run"],
        |client| {
            serve(
                client,
                |asked| asked.query = asked.query.replace("dryRun=All", ""),
                silently,
            )
        },
    ),
    mutant(
        "hides-short-names",
        "does not tell the short name of sets",
        &["api-discovery"],
        |client| {
            serve(client, nothing, |asked, answered| {
                let first = answered
                    .body
                    .pointer_mut("/resources")
                    .and_then(Value::as_array_mut);
                if asked.path.ends_with("/apis/apps/v1")
                    && let Some(resources) = first
                {
                    resources
                        .iter_mut()
                        .for_each(|resource| resource["shortNames"] = Value::Null);
                }
            })
        },
    ),
    mutant(
        "selects-all",
        "takes no notice of selectors",
        &["api-crud", "x-field-selectors"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked) {
                        asked.query = asked
                            .query
                            .replace("labelSelector", "ignored")
                            .replace("fieldSelector", "ignored");
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "takes-any-status",
        "takes over a status that comes with the set",
        &["api-status-isolated"],
        |client| {
            serve(client, nothing, |asked, answered| {
                let is_change = matches!(asked.method.as_str(), "PUT" | "PATCH")
                    && !asked.path.ends_with("/status");
                if is_set(asked) && is_change && asked.body["status"]["collisionCount"].is_number()
                {
                    answered.body["status"]["collisionCount"] =
                        asked.body["status"]["collisionCount"].clone();
                }
            })
        },
    ),
    mutant(
        "keeps-no-conditions",
        "drops conditions",
        &["api-status-write"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked)
                        && asked.path.ends_with("/status")
                        && asked.body["status"].is_object()
                    {
                        asked.body["status"]["conditions"] = Value::Null;
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "wants-versions",
        "takes a replacement without a version for an old one",
        &["api-unconditional-put"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked)
                        && asked.method == "PUT"
                        && asked.body["metadata"]["resourceVersion"].is_null()
                    {
                        asked.body["metadata"]["resourceVersion"] = "1".into();
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "forces-every-apply",
        "takes fields from their owners unasked",
        &["api-ssa-ownership"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked) && asked.method == "PATCH" && asked.query == "fieldManager=bob"
                    {
                        asked.query.push_str("&force=true");
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "deletes-in-the-foreground",
        "deletes in the foreground unless told otherwise",
        &["api-default-propagation"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked)
                        && asked.method == "DELETE"
                        && asked.body["propagationPolicy"].is_null()
                    {
                        asked.body["propagationPolicy"] = "Foreground".into();
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "deletes-namesakes",
        "takes no notice of preconditions",
        &["api-preconditions"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked) && asked.method == "DELETE" {
                        asked.body["preconditions"] = Value::Null;
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "resumes-anywhere",
        "begins a short watch now, not where it was asked to",
        &["api-watch-bookmark"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_set(asked) && asked.query.ends_with("timeoutSeconds=1") {
                        asked.query = asked.query.replace("resourceVersion", "ignored");
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "scales-without-a-selector",
        "shows a scale that does not say how to find the pods",
        &["scale-sub-get", "scale-hpa-compatible"],
        |client| {
            serve(client, nothing, |asked, answered| {
                if is_scale(asked) && asked.method == "GET" {
                    answered.body["status"]["selector"] = Value::Null;
                }
            })
        },
    ),
    mutant(
        "scales-nothing",
        "grants every change of a scale, and keeps the old one",
        &["scale-sub-put", "scale-sub-patch"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_scale(asked) && asked.method != "GET" {
                        asked.query = "dryRun=All".to_owned();
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "scales-by-old-versions",
        "does not look at the version of a scale",
        &["scale-sub-conflict"],
        |client| {
            serve(
                client,
                |asked| {
                    if is_scale(asked) && asked.method == "PUT" {
                        asked.body["metadata"]["resourceVersion"] = Value::Null;
                    }
                },
                silently,
            )
        },
    ),
    mutant(
        "scales-below-none",
        "grants a scale of fewer than no pods",
        &["scale-sub-negative"],
        |client| {
            serve(client, nothing, |asked, answered| {
                if is_scale(asked) {
                    grant(asked, answered, |cause| cause["field"] == "spec.replicas");
                }
            })
        },
    ),
    mutant(
        "rewrites-history",
        "grants a change of what a revision holds",
        &["rev-data-immutable"],
        |client| {
            serve(client, nothing, |asked, answered| {
                if asked.path.contains("/controllerrevisions/") {
                    grant(asked, answered, |cause| cause["field"] == "data");
                }
            })
        },
    ),
    mutant(
        "counts-columns-wrongly",
        "has no column of Ready pods",
        &["api-table", "st-ready-column-consistent"],
        |client| {
            serve(client, nothing, |asked, answered| {
                let columns = answered
                    .body
                    .pointer_mut("/columnDefinitions")
                    .and_then(Value::as_array_mut);
                if is_set(asked)
                    && let Some(columns) = columns
                {
                    columns.retain(|column| column["name"] != "Ready");
                }
            })
        },
    ),
    mutant(
        "replaces-nothing",
        "grants the replacement of what is not there",
        &["api-no-create-on-put"],
        |client| {
            serve(client, nothing, |asked, answered| {
                if is_set(asked) && asked.method == "PUT" && answered.code == 404 {
                    accept(asked, answered);
                }
            })
        },
    ),
    mutant(
        "serves-old-versions",
        "serves apps/v1beta1 and v1beta2",
        &["x-old-versions-gone"],
        |client| {
            serve(
                client,
                |asked| {
                    asked.path = asked
                        .path
                        .replace("/v1beta1/", "/v1/")
                        .replace("/v1beta2/", "/v1/");
                },
                silently,
            )
        },
    ),
    mutant(
        "grants-time-to-end",
        "gives a pod that ends at once a second",
        &["x-grace-zero"],
        |client| {
            serve(
                client,
                |asked| {
                    let place = "/spec/template/spec/terminationGracePeriodSeconds";
                    if is_set(asked)
                        && let Some(grace) = asked.body.pointer_mut(place)
                    {
                        *grace = json!(grace.as_u64().unwrap_or(0).max(1));
                    }
                },
                silently,
            )
        },
    ),
];

/// The request is about the scale of a set.
fn is_scale(asked: &exchange::Asked) -> bool {
    is_set(asked) && asked.path.ends_with("/scale")
}

const fn mutant(
    id: &'static str,
    says: &'static str,
    breaks: &'static [&'static str],
    change: fn(Client) -> Client,
) -> Mutant {
    Mutant {
        id,
        party: Party::Apiserver,
        says,
        breaks,
        part: Part::Api(change),
    }
}
