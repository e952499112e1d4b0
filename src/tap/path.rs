//! What a request asks for, read from its line alone.

use crate::{
    cluster::Target,
    evidence::{Kind, Method},
};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    pub method: Method,
    pub kind: Option<Kind>,
    pub plural: String,
    pub namespace: String,
    pub name: String,
    pub subresource: String,
    pub dry_run: bool,
}

/// Reads a request's method, path and query.
pub fn asked(target: &Target, method: &http::Method, path: &str, query: &str) -> Asked {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, rest) = match parts.as_slice() {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        rest => ("-", rest),
    };
    // A namespace's own subresources look like a kind inside of it.
    let (namespace, rest) = match rest {
        ["namespaces", _, "finalize" | "status"] => ("", rest),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        _ => ("", rest),
    };
    let at = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
    let (plural, name) = (at(0), at(1));
    let flag = |wanted: &str, value: &str| {
        form_urlencoded::parse(query.as_bytes()).any(|(key, found)| key == wanted && found == value)
    };
    let watch = flag("watch", "true") || flag("watch", "1");
    Asked {
        method: method_of(method, watch, name.is_empty()),
        kind: kind_of(target, group, &plural),
        subresource: rest.get(2..).unwrap_or_default().join("/"),
        plural,
        namespace: namespace.to_owned(),
        name,
        dry_run: flag("dryRun", "All"),
    }
}

fn method_of(method: &http::Method, watch: bool, all: bool) -> Method {
    match method.as_str() {
        "POST" => Method::Create,
        "PUT" => Method::Update,
        "PATCH" => Method::Patch,
        "DELETE" if all => Method::DeleteCollection,
        "DELETE" => Method::Delete,
        _ if watch => Method::Watch,
        _ if all => Method::List,
        _ => Method::Get,
    }
}

fn kind_of(target: &Target, group: &str, plural: &str) -> Option<Kind> {
    if target.api.group == group && target.api.plural == plural {
        return Some(Kind::Set);
    }
    match Kind::of_plural(plural)? {
        Kind::Set => None,
        kind @ (Kind::Pod | Kind::Claim | Kind::Service) => group.is_empty().then_some(kind),
        kind @ (Kind::Revision | Kind::Deployment | Kind::ReplicaSet) => {
            (group == "apps").then_some(kind)
        }
        kind @ Kind::EndpointSlice => (group == "discovery.k8s.io").then_some(kind),
        kind @ Kind::Event => (group.is_empty() || group == "events.k8s.io").then_some(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_its_line() {
        use Method::*;
        let cases = [
            (
                "GET",
                "/api/v1/namespaces/a/pods?",
                List,
                Some(Kind::Pod),
                "a",
                "",
                "",
            ),
            (
                "GET",
                "/api/v1/pods?watch=true&resourceVersion=1",
                Watch,
                Some(Kind::Pod),
                "",
                "",
                "",
            ),
            (
                "GET",
                "/api/v1/namespaces/a/pods/web-0",
                Get,
                Some(Kind::Pod),
                "a",
                "web-0",
                "",
            ),
            (
                "POST",
                "/api/v1/namespaces/a/pods/web-0/eviction",
                Create,
                Some(Kind::Pod),
                "a",
                "web-0",
                "eviction",
            ),
            (
                "PUT",
                "/apis/apps/v1/namespaces/a/statefulsets/web/status",
                Update,
                Some(Kind::Set),
                "a",
                "web",
                "status",
            ),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/a/controllerrevisions/x",
                Patch,
                Some(Kind::Revision),
                "a",
                "x",
                "",
            ),
            (
                "DELETE",
                "/api/v1/namespaces/a/pods",
                DeleteCollection,
                Some(Kind::Pod),
                "a",
                "",
                "",
            ),
            (
                "DELETE",
                "/api/v1/namespaces/a/pods/web-0",
                Delete,
                Some(Kind::Pod),
                "a",
                "web-0",
                "",
            ),
            (
                "PUT",
                "/api/v1/namespaces/a/finalize",
                Update,
                None,
                "",
                "a",
                "finalize",
            ),
            ("POST", "/api/v1/namespaces", Create, None, "", "", ""),
            (
                "GET",
                "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods",
                List,
                None,
                "a",
                "",
                "",
            ),
            (
                "GET",
                "/apis/stsspec.dev/v1/namespaces/a/statefulsets/web",
                Get,
                None,
                "a",
                "web",
                "",
            ),
        ];
        for (method, line, wanted, kind, namespace, name, subresource) in cases {
            let (path, query) = line.split_once('?').unwrap_or((line, ""));
            let method = method.parse().expect("a method");
            let found = asked(&Target::apps_v1(), &method, path, query);
            let seen = (
                found.method,
                found.kind,
                found.namespace.as_str(),
                found.name.as_str(),
                found.subresource.as_str(),
            );
            assert_eq!(seen, (wanted, kind, namespace, name, subresource), "{line}");
        }
    }
}
