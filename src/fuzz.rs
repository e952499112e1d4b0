//! What must hold of any bytes that come from outside: they are understood or refused, and nothing breaks.
//!
//! Each function is the body of a fuzz target in `fuzz/`, which takes a nightly compiler and cargo-fuzz. The test here
//! does without: it puts the corpus of each, and what comes of it by chance, through the same functions.

use std::sync::OnceLock;

use hickory_proto::op::Message;
use serde_json::{Value, json};

use crate::{
    manifest,
    mini::{
        agents::{dns, shell},
        api::{
            patch,
            selector::{Fields, Labels},
        },
    },
    suite::features,
};

/// The text of a feature.
pub fn features(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Err(error) = features::read("fuzz", "own/own.feature", text)
    {
        assert!(!error.to_string().contains('\n'), "an error is a line");
    }
}

/// A manifest: what is read is written and read again as it was.
pub fn manifests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for object in manifest::objects("fuzz", text).unwrap_or_default() {
        let again = manifest::objects("fuzz", &manifest::write(&object));
        assert!(
            again.is_ok_and(|again| again == [object]),
            "what was written is not what was read"
        );
    }
}

/// A patch of a pod: the body of a request.
pub fn patches(bytes: &[u8]) {
    static POD: OnceLock<Value> = OnceLock::new();
    let pod = POD.get_or_init(|| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "web-0", "labels": { "app": "web" }, "finalizers": ["a/b"] },
            "spec": {
                "containers": [{ "name": "main", "image": "x", "ports": [{ "containerPort": 80, "protocol": "TCP" }] }],
                "tolerations": [{ "key": "a" }],
            },
        })
    });
    if let Ok(body) = serde_json::from_slice::<Value>(bytes) {
        // A refusal is an answer.
        let _ = patch::json(pod, &body);
        let _ = patch::strategic("Pod", pod, &body);
        if let Ok(merged) = patch::merge(pod, &body) {
            let again = patch::merge(&merged, &body);
            assert!(again.is_ok_and(|again| again == merged), "a merge holds");
        }
    }
}

/// A selector of labels or of fields, as in a query.
pub fn selectors(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let object = json!({
        "metadata": { "name": "web-0", "labels": { "app": "web", "tier": "" } },
        "status": { "phase": "Running" },
    });
    if let Ok(labels) = Labels::parse(text) {
        labels.matches(&object);
    }
    if let Ok(fields) = Fields::parse("Pod", text) {
        fields.matches(&object);
    }
}

/// A script for the shell of a pod.
pub fn scripts(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        shell::is_script(text);
    }
}

/// A DNS packet: whatever is asked, the answer is one that can be sent.
pub fn packets(bytes: &[u8]) {
    let Ok(request) = Message::from_vec(bytes) else {
        return;
    };
    let zone = dns::Zone {
        domain: "cluster.local".to_owned(),
        server: [10, 96, 0, 10].into(),
    };
    let answer = dns::answer(&zone, &dns::Data::default(), &request);
    assert_eq!(answer.metadata.id, request.metadata.id);
    let sent = answer.to_vec();
    assert!(sent.is_ok(), "an answer can be sent: {sent:?}");
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::dice::Dice;

    /// How many inputs are made of each corpus.
    const MADE: usize = 1_500;

    /// Bytes that mean something somewhere.
    const TELLING: [&[u8]; 12] = [
        b"\n",
        b"\"",
        b"'",
        b"{",
        b"}",
        b"$(",
        b"|",
        b"\\",
        b"\xff",
        b"\0",
        b": ",
        b"99999999999999999999",
    ];

    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(target);
        let files = fs::read_dir(&folder).expect("there is a corpus");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
            .iter()
            .map(|file| fs::read(file).expect("it can be read"))
            .collect()
    }

    /// One of the inputs, changed in a few places, or two of them joined.
    fn made(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
        let mut bytes = corpus[dice.below(corpus.len())].clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len() + 1);
            match dice.below(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, dice.one_of(&TELLING).iter().copied())),
                2 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
                3 => {
                    let end = at + dice.below(bytes.len() - at + 1);
                    drop(bytes.drain(at..end));
                }
                4 => {
                    let end = at + dice.below(bytes.len() - at + 1);
                    let again = bytes[at..end].repeat(1 + dice.below(20));
                    drop(bytes.splice(at..at, again));
                }
                _ => {
                    let other = &corpus[dice.below(corpus.len())];
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[dice.below(other.len() + 1)..]);
                }
            }
        }
        bytes.truncate(4096);
        bytes
    }

    fn holds(target: &str, body: fn(&[u8])) {
        let corpus = corpus(target);
        assert!((1..=30).contains(&corpus.len()), "{target}");
        corpus.iter().for_each(|bytes| body(bytes));
        let mut dice = Dice::of(7);
        for place in 0..MADE {
            let bytes = made(&corpus, &mut dice);
            let tried = std::panic::catch_unwind(|| body(&bytes));
            assert!(
                tried.is_ok(),
                "{target}, input {place}: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }

    #[test]
    fn features_are_read_or_refused() {
        holds("features", features);
    }

    #[test]
    fn manifests_are_read_or_refused() {
        holds("manifests", manifests);
    }

    #[test]
    fn patches_are_applied_or_refused() {
        holds("patches", patches);
    }

    #[test]
    fn selectors_are_read_or_refused() {
        holds("selectors", selectors);
    }

    #[test]
    fn scripts_are_read_or_refused() {
        holds("scripts", scripts);
    }

    #[test]
    fn packets_are_answered_or_dropped() {
        holds("packets", packets);
    }
}
