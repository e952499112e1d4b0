//! The resources this server has, each a row of one table.

mod table;

use table::TABLE;

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

static RESOURCES: [Resource; TABLE.len()] = numbered(TABLE);

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
