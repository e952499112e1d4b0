//! Names of pods and claims, and the ordinals in them.

/// The number that names a pod of a set.
pub type Ordinal = i32;

/// The name of the pod of an ordinal: set, dash, decimal digits without padding.
pub fn pod_name(set: &str, ordinal: Ordinal) -> String {
    format!("{set}-{ordinal}")
}

/// The name of the claim of a template for an ordinal: template, dash, set, dash, ordinal.
pub fn claim_name(template: &str, set: &str, ordinal: Ordinal) -> String {
    format!("{template}-{set}-{ordinal}")
}

/// The ordinal in a pod's name, if the name belongs to the set.
///
/// The name is split at its last dash; what follows must be decimal digits and what precedes the set's name. Leading
/// zeros are accepted, and a number beyond 32 bits still belongs to the set, with ordinal -1.
pub fn ordinal_of(set: &str, pod: &str) -> Option<Ordinal> {
    let (parent, digits) = pod.rsplit_once('-')?;
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (parent == set && decimal).then(|| digits.parse().unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_a_set_by_its_last_dash() {
        let cases = [
            ("web", "web-0", Some(0)),
            ("web", "web-12", Some(12)),
            ("web", "web-00", Some(0)),
            ("web", "web-2147483647", Some(i32::MAX)),
            ("web", "web-2147483648", Some(-1)),
            ("web", "web-", None),
            ("web", "web-x", None),
            ("web", "web--1", None),
            ("web", "web-1-0", None),
            ("web-1", "web-1-0", Some(0)),
            ("web", "other-0", None),
            ("web", "web", None),
        ];
        for (set, pod, ordinal) in cases {
            assert_eq!(ordinal_of(set, pod), ordinal, "{pod} in {set}");
        }
    }
}
