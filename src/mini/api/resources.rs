//! The resources this server has, each a row of one table.

/// What changes raise `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The kind has none.
    None,
    /// Changes of `spec`.
    Spec,
    /// Changes of `spec` and of annotations.
    SpecAndAnnotations,
    /// Changes of anything but the metadata that the server keeps.
    All,
}

/// A part of an object, or something to be done with it, with a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subresource {
    Status,
    Scale,
    Finalize,
    Binding,
    Eviction,
    EphemeralContainers,
    Resize,
    Exec,
    Attach,
    Log,
}

impl Subresource {
    /// The last part of its path.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Finalize => "finalize",
            Self::Binding => "binding",
            Self::Eviction => "eviction",
            Self::EphemeralContainers => "ephemeralcontainers",
            Self::Resize => "resize",
            Self::Exec => "exec",
            Self::Attach => "attach",
            Self::Log => "log",
        }
    }

    /// What can be done with it, as discovery says.
    pub(crate) fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Status | Self::Scale | Self::EphemeralContainers | Self::Resize => {
                &["get", "patch", "update"]
            }
            Self::Finalize => &["update"],
            Self::Binding | Self::Eviction => &["create"],
            Self::Exec | Self::Attach => &["create", "get"],
            Self::Log => &["get"],
        }
    }

    /// Group, version and kind of what is read and written there, if it is not the object itself.
    pub(crate) fn kind(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Scale => Some(("autoscaling", "v1", "Scale")),
            Self::Eviction => Some(("policy", "v1", "Eviction")),
            Self::Binding => Some(("", "v1", "Binding")),
            Self::Exec => Some(("", "v1", "PodExecOptions")),
            Self::Attach => Some(("", "v1", "PodAttachOptions")),
            _ => None,
        }
    }
}

/// A resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// Its place in the table.
    pub(crate) index: usize,
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) kind: &'static str,
    /// `apps/StatefulSet`, or `Pod` in the core group: how the rules name a kind.
    pub(crate) group_kind: &'static str,
    pub(crate) namespaced: bool,
    pub(crate) short: &'static [&'static str],
    pub(crate) categories: &'static [&'static str],
    pub(crate) subresources: &'static [Subresource],
    pub(crate) verbs: &'static [&'static str],
    pub(crate) generation: Generation,
    /// An update may leave out the resourceVersion.
    pub(crate) unconditional: bool,
    /// An update of an object that does not exist creates it.
    pub(crate) created_by_update: bool,
    /// The answer to a deletion is the last state of the object, not a `Status`.
    pub(crate) returns_deleted: bool,
}

impl Resource {
    /// `apps/v1`, or `v1` in the core group.
    pub(crate) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The resource as which its objects are stored: another version's, if they have two faces.
    pub(crate) fn stored(&self) -> &'static Self {
        match self.group {
            "events.k8s.io" => named("", "events"),
            _ => &RESOURCES[self.index],
        }
    }

    /// Its objects are stored as another resource's.
    pub(crate) fn is_a_face(&self) -> bool {
        self.stored().index != self.index
    }

    /// Its status is written through a path of its own.
    pub(crate) fn has_status(&self) -> bool {
        self.subresources.contains(&Subresource::Status)
    }

    /// The subresource of this name, if it has one.
    pub(crate) fn subresource(&self, name: &str) -> Option<Subresource> {
        let mut all = self.subresources.iter().copied();
        all.find(|subresource| subresource.name() == name)
    }

    /// The verb is offered.
    pub(crate) fn offers(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }
}

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

const TABLE: [Resource; 24] = numbered([
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
]);

static RESOURCES: [Resource; TABLE.len()] = TABLE;

const fn numbered<const COUNT: usize>(mut table: [Resource; COUNT]) -> [Resource; COUNT] {
    let mut index = 0;
    while index < COUNT {
        table[index].index = index;
        index += 1;
    }
    table
}

/// All of them, in the order of discovery.
pub(crate) fn all() -> &'static [Resource] {
    &RESOURCES
}

/// The resource at a path.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| {
        resource.plural == plural && resource.group == group && resource.version == version
    })
}

/// A resource that the server itself refers to.
///
/// # Panics
///
/// If the table has no such row.
pub(crate) fn named(group: &str, plural: &str) -> &'static Resource {
    find(group, "v1", plural)
        .unwrap_or_else(|| panic!("the table of resources has no {plural} in group {group:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_path_and_knows_its_place() {
        for (index, resource) in all().iter().enumerate() {
            let found = find(resource.group, resource.version, resource.plural);
            assert_eq!(found.map(|found| found.index), Some(index));
            let kind = resource.group_kind.rsplit('/').next();
            assert_eq!(kind, Some(resource.kind));
        }
    }
}
