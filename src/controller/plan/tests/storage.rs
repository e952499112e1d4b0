use super::*;

fn spec(when_scaled: &str, replicas: i32) -> Value {
    json!({
        "replicas": replicas,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": when_scaled},
        "volumeClaimTemplates": [{"metadata": {"name": "www"}}, {"metadata": {"name": "log"}}],
    })
}

fn with_claims(mut observed: Observed, claims: &[(&str, Value)]) -> Observed {
    for (name, more) in claims {
        let mut claim = json!({"metadata": {"name": name}});
        json_patch::merge(&mut claim, more);
        let claim = serde_json::from_value(claim).expect("a claim");
        observed.claims.insert((*name).to_owned(), Arc::new(claim));
    }
    observed
}

fn of_pod(uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [
        {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": uid, "controller": true}
    ]}})
}

#[test]
fn a_new_pod_brings_the_claims_that_are_missing() {
    let claims = [("www-web-0", json!({}))];
    let plan = planned(&with_claims(observed(spec("Retain", 1), ""), &claims));
    let steps: Vec<_> = plan.steps().collect();
    let [Step::CreatePod(create)] = steps[..] else {
        panic!("{steps:?}");
    };
    let missing = create.needs.missing.iter();
    let missing: Vec<_> = missing
        .map(|claim| claim.metadata.name.as_deref())
        .collect();
    assert_eq!(missing, [Some("log-web-0")]);
}

#[test]
fn a_terminating_claim_stops_its_pod() {
    let leaving = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let observed = with_claims(observed(spec("Retain", 1), ""), &[("log-web-0", leaving)]);
    let plan = planned(&observed);
    let Some(Step::CreatePod(create)) = plan.steps().next() else {
        panic!("a create that will fail, with its reason");
    };
    assert_eq!(create.needs.terminating, ["log-web-0"]);
}

#[test]
fn a_claim_that_goes_with_the_earlier_pod_holds_its_ordinal_back() {
    let stale = || [("www-web-0", of_pod("earlier"))];
    let told_with = |spec: Value| told(&planned(&with_claims(observed(spec, ""), &stale())));
    assert_eq!(told_with(spec("Delete", 2)), "wait claim 0");
    assert_eq!(told_with(spec("Retain", 2)), "create 0@new, wait ready 0");
    let mut parallel = spec("Delete", 2);
    parallel["podManagementPolicy"] = "Parallel".into();
    assert_eq!(told_with(parallel), "create 1@new");
}

#[test]
fn a_pending_pod_gets_its_lost_claim_back() {
    let claims = [("www-web-0", json!({}))];
    let observed = with_claims(observed(spec("Retain", 1), "0:P"), &claims);
    assert_eq!(told(&planned(&observed)), "claims 0, wait ready 0");
}

#[test]
fn a_running_pod_does_not() {
    assert_eq!(told(&planned(&observed(spec("Retain", 1), "0:R"))), "");
}

#[test]
fn a_condemned_pod_owns_its_claims_before_it_goes() {
    let claims = || [("www-web-1", json!({})), ("log-web-1", json!({}))];
    let deletes = with_claims(observed(spec("Delete", 1), "0:R 1:R"), &claims());
    let plan = planned(&deletes);
    assert_eq!(told(&plan), "owners 1, delete 1, wait gone 1");
    let Some(Step::SetOwners(_, references)) = plan.steps().next() else {
        panic!("owners");
    };
    assert_eq!(references.updates.len(), 2);
    let retains = with_claims(observed(spec("Retain", 1), "0:R 1:R"), &claims());
    assert_eq!(told(&planned(&retains)), "delete 1, wait gone 1");
}

#[test]
fn owners_that_the_policy_does_not_want_are_repaired_on_live_pods() {
    let mut deleted = spec("Retain", 1);
    deleted["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete".into();
    let claims = [("www-web-0", json!({}))];
    let running = with_claims(observed(deleted.clone(), "0:R"), &claims);
    assert_eq!(told(&planned(&running)), "repair 0");
    let pending = with_claims(
        observed(deleted, "0:P"),
        &[("www-web-0", json!({})), ("log-web-0", json!({}))],
    );
    assert_eq!(told(&planned(&pending)), "owners 0, wait ready 0");
}
