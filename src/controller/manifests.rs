//! The controller as objects of a cluster: what `kubectl apply` needs to run it there.

use crate::cluster::Target;

/// Where it is put if nobody says otherwise.
pub const NAMESPACE: &str = "stsspec-system";

/// A stream of YAML documents: namespace, least rights, and a Deployment of two copies, of which one leads.
pub fn manifests(image: &str, namespace: &str, target: &Target) -> String {
    include_str!("manifests.yaml")
        .replace("@IMAGE@", image)
        .replace("@NAMESPACE@", namespace)
        .replace("@GROUP@", &target.api.group)
        .replace("@TARGET@", &target.api.api_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_is_an_object() {
        let text = manifests("example.org/stsspec:1", NAMESPACE, &Target::apps_v1());
        assert!(!text.contains('@'));
        let kinds = text.split("\n---\n").map(|document| {
            let value: serde_json::Value = serde_yaml::from_str(document).expect("YAML");
            value["kind"].as_str().expect("a kind").to_owned()
        });
        let expected =
            "Namespace ServiceAccount ClusterRole ClusterRoleBinding Role RoleBinding Deployment";
        assert_eq!(kinds.collect::<Vec<_>>().join(" "), expected);
    }
}
