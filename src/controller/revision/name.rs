//! The name of a revision: the set's and a hash of the data and of how often a name was taken.

/// The hash in a revision's name: 32-bit FNV-1 in decimal, with digits that spell nothing.
pub fn hash(data: &str, collision_count: i32) -> String {
    const DIGITS: &[u8; 10] = b"456789bcdf";
    let number = fnv_1(format!("{data}{collision_count}").as_bytes()).to_string();
    let digits = number.bytes();
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit - b'0')]))
        .collect()
}

/// The name of the revision of a set: the set's name, cut at 223 bytes, dash, hash.
pub fn name(set: &str, hash: &str) -> String {
    let cut = set.get(..223).unwrap_or(set);
    format!("{cut}-{hash}")
}

fn fnv_1(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| hash.wrapping_mul(16_777_619) ^ u32::from(*byte);
    bytes.iter().fold(2_166_136_261, step)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::controller::revision::{data, encode};

    fn template(name: &str) -> Value {
        json!({
            "metadata": {"labels": {"app": name}},
            "spec": {
                "containers": [{
                    "name": "c", "image": "busybox:1.35", "imagePullPolicy": "IfNotPresent", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                }],
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                "securityContext": {}, "schedulerName": "default-scheduler",
            },
        })
    }

    fn template_2() -> Value {
        let mut template = template("v2");
        template["metadata"] =
            json!({"annotations": {"a": "b"}, "labels": {"tier": "x", "app": "v2"}});
        template["spec"]["terminationGracePeriodSeconds"] = 5.into();
        let container = &mut template["spec"]["containers"][0];
        container["command"] = json!(["sleep", "3600"]);
        container["env"] = json!([{"name": "Z", "value": "<&>\"é"}]);
        container["ports"] = json!([{"name": "web", "containerPort": 80, "protocol": "TCP"}]);
        container["resources"] = json!({"requests": {"memory": "64Mi", "cpu": "100m"}});
        template
    }

    /// Names that a real control plane of 1.37.2 gave.
    #[test]
    fn bytes_hashes_and_names_are_those_of_the_built_in_controller() {
        let cases = [
            ("v1", template("v1"), 0, 411, 152_030_840, "v1-596474d84"),
            ("v2", template_2(), 0, 628, 2_866_538_506, "v2-6dbb97d94b"),
            ("v3", template("v3"), 0, 411, 1_166_572_530, "v3-55bb9c6974"),
            ("v3", template("v3"), 1, 411, 1_166_572_531, "v3-55bb9c6975"),
        ];
        for (set, template, count, length, number, full) in cases {
            let bytes = encode(&data(template));
            assert_eq!(bytes.len(), length, "{bytes}");
            assert_eq!(fnv_1(format!("{bytes}{count}").as_bytes()), number);
            assert_eq!(name(set, &hash(&bytes, count)), full);
        }
    }

    #[test]
    fn the_data_begins_with_the_directive() {
        let bytes = encode(&data(template("v1")));
        assert!(
            bytes.starts_with(r#"{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"v1"}},"spec":{"containers":[{"image":"#),
            "{bytes}"
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(name(&"x".repeat(253), "4").len(), 225);
    }
}
