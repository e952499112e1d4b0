//! The fields of the kinds that kubectl sends as protobuf: number, name, type.

use Kind::{
    Bytes, Flag, Item, Many, Map, Message as Of, Number, NumberOrText, Quantity, Text, Time,
};

/// The type of a field.
#[derive(Debug)]
pub(super) enum Kind {
    /// A text; absent if empty.
    Text,
    /// A text in a list or a map.
    Item,
    Bytes,
    Number,
    Flag,
    Time,
    NumberOrText,
    Quantity,
    Message(Message),
    Many(&'static Self),
    Map(&'static Self),
}

/// The fields of a message.
pub(super) type Message = &'static [(u64, &'static str, Kind)];

/// The fields of a kind, if it is one of those.
pub(super) fn message(kind: &str) -> Option<Message> {
    Some(match kind {
        "Namespace" => NAMESPACE,
        "ConfigMap" => CONFIG_MAP,
        "Secret" => SECRET,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "Service" => SERVICE,
        "Deployment" => DEPLOYMENT,
        "ResourceQuota" => QUOTA,
        "PriorityClass" => PRIORITY_CLASS,
        "PodDisruptionBudget" => DISRUPTION_BUDGET,
        "SelfSubjectAccessReview" => REVIEW,
        "DeleteOptions" => DELETE_OPTIONS,
        "Eviction" => EVICTION,
        _ => return None,
    })
}

pub(super) const TIME: Message = &[(1, "seconds", Number)];
pub(super) const NUMBER_OR_TEXT: Message = &[
    (1, "type", Number),
    (2, "number", Number),
    (3, "text", Item),
];

pub(super) const QUANTITY: Message = &[(1, "text", Item)];

const METADATA: Message = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (8, "creationTimestamp", Time),
    (9, "deletionTimestamp", Time),
    (11, "labels", Map(&Item)),
    (12, "annotations", Map(&Item)),
    (14, "finalizers", Many(&Item)),
];

const NAMESPACE: Message = &[
    (1, "metadata", Of(METADATA)),
    (2, "spec", Of(&[(1, "finalizers", Many(&Item))])),
];

const CONFIG_MAP: Message = &[
    (1, "metadata", Of(METADATA)),
    (2, "data", Map(&Item)),
    (3, "binaryData", Map(&Bytes)),
    (4, "immutable", Flag),
];

const SECRET: Message = &[
    (1, "metadata", Of(METADATA)),
    (2, "data", Map(&Bytes)),
    (3, "type", Text),
    (4, "stringData", Map(&Item)),
    (5, "immutable", Flag),
];

const SERVICE_ACCOUNT: Message = &[
    (1, "metadata", Of(METADATA)),
    (3, "imagePullSecrets", Many(&Of(&[(1, "name", Text)]))),
    (4, "automountServiceAccountToken", Flag),
];

const SELECTOR: Message = &[
    (1, "matchLabels", Map(&Item)),
    (
        2,
        "matchExpressions",
        Many(&Of(&[
            (1, "key", Text),
            (2, "operator", Text),
            (3, "values", Many(&Item)),
        ])),
    ),
];

const SERVICE: Message = &[
    (1, "metadata", Of(METADATA)),
    (
        2,
        "spec",
        Of(&[
            (
                1,
                "ports",
                Many(&Of(&[
                    (1, "name", Text),
                    (2, "protocol", Text),
                    (3, "port", Number),
                    (4, "targetPort", NumberOrText),
                    (5, "nodePort", Number),
                ])),
            ),
            (2, "selector", Map(&Item)),
            (3, "clusterIP", Text),
            (4, "type", Text),
            (10, "externalName", Text),
        ]),
    ),
];

const DEPLOYMENT: Message = &[
    (1, "metadata", Of(METADATA)),
    (
        2,
        "spec",
        Of(&[
            (1, "replicas", Number),
            (2, "selector", Of(SELECTOR)),
            (3, "template", Of(TEMPLATE)),
        ]),
    ),
];

/// What `kubectl create deployment` fills in.
const TEMPLATE: Message = &[
    (1, "metadata", Of(METADATA)),
    (
        2,
        "spec",
        Of(&[
            (
                2,
                "containers",
                Many(&Of(&[
                    (1, "name", Text),
                    (2, "image", Text),
                    (3, "command", Many(&Item)),
                    (4, "args", Many(&Item)),
                    (
                        6,
                        "ports",
                        Many(&Of(&[
                            (1, "name", Text),
                            (3, "containerPort", Number),
                            (4, "protocol", Text),
                        ])),
                    ),
                ])),
            ),
            (3, "restartPolicy", Text),
        ]),
    ),
];

const QUOTA: Message = &[
    (1, "metadata", Of(METADATA)),
    (
        2,
        "spec",
        Of(&[(1, "hard", Map(&Quantity)), (2, "scopes", Many(&Item))]),
    ),
];

const PRIORITY_CLASS: Message = &[
    (1, "metadata", Of(METADATA)),
    (2, "value", Number),
    (3, "globalDefault", Flag),
    (4, "description", Text),
    (5, "preemptionPolicy", Text),
];

const DISRUPTION_BUDGET: Message = &[
    (1, "metadata", Of(METADATA)),
    (
        2,
        "spec",
        Of(&[
            (1, "minAvailable", NumberOrText),
            (2, "selector", Of(SELECTOR)),
            (3, "maxUnavailable", NumberOrText),
            (4, "unhealthyPodEvictionPolicy", Text),
        ]),
    ),
];

const REVIEW: Message = &[
    (1, "metadata", Of(METADATA)),
    (
        2,
        "spec",
        Of(&[
            (
                1,
                "resourceAttributes",
                Of(&[
                    (1, "namespace", Text),
                    (2, "verb", Text),
                    (3, "group", Text),
                    (4, "version", Text),
                    (5, "resource", Text),
                    (6, "subresource", Text),
                    (7, "name", Text),
                ]),
            ),
            (
                2,
                "nonResourceAttributes",
                Of(&[(1, "path", Text), (2, "verb", Text)]),
            ),
        ]),
    ),
];

const DELETE_OPTIONS: Message = &[
    (1, "gracePeriodSeconds", Number),
    (
        2,
        "preconditions",
        Of(&[(1, "uid", Text), (2, "resourceVersion", Text)]),
    ),
    (3, "orphanDependents", Flag),
    (4, "propagationPolicy", Text),
    (5, "dryRun", Many(&Item)),
];

const EVICTION: Message = &[
    (1, "metadata", Of(METADATA)),
    (2, "deleteOptions", Of(DELETE_OPTIONS)),
];
