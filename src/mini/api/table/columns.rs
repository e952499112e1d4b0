//! The columns of each kind.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{cells, network, pods, storage};

/// What makes an object's cells, those of wide columns too.
pub(super) type Row = fn(&Value, Timestamp) -> Vec<Value>;

/// The head of a column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    kind: &'static str,
    description: &'static str,
    wide: bool,
}

impl Column {
    pub(super) fn to_json(self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({
            "name": self.name, "type": self.kind, "format": format, "description": self.description,
            "priority": i32::from(self.wide),
        })
    }
}

const fn text(name: &'static str, description: &'static str) -> Column {
    let (kind, wide) = ("string", false);
    Column {
        name,
        kind,
        description,
        wide,
    }
}

const fn number(name: &'static str, description: &'static str) -> Column {
    Column {
        kind: "integer",
        ..text(name, description)
    }
}

const fn wide(name: &'static str, description: &'static str) -> Column {
    Column {
        wide: true,
        ..text(name, description)
    }
}

const NAME: Column = text("Name", "Unique in the namespace.");
const AGE: Column = text("Age", "Time since the object was created.");
const CONTAINERS: Column = wide("Containers", "Names of the template's containers.");
const IMAGES: Column = wide("Images", "Images of the template's containers.");
const SELECTOR: Column = wide("Selector", "Labels of the pods that belong to it.");

const PODS: &[Column] = &[
    NAME,
    text("Ready", "Containers that are ready, and all."),
    text("Status", "How far the containers are."),
    text(
        "Restarts",
        "How often containers were restarted, and when last.",
    ),
    AGE,
    wide("IP", "The pod's address."),
    wide("Node", "Where the pod runs."),
    wide(
        "Nominated Node",
        "Where the pod will run once others have made room.",
    ),
    wide(
        "Readiness Gates",
        "Conditions that hold, and all that have to.",
    ),
];
const SERVICES: &[Column] = &[
    NAME,
    text("Type", "How the service is reached."),
    text("Cluster-IP", "Its address inside the cluster."),
    text("External-IP", "Its addresses outside the cluster."),
    text("Port(s)", "Port, node port, protocol."),
    AGE,
    wide("Selector", "Labels of the pods behind it."),
];
const STATEFUL_SETS: &[Column] = &[
    NAME,
    text("Ready", "Pods that are ready, and all that should be."),
    AGE,
    CONTAINERS,
    IMAGES,
];
const DEPLOYMENTS: &[Column] = &[
    NAME,
    text("Ready", "Pods that are ready, and all that should be."),
    text("Up-to-date", "Pods of the newest template."),
    text("Available", "Pods that have been ready for long enough."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const REPLICA_SETS: &[Column] = &[
    NAME,
    number("Desired", "Pods that should be."),
    number("Current", "Pods that are."),
    number("Ready", "Pods that are ready."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const DAEMON_SETS: &[Column] = &[
    NAME,
    number("Desired", "Nodes that should have a pod."),
    number("Current", "Nodes that have one."),
    number("Ready", "Nodes whose pod is ready."),
    number("Up-to-date", "Nodes whose pod is of the newest template."),
    number(
        "Available",
        "Nodes whose pod has been ready for long enough.",
    ),
    text("Node Selector", "Labels of the nodes that get a pod."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const CLAIMS: &[Column] = &[
    NAME,
    text("Status", "Whether the claim has a volume."),
    text("Volume", "The claim's volume."),
    text("Capacity", "The volume's size."),
    text("Access Modes", "How the volume may be mounted."),
    text("StorageClass", "Where the volume comes from."),
    text("VolumeAttributesClass", "Changeable traits of the volume."),
    AGE,
    wide("VolumeMode", "File system or block device."),
];
const VOLUMES: &[Column] = &[
    NAME,
    text("Capacity", "The volume's size."),
    text("Access Modes", "How the volume may be mounted."),
    text("Reclaim Policy", "What happens once its claim is gone."),
    text("Status", "Whether the volume is in use."),
    text("Claim", "The claim it belongs to."),
    text("StorageClass", "Where the volume comes from."),
    text("VolumeAttributesClass", "Changeable traits of the volume."),
    text("Reason", "Why the volume failed."),
    AGE,
    wide("VolumeMode", "File system or block device."),
];
const STORAGE_CLASSES: &[Column] = &[
    NAME,
    text("Provisioner", "Who makes the volumes."),
    text("ReclaimPolicy", "What happens to a volume without claim."),
    text("VolumeBindingMode", "When a claim gets its volume."),
    text("AllowVolumeExpansion", "Whether volumes can grow."),
    AGE,
];
const NODES: &[Column] = &[
    NAME,
    text("Status", "Whether the node runs pods."),
    text("Roles", "What the node is for."),
    AGE,
    text("Version", "The kubelet's version."),
    wide("Internal-IP", "Its address inside the cluster."),
    wide("External-IP", "Its address outside the cluster."),
    wide("OS-Image", "Its operating system."),
    wide("Kernel-Version", "Its kernel."),
    wide("Container-Runtime", "What runs its containers."),
];
const EVENTS: &[Column] = &[
    text("Last Seen", "Time since it happened last."),
    text("Type", "Normal or Warning."),
    text("Reason", "What happened, in one word."),
    text("Object", "What it happened to."),
    wide("Subobject", "The part it happened to."),
    wide("Source", "Who reports it."),
    text("Message", "What happened."),
    wide("First Seen", "Time since it happened first."),
    wide("Count", "How often it happened."),
    Column { wide: true, ..NAME },
];
const NAMESPACES: &[Column] = &[NAME, text("Status", "Active or Terminating."), AGE];
const CONFIG_MAPS: &[Column] = &[NAME, text("Data", "Number of entries."), AGE];
const SECRETS: &[Column] = &[
    NAME,
    text("Type", "What the entries are for."),
    text("Data", "Number of entries."),
    AGE,
];
const SERVICE_ACCOUNTS: &[Column] = &[NAME, AGE];
const ENDPOINTS: &[Column] = &[NAME, text("Endpoints", "Addresses and ports."), AGE];
const ENDPOINT_SLICES: &[Column] = &[
    NAME,
    text("AddressType", "IPv4, IPv6 or FQDN."),
    text("Ports", "Ports of every endpoint."),
    text("Endpoints", "Addresses."),
    AGE,
];
const LEASES: &[Column] = &[NAME, text("Holder", "Who has it."), AGE];
const QUOTAS: &[Column] = &[
    NAME,
    text("Request", "Used and allowed, of all but limits."),
    text("Limit", "Used and allowed, of limits."),
    AGE,
];
const BUDGETS: &[Column] = &[
    NAME,
    text("Min Available", "Pods that have to stay."),
    text("Max Unavailable", "Pods that may be missing."),
    number("Allowed Disruptions", "Pods that may be evicted now."),
    AGE,
];
const REVISIONS: &[Column] = &[
    NAME,
    text("Controller", "Whose revision it is."),
    text("Revision", "Its number."),
    AGE,
];
const OTHERS: &[Column] = &[
    NAME,
    Column {
        kind: "date",
        ..text("Created At", "When the object was created.")
    },
];

/// The columns of a kind, and what makes its rows.
pub(super) fn of(group_kind: &str) -> (&'static [Column], Row) {
    match group_kind {
        "Pod" => (PODS, pods::pod),
        "Service" => (SERVICES, network::service),
        "apps/StatefulSet" => (STATEFUL_SETS, cells::stateful_set),
        "apps/Deployment" => (DEPLOYMENTS, cells::deployment),
        "apps/ReplicaSet" => (REPLICA_SETS, cells::replica_set),
        "apps/DaemonSet" => (DAEMON_SETS, cells::daemon_set),
        "apps/ControllerRevision" => (REVISIONS, cells::revision),
        "PersistentVolumeClaim" => (CLAIMS, storage::claim),
        "PersistentVolume" => (VOLUMES, storage::volume),
        "storage.k8s.io/StorageClass" => (STORAGE_CLASSES, storage::storage_class),
        "Node" => (NODES, cells::node),
        "Event" | "events.k8s.io/Event" => (EVENTS, cells::event),
        "Namespace" => (NAMESPACES, cells::namespace),
        "ConfigMap" => (CONFIG_MAPS, cells::config_map),
        "Secret" => (SECRETS, cells::secret),
        "ServiceAccount" => (SERVICE_ACCOUNTS, cells::name_and_age),
        "Endpoints" => (ENDPOINTS, network::endpoints),
        "discovery.k8s.io/EndpointSlice" => (ENDPOINT_SLICES, network::endpoint_slice),
        "coordination.k8s.io/Lease" => (LEASES, cells::lease),
        "ResourceQuota" => (QUOTAS, cells::quota),
        "policy/PodDisruptionBudget" => (BUDGETS, cells::budget),
        _ => (OTHERS, cells::only_name),
    }
}
