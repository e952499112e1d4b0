use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use serde_json::{Value, json};

use super::{ClaimStep, VolumeStep, claim_step, volume_step};
use crate::mini::agents::testing::{object, over, pod};

fn claim(patch: &Value) -> PersistentVolumeClaim {
    let base = json!({
        "metadata": {
            "name": "data-web-0",
            "namespace": "default",
            "uid": "u",
            "finalizers": ["kubernetes.io/pvc-protection"],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"phase": "Pending"},
    });
    object(over(base, patch))
}

fn volume(patch: &Value) -> PersistentVolume {
    let base = json!({
        "metadata": {"name": "pvc-u", "annotations": {"pv.kubernetes.io/provisioned-by": "volumes.stsspec.dev"}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "storageClassName": "standard",
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {"name": "data-web-0", "namespace": "default", "uid": "u"},
        },
        "status": {"phase": "Bound"},
    });
    object(over(base, patch))
}

fn step(of_claim: &Value, of_volume: Option<&Value>, class: &Value, pods: &[Value]) -> ClaimStep {
    let class = over(
        json!({
            "metadata": {"name": "standard"},
            "provisioner": "volumes.stsspec.dev",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        }),
        class,
    );
    let volumes: Vec<_> = of_volume
        .map(|patch| Arc::new(volume(patch)))
        .into_iter()
        .collect();
    let pods: Vec<Arc<Pod>> = pods
        .iter()
        .cloned()
        .map(|pod| Arc::new(object(pod)))
        .collect();
    claim_step(
        &claim(of_claim),
        &volumes,
        &[Arc::new(object(class))],
        &pods,
    )
}

fn told(step: ClaimStep) -> (&'static str, String) {
    match step {
        ClaimStep::Tell {
            reason, message, ..
        } => (reason, message),
        other => panic!("{other:?} tells nothing"),
    }
}

const USES: &str = r#"{"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data-web-0"}}]}}"#;

fn user(node: &str) -> Value {
    let uses = serde_json::from_str(USES).expect("JSON");
    over(pod("web-0", &uses), &json!({"spec": {"nodeName": node}}))
}

#[test]
fn a_claim_waits_for_its_first_consumer_and_is_told_so() {
    let none = json!({});
    assert_eq!(
        told(step(&none, None, &none, &[])),
        (
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding".to_owned()
        )
    );
    assert_eq!(
        told(step(&none, None, &none, &[user("")])),
        (
            "WaitForPodScheduled",
            "waiting for pod web-0 to be scheduled".to_owned()
        )
    );
    assert_eq!(
        told(step(
            &none,
            None,
            &json!({"metadata": {"name": "other"}}),
            &[]
        )),
        (
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"standard\" not found".to_owned()
        )
    );
    assert_eq!(
        told(step(
            &json!({"spec": {"storageClassName": ""}}),
            None,
            &none,
            &[]
        ))
        .1,
        "no persistent volumes available for this claim and no storage class is set"
    );
}

#[test]
fn a_claim_is_provisioned_promised_bound_and_shown_as_bound() {
    let none = json!({});
    let selected =
        json!({"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "n1"}}});
    let immediate = json!({"volumeBindingMode": "Immediate"});
    for (claim, class) in [(&selected, &none), (&none, &immediate)] {
        let ClaimStep::Provision(made) = step(claim, None, class, &[]) else {
            panic!("a volume is made");
        };
        assert_eq!(made.metadata.name.as_deref(), Some("pvc-u"));
        let spec = made.spec.expect("a specification");
        assert_eq!(spec.node_affinity, None);
        assert_eq!(
            spec.persistent_volume_reclaim_policy.as_deref(),
            Some("Delete")
        );
        assert_eq!(
            spec.claim_ref
                .and_then(|reference| reference.uid)
                .as_deref(),
            Some("u")
        );
    }
    let ours = ClaimStep::Bind {
        volume: "pvc-u".to_owned(),
        ours: true,
    };
    assert_eq!(step(&selected, Some(&none), &none, &[]), ours);
    let bound = json!({
        "metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": "pvc-u"},
    });
    assert!(matches!(
        step(&bound, Some(&none), &none, &[]),
        ClaimStep::Bound { .. }
    ));
    let shown = json!({"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}});
    let shown = over(bound, &shown);
    assert_eq!(step(&shown, Some(&none), &none, &[]), ClaimStep::Rest);
    let larger = over(
        shown.clone(),
        &json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}}),
    );
    assert!(
        matches!(step(&larger, Some(&none), &none, &[]), ClaimStep::Expand { storage, .. } if storage.0 == "2Gi")
    );
    assert_eq!(step(&shown, None, &none, &[]), ClaimStep::Lost);
}

#[test]
fn a_volume_made_by_hand_serves_the_claim_that_it_fits() {
    let none = json!({});
    let immediate = json!({"volumeBindingMode": "Immediate"});
    let free = |patch: Value| {
        over(
            json!({"spec": {"claimRef": null}, "status": {"phase": "Available"}}),
            &patch,
        )
    };
    let cases = [
        ("fits", free(json!({})), true),
        (
            "larger",
            free(json!({"spec": {"capacity": {"storage": "5Gi"}}})),
            true,
        ),
        (
            "smaller",
            free(json!({"spec": {"capacity": {"storage": "1Mi"}}})),
            false,
        ),
        (
            "mode",
            free(json!({"spec": {"accessModes": ["ReadOnlyMany"]}})),
            false,
        ),
        (
            "class",
            free(json!({"spec": {"storageClassName": "other"}})),
            false,
        ),
        (
            "block",
            free(json!({"spec": {"volumeMode": "Block"}})),
            false,
        ),
    ];
    for (case, volume, fits) in cases {
        let step = step(&none, Some(&volume), &immediate, &[]);
        let promised = step == ClaimStep::Promise("pvc-u".to_owned());
        assert_eq!(promised, fits, "{case}");
    }
    let named = json!({"spec": {"volumeName": "pvc-u"}});
    let taken = json!({"spec": {"claimRef": {"name": "other", "uid": "v"}}});
    assert_eq!(
        told(step(&named, Some(&taken), &none, &[])),
        (
            "FailedBinding",
            "volume \"pvc-u\" already bound to a different claim.".to_owned()
        )
    );
}

#[test]
fn a_deleted_claim_goes_when_no_scheduled_pod_uses_it() {
    let none = json!({});
    let deleted = json!({
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": "pvc-u"},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
    });
    assert_eq!(
        step(&deleted, Some(&none), &none, &[user("n1")]),
        ClaimStep::Rest
    );
    assert_eq!(
        step(&deleted, Some(&none), &none, &[user("")]),
        ClaimStep::Unprotect
    );
    assert_eq!(
        step(&deleted, Some(&none), &none, &[]),
        ClaimStep::Unprotect
    );
}

#[test]
fn a_volume_follows_its_claim_and_its_policy() {
    let bound = claim(&json!({"spec": {"volumeName": "pvc-u"}}));
    let fresh = claim(&json!({"metadata": {"uid": "another"}}));
    let released = json!({"status": {"phase": "Released"}});
    let kept = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}, "status": {"phase": "Released"}});
    let foreign = json!({"metadata": {"annotations": null}, "status": {"phase": "Released"}});
    let free = json!({"spec": {"claimRef": null}, "status": {"phase": "Pending"}});
    let cases = [
        (
            "bound",
            json!({"status": {"phase": "Pending"}}),
            Some(&bound),
            VolumeStep::Phase("Bound"),
        ),
        ("settled", json!({}), Some(&bound), VolumeStep::Rest),
        ("claim gone", json!({}), None, VolumeStep::Phase("Released")),
        (
            "claim recreated",
            json!({}),
            Some(&fresh),
            VolumeStep::Phase("Released"),
        ),
        ("released", released, None, VolumeStep::Delete),
        ("kept", kept, None, VolumeStep::Rest),
        ("made elsewhere", foreign, None, VolumeStep::CannotDelete),
        ("free", free, None, VolumeStep::Phase("Available")),
    ];
    for (case, of_volume, claim, expected) in cases {
        assert_eq!(volume_step(&volume(&of_volume), claim), expected, "{case}");
    }
}
