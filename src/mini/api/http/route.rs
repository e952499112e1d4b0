//! From the path of a request to what it is about.

use crate::mini::api::resources::{self, Resource, Subresource};

/// An object or a collection of them.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: &'static Resource,
    /// Absent for objects of the cluster, and for a collection over all namespaces.
    pub(crate) namespace: Option<String>,
    /// Absent for a collection.
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<Subresource>,
}

impl Target {
    /// The namespace as keys have it.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name; empty for a collection.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// What a path is about.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Target(Target),
    /// Something that describes the server: the path's parts.
    About(Vec<String>),
    /// The group is not served.
    NoGroup,
    /// The group has nothing there, or not in this version.
    Nothing,
}

/// Reads a path.
pub(crate) fn route(path: &str) -> Route {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        ["apis", group, version] if lacks(group, version) => return Route::Nothing,
        _ => return Route::About(parts.into_iter().map(str::to_owned).collect()),
    };
    if !resources::all()
        .iter()
        .any(|resource| resource.group == group)
    {
        return Route::NoGroup;
    }
    target(group, version, rest).map_or(Route::Nothing, Route::Target)
}

/// Whether the group is served, but not in this version.
fn lacks(group: &str, version: &str) -> bool {
    let mut versions = resources::all()
        .iter()
        .filter(|resource| resource.group == group)
        .map(|resource| resource.version)
        .peekable();
    versions.peek().is_some() && versions.all(|other| other != version)
}

fn target(group: &str, version: &str, rest: &[&str]) -> Option<Target> {
    let (namespace, plural, rest) = match rest {
        ["namespaces"] => (None, "namespaces", &rest[1..]),
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => {
            (None, "namespaces", &rest[1..])
        }
        ["namespaces", namespace, plural, rest @ ..] => (Some(*namespace), *plural, rest),
        [plural, rest @ ..] => (None, *plural, rest),
        [] => return None,
    };
    let resource = resources::find(group, version, plural)?;
    let (name, subresource) = match rest {
        [] => (None, None),
        [name] => (Some(*name), None),
        [name, subresource] => (Some(*name), Some(resource.subresource(subresource)?)),
        _ => return None,
    };
    let scoped = match (resource.namespaced, namespace) {
        (true, Some(_)) | (false, None) => true,
        (true, None) => name.is_none(),
        (false, Some(_)) => false,
    };
    scoped.then(|| Target {
        resource,
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        subresource,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> String {
        match route(path) {
            Route::Target(target) => format!(
                "{} {:?} {:?} {:?}",
                target.resource.group_kind,
                target.namespace(),
                target.name(),
                target.subresource.map(Subresource::name)
            ),
            Route::About(parts) => format!("about {}", parts.join(" ")),
            Route::Nothing => "nothing".to_owned(),
            Route::NoGroup => "no group".to_owned(),
        }
    }

    #[test]
    fn paths_name_collections_objects_and_subresources() {
        for (path, expected) in [
            ("/api/v1/pods", "Pod \"\" \"\" None"),
            ("/api/v1/namespaces", "Namespace \"\" \"\" None"),
            ("/api/v1/namespaces/a", "Namespace \"\" \"a\" None"),
            (
                "/api/v1/namespaces/a/finalize",
                "Namespace \"\" \"a\" Some(\"finalize\")",
            ),
            ("/api/v1/namespaces/a/pods/", "Pod \"a\" \"\" None"),
            (
                "/apis/apps/v1/namespaces/a/statefulsets/web/scale",
                "apps/StatefulSet \"a\" \"web\" Some(\"scale\")",
            ),
            (
                "/apis/apps/v1beta1/namespaces/a/statefulsets/web",
                "nothing",
            ),
            ("/apis/extensions/v1beta1/deployments", "no group"),
            ("/api/v1/pods/web-0", "nothing"),
            ("/api/v1/namespaces/a/nodes/n", "nothing"),
            ("/apis/apps/v1", "about apis apps v1"),
            ("/apis/apps/v9", "nothing"),
            ("/apis/nobody/v9", "about apis nobody v9"),
            ("/healthz", "about healthz"),
        ] {
            assert_eq!(read(path), expected, "{path}");
        }
    }
}
