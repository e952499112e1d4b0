//! New pods: their priority, their service account and its token, how long they stay on a lost node.

use serde_json::Value;

use crate::mini::api::{
    Status, defaults, meta,
    resources::{self, Resource},
    store::{Object, Transaction},
};

/// Classes that every cluster has.
const SYSTEM_CLASSES: [(&str, i64); 2] = [
    ("system-cluster-critical", 2_000_000_000),
    ("system-node-critical", 2_000_001_000),
];

/// Changes a new pod.
///
/// # Errors
///
/// 403 for a priority class or a service account that is not there, and for a priority that is not its class's.
pub(super) fn admit(
    tx: &mut Transaction<'_>,
    resource: &Resource,
    pod: &mut Value,
) -> Result<(), Status> {
    let name = meta::text(pod, "name").to_owned();
    let forbidden = |why: &str| Status::forbidden(resource.group, resource.plural, &name, why);
    prioritize(tx, pod).map_err(|why| forbidden(&why))?;
    defaults::admit_pod(pod);
    let account = account(tx, pod).map_err(|why| forbidden(&why))?;
    let mut mount = pod["spec"]["automountServiceAccountToken"].as_bool();
    if let Some(account) = account {
        mount = mount.or(account["automountServiceAccountToken"].as_bool());
        let none = pod["spec"]["imagePullSecrets"]
            .as_array()
            .is_none_or(Vec::is_empty);
        if let (true, Some(secrets)) = (none, account.get("imagePullSecrets")) {
            pod["spec"]["imagePullSecrets"] = secrets.clone();
        }
    }
    if mount != Some(false) {
        let suffix = tx.random().suffix();
        defaults::mount_token(pod, &suffix);
    }
    Ok(())
}

fn prioritize(tx: &Transaction<'_>, pod: &mut Value) -> Result<(), String> {
    let classes = resources::named("scheduling.k8s.io", "priorityclasses");
    let asked = meta::at(pod, "/spec/priorityClassName").to_owned();
    let system = SYSTEM_CLASSES.iter().find(|(name, _)| *name == asked);
    let class = match asked.as_str() {
        "" => {
            let all = tx.list(classes, None);
            all.into_iter().find(|class| class["globalDefault"] == true)
        }
        name => tx.get(classes, "", name),
    };
    let (priority, preemption) = match (&class, system) {
        (Some(class), _) => (
            class["value"].as_i64().unwrap_or_default(),
            meta::at(class, "/preemptionPolicy").to_owned(),
        ),
        (None, Some((_, priority))) => (*priority, String::new()),
        (None, None) if asked.is_empty() => (0, String::new()),
        (None, None) => return Err(format!("no PriorityClass with name {asked} was found")),
    };
    let own = pod["spec"]["priority"].as_i64();
    if own.is_some_and(|own| own != priority) {
        return Err(format!(
            "the integer value of priority ({}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name",
            own.unwrap_or_default()
        ));
    }
    if let (Some(class), true) = (&class, asked.is_empty()) {
        pod["spec"]["priorityClassName"] = meta::text(class, "name").into();
    }
    pod["spec"]["priority"] = priority.into();
    if !preemption.is_empty() && meta::at(pod, "/spec/preemptionPolicy").is_empty() {
        pod["spec"]["preemptionPolicy"] = preemption.into();
    }
    Ok(())
}

/// The pod's service account; `default` may be absent.
fn account(tx: &Transaction<'_>, pod: &Value) -> Result<Option<Object>, String> {
    let (namespace, name) = (
        meta::text(pod, "namespace"),
        meta::at(pod, "/spec/serviceAccountName"),
    );
    let accounts = resources::named("", "serviceaccounts");
    match tx.get(accounts, namespace, name) {
        None if name != "default" => Err(format!(
            "error looking up service account {namespace}/{name}: serviceaccount {name:?} not found"
        )),
        found => Ok(found),
    }
}
