//! What an update of a service keeps of what was allocated, and what a change of its type lets go.

use serde_json::Value;

use super::wants_node_ports;
use crate::mini::api::meta;

/// Fields that go with a change to a type that has no cluster IP.
const OF_ADDRESSES: [&str; 4] = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"];

/// Puts back what the update leaves out, follows a change of one of two names of an address, and drops what the new type
/// cannot have and the client did not touch.
pub(crate) fn keep(old: &Value, new: &mut Value) {
    let (before, after) = (&old["spec"], &mut new["spec"]);
    let outside = |spec: &Value| spec["type"] == "ExternalName";
    if outside(before) {
        return;
    }
    if outside(after) {
        forget(before, after, &OF_ADDRESSES);
        forget(before, after, &["internalTrafficPolicy"]);
    } else {
        follow(before, after);
        for field in OF_ADDRESSES {
            let empty = after
                .get(field)
                .is_none_or(|value| value.is_null() || *value == "");
            if let (true, Some(value)) = (empty, before.get(field)) {
                after[field] = value.clone();
            }
        }
    }
    node_ports(before, after);
    let balanced = |spec: &Value| spec["type"] == "LoadBalancer";
    if balanced(before) && !balanced(after) {
        forget(
            before,
            after,
            &["allocateLoadBalancerNodePorts", "loadBalancerClass"],
        );
    }
    if reachable(before) && !reachable(after) {
        forget(before, after, &["externalTrafficPolicy"]);
    }
}

/// From outside.
fn reachable(spec: &Value) -> bool {
    let addresses = spec["externalIPs"].as_array();
    matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer"))
        || (spec["type"] == "ClusterIP" && addresses.is_some_and(|list| !list.is_empty()))
}

/// Takes out fields that the client left as they were.
fn forget(before: &Value, after: &mut Value, fields: &[&str]) {
    let Some(after) = after.as_object_mut() else {
        return;
    };
    for field in fields {
        if after.get(*field) == before.get(*field) {
            after.remove(*field);
        }
    }
}

/// `clusterIP` and the first of `clusterIPs` are the same; a client that knows one of them changes one of them.
fn follow(before: &Value, after: &mut Value) {
    let changed = |field: &str| after.get(field) != before.get(field);
    let (address, list) = (changed("clusterIP"), changed("clusterIPs"));
    let present = meta::at(after, "/clusterIP").to_owned();
    if !address || list {
        return;
    }
    match (present.as_str(), after["clusterIPs"].get(0).is_some()) {
        ("", _) => {
            after
                .as_object_mut()
                .map(|after| after.remove("clusterIPs"));
        }
        (_, true) => after["clusterIPs"][0] = present.into(),
        _ => {}
    }
}

fn node_ports(before: &Value, after: &mut Value) {
    let (had, has) = (wants_node_ports(before), wants_node_ports(after));
    let old: Vec<Value> = before["ports"].as_array().cloned().unwrap_or_default();
    let ports = after.get_mut("ports").and_then(Value::as_array_mut);
    let Some(ports) = ports.filter(|_| had) else {
        return;
    };
    if !has {
        let same = ports.len() == old.len()
            && ports
                .iter()
                .zip(&old)
                .all(|(one, other)| one["nodePort"] == other["nodePort"]);
        for port in ports
            .iter_mut()
            .filter(|_| same)
            .filter_map(Value::as_object_mut)
        {
            port.remove("nodePort");
        }
        return;
    }
    let used: Vec<Value> = ports.iter().map(|port| port["nodePort"].clone()).collect();
    for port in ports.iter_mut().filter(|port| port["nodePort"].is_null()) {
        let mut same = old
            .iter()
            .filter(|other| other.get("name") == port.get("name"));
        let number = same.next().map(|other| other["nodePort"].clone());
        if let Some(number) = number.filter(|number| number.is_number() && !used.contains(number)) {
            port["nodePort"] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn updated(old: Value, new: Value) -> Value {
        let mut new = json!({"spec": new});
        keep(&json!({"spec": old}), &mut new);
        new["spec"].take()
    }

    #[test]
    fn an_address_follows_whichever_name_was_changed() {
        let old =
            json!({"type": "ClusterIP", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]});
        assert_eq!(updated(old.clone(), json!({"type": "ClusterIP"})), old);
        let changed =
            json!({"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["10.96.0.9"]});
        assert_eq!(updated(old.clone(), changed)["clusterIPs"], json!(["None"]));
        let outside =
            json!({"type": "ExternalName", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]});
        assert_eq!(updated(old, outside), json!({"type": "ExternalName"}));
    }

    #[test]
    fn node_ports_stay_with_their_names_and_go_with_the_type() {
        let old = json!({"type": "NodePort", "ports": [{"name": "a", "nodePort": 30001}]});
        let without = json!({"type": "NodePort", "ports": [{"name": "a"}]});
        assert_eq!(updated(old.clone(), without), old);
        let plain = json!({"type": "ClusterIP", "ports": [{"name": "a", "nodePort": 30001}]});
        assert_eq!(updated(old, plain)["ports"], json!([{"name": "a"}]));
    }
}
