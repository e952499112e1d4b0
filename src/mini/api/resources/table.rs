//! The table of resources.

use super::{Generation, Resource, Subresource};

const VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
const NOT_COLLECTIVELY: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];

const CORE: Resource = Resource {
    index: 0,
    group: "",
    version: "v1",
    plural: "",
    singular: "",
    kind: "",
    group_kind: "",
    namespaced: true,
    short: &[],
    categories: &[],
    subresources: &[],
    verbs: VERBS,
    generation: Generation::None,
    unconditional: true,
    created_by_update: false,
    returns_deleted: false,
};

const APPS: Resource = Resource {
    group: "apps",
    categories: &["all"],
    subresources: &[Subresource::Scale, Subresource::Status],
    generation: Generation::Spec,
    ..CORE
};

const STATUS: &[Subresource] = &[Subresource::Status];

/// Every resource, in the order of discovery.
pub(super) const TABLE: [Resource; 24] = [
    Resource {
        plural: "namespaces",
        singular: "namespace",
        kind: "Namespace",
        group_kind: "Namespace",
        namespaced: false,
        short: &["ns"],
        subresources: &[Subresource::Finalize, Subresource::Status],
        verbs: NOT_COLLECTIVELY,
        ..CORE
    },
    Resource {
        plural: "nodes",
        singular: "node",
        kind: "Node",
        group_kind: "Node",
        namespaced: false,
        short: &["no"],
        subresources: STATUS,
        ..CORE
    },
    Resource {
        plural: "pods",
        singular: "pod",
        kind: "Pod",
        group_kind: "Pod",
        short: &["po"],
        categories: &["all"],
        subresources: &[
            Subresource::Attach,
            Subresource::Binding,
            Subresource::EphemeralContainers,
            Subresource::Eviction,
            Subresource::Exec,
            Subresource::Log,
            Subresource::Resize,
            Subresource::Status,
        ],
        generation: Generation::Spec,
        returns_deleted: true,
        ..CORE
    },
    Resource {
        plural: "services",
        singular: "service",
        kind: "Service",
        group_kind: "Service",
        short: &["svc"],
        categories: &["all"],
        subresources: STATUS,
        created_by_update: true,
        returns_deleted: true,
        ..CORE
    },
    Resource {
        plural: "endpoints",
        singular: "endpoints",
        kind: "Endpoints",
        group_kind: "Endpoints",
        short: &["ep"],
        created_by_update: true,
        ..CORE
    },
    Resource {
        plural: "persistentvolumeclaims",
        singular: "persistentvolumeclaim",
        kind: "PersistentVolumeClaim",
        group_kind: "PersistentVolumeClaim",
        short: &["pvc"],
        subresources: STATUS,
        returns_deleted: true,
        ..CORE
    },
    Resource {
        plural: "persistentvolumes",
        singular: "persistentvolume",
        kind: "PersistentVolume",
        group_kind: "PersistentVolume",
        namespaced: false,
        short: &["pv"],
        subresources: STATUS,
        returns_deleted: true,
        ..CORE
    },
    Resource {
        plural: "configmaps",
        singular: "configmap",
        kind: "ConfigMap",
        group_kind: "ConfigMap",
        short: &["cm"],
        ..CORE
    },
    Resource {
        plural: "secrets",
        singular: "secret",
        kind: "Secret",
        group_kind: "Secret",
        ..CORE
    },
    Resource {
        plural: "serviceaccounts",
        singular: "serviceaccount",
        kind: "ServiceAccount",
        group_kind: "ServiceAccount",
        short: &["sa"],
        returns_deleted: true,
        ..CORE
    },
    Resource {
        plural: "events",
        singular: "event",
        kind: "Event",
        group_kind: "Event",
        short: &["ev"],
        created_by_update: true,
        ..CORE
    },
    Resource {
        plural: "resourcequotas",
        singular: "resourcequota",
        kind: "ResourceQuota",
        group_kind: "ResourceQuota",
        short: &["quota"],
        subresources: STATUS,
        returns_deleted: true,
        ..CORE
    },
    Resource {
        plural: "statefulsets",
        singular: "statefulset",
        kind: "StatefulSet",
        group_kind: "apps/StatefulSet",
        short: &["sts"],
        ..APPS
    },
    Resource {
        plural: "deployments",
        singular: "deployment",
        kind: "Deployment",
        group_kind: "apps/Deployment",
        generation: Generation::SpecAndAnnotations,
        short: &["deploy"],
        ..APPS
    },
    Resource {
        plural: "replicasets",
        singular: "replicaset",
        kind: "ReplicaSet",
        group_kind: "apps/ReplicaSet",
        short: &["rs"],
        ..APPS
    },
    Resource {
        plural: "daemonsets",
        singular: "daemonset",
        kind: "DaemonSet",
        group_kind: "apps/DaemonSet",
        short: &["ds"],
        subresources: STATUS,
        ..APPS
    },
    Resource {
        plural: "controllerrevisions",
        singular: "controllerrevision",
        kind: "ControllerRevision",
        group_kind: "apps/ControllerRevision",
        categories: &[],
        subresources: &[],
        generation: Generation::None,
        ..APPS
    },
    Resource {
        group: "coordination.k8s.io",
        plural: "leases",
        singular: "lease",
        kind: "Lease",
        group_kind: "coordination.k8s.io/Lease",
        unconditional: false,
        created_by_update: true,
        ..CORE
    },
    Resource {
        group: "discovery.k8s.io",
        plural: "endpointslices",
        singular: "endpointslice",
        kind: "EndpointSlice",
        group_kind: "discovery.k8s.io/EndpointSlice",
        generation: Generation::All,
        ..CORE
    },
    Resource {
        group: "policy",
        plural: "poddisruptionbudgets",
        singular: "poddisruptionbudget",
        kind: "PodDisruptionBudget",
        group_kind: "policy/PodDisruptionBudget",
        short: &["pdb"],
        subresources: STATUS,
        generation: Generation::Spec,
        unconditional: false,
        ..CORE
    },
    Resource {
        group: "scheduling.k8s.io",
        plural: "priorityclasses",
        singular: "priorityclass",
        kind: "PriorityClass",
        group_kind: "scheduling.k8s.io/PriorityClass",
        namespaced: false,
        short: &["pc"],
        generation: Generation::Spec,
        ..CORE
    },
    Resource {
        group: "storage.k8s.io",
        plural: "storageclasses",
        singular: "storageclass",
        kind: "StorageClass",
        group_kind: "storage.k8s.io/StorageClass",
        namespaced: false,
        short: &["sc"],
        returns_deleted: true,
        ..CORE
    },
    Resource {
        group: "events.k8s.io",
        plural: "events",
        singular: "event",
        kind: "Event",
        group_kind: "events.k8s.io/Event",
        short: &["ev"],
        created_by_update: true,
        ..CORE
    },
    Resource {
        group: "authorization.k8s.io",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        kind: "SelfSubjectAccessReview",
        group_kind: "authorization.k8s.io/SelfSubjectAccessReview",
        namespaced: false,
        verbs: &["create"],
        ..CORE
    },
];
