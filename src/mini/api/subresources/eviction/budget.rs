//! Whether a disruption budget lets a pod go: a pure decision.

use serde_json::{Value, json};

use crate::mini::api::{Status, meta};

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
/// How many evictions a budget may have under way.
const MOST_DISRUPTED: usize = 2000;

/// What a budget says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Allowance {
    /// The pod may go and nothing is counted.
    Free,
    /// The pod may go; the budget with one disruption less.
    Taken(Value),
}

/// Decides on the eviction of a pod under its budget.
///
/// # Errors
///
/// 429 while the budget allows no disruption or is not up to date.
pub(super) fn allowance(budget: &Value, pod: &Value, now: &str) -> Result<Allowance, Status> {
    let number = |field: &str| budget["status"][field].as_i64().unwrap_or_default();
    let (healthy, desired) = (number("currentHealthy"), number("desiredHealthy"));
    let name = meta::text(budget, "name");
    if !is_ready(pod) {
        let free = match budget["spec"]["unhealthyPodEvictionPolicy"].as_str() {
            Some("AlwaysAllow") => true,
            _ => healthy >= desired && desired > 0,
        };
        if free {
            return Ok(Allowance::Free);
        }
    }
    let generation = budget["metadata"]["generation"]
        .as_i64()
        .unwrap_or_default();
    if number("observedGeneration") < generation {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(&why, 10));
    }
    let disrupted = budget["status"]["disruptedPods"].as_object();
    let too_many = disrupted.is_some_and(|pods| pods.len() > MOST_DISRUPTED);
    match number("disruptionsAllowed") {
        negative if negative < 0 => {
            let why = "pdb disruptions allowed is negative";
            Err(forbidden(name, why, why))
        }
        _ if too_many => Err(forbidden(
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
            "too many pending evictions not confirmed by PDB controller",
        )),
        0 => Err(refused(&exhausted(budget, healthy, desired), 0)),
        _ => Ok(Allowance::Taken(taken(budget, pod, now))),
    }
}

fn forbidden(name: &str, why: &str, cause: &str) -> Status {
    let mut status = Status::forbidden("policy", "poddisruptionbudget", name, why);
    let cause =
        format!("The disruption budget {name} does not allow evicting pods currently: {cause}");
    if let Some(details) = &mut status.details {
        details["causes"] = json!([{"reason": "DisruptionBudget", "message": cause}]);
    }
    status
}

/// Why a budget allows no disruption.
fn exhausted(budget: &Value, healthy: i64, desired: i64) -> String {
    let name = meta::text(budget, "name");
    let conditions = budget["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let mut conditions = conditions.filter(|condition| {
        condition["type"] == "DisruptionAllowed" && condition["status"] == "False"
    });
    let condition = conditions.next().map(|condition| {
        let text = |field: &str| condition[field].as_str().unwrap_or_default();
        (text("reason"), text("message"))
    });
    let condition = condition.filter(|(_, message)| !message.is_empty());
    match condition {
        Some(("SyncFailed", message)) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        _ if healthy <= desired => {
            format!(
                "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
            )
        }
        Some((reason, message)) => format!(
            "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
        ),
        None => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

fn refused(why: &str, retry_after_seconds: u32) -> Status {
    let mut status = Status::too_many_requests(REFUSED, retry_after_seconds);
    let details = status.details.get_or_insert_with(|| json!({}));
    details["causes"] = json!([{"reason": "DisruptionBudget", "message": why}]);
    status
}

fn taken(budget: &Value, pod: &Value, now: &str) -> Value {
    let mut budget = budget.clone();
    let status = &mut budget["status"];
    let left = status["disruptionsAllowed"].as_i64().unwrap_or_default() - 1;
    status["disruptionsAllowed"] = left.into();
    status["disruptedPods"][meta::text(pod, "name")] = now.into();
    if left == 0 {
        let observed = status["observedGeneration"].clone();
        let conditions = status["conditions"].as_array().cloned();
        let mut conditions = conditions.unwrap_or_default();
        let before = conditions
            .iter()
            .find(|condition| condition["type"] == "DisruptionAllowed");
        let since = before.filter(|before| before["status"] == "False");
        let since = since.map_or(now.into(), |before| before["lastTransitionTime"].clone());
        let condition = json!({
            "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
            "observedGeneration": observed, "lastTransitionTime": since,
        });
        conditions.retain(|condition| condition["type"] != "DisruptionAllowed");
        conditions.push(condition);
        status["conditions"] = conditions.into();
    }
    budget
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(ready: &str) -> Value {
        json!({"metadata": {"name": "web-0"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn budget(allowed: i64, observed: i64) -> Value {
        json!({
            "metadata": {"name": "web", "generation": 2},
            "status": {
                "disruptionsAllowed": allowed, "observedGeneration": observed, "currentHealthy": 2, "desiredHealthy": 3,
            },
        })
    }

    #[test]
    fn a_budget_that_is_used_up_refuses_with_its_figures() {
        let refused = allowance(&budget(0, 2), &pod("True"), "now").unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (429, REFUSED));
        assert_eq!(
            refused.details.unwrap()["causes"],
            json!([{
                "reason": "DisruptionBudget",
                "message": "The disruption budget web needs 3 healthy pods and has 2 currently",
            }])
        );
    }

    #[test]
    fn a_budget_that_is_not_up_to_date_asks_to_wait() {
        let refused = allowance(&budget(1, 1), &pod("True"), "now").unwrap_err();
        assert_eq!(refused.details.unwrap()["retryAfterSeconds"], 10);
    }

    #[test]
    fn a_disruption_is_taken_and_the_pod_noted() {
        let Ok(Allowance::Taken(budget)) = allowance(&budget(1, 2), &pod("True"), "now") else {
            panic!("not taken");
        };
        assert_eq!(budget["status"]["disruptionsAllowed"], 0);
        assert_eq!(budget["status"]["disruptedPods"], json!({"web-0": "now"}));
    }

    #[test]
    fn a_pod_that_is_not_ready_may_always_go_if_the_budget_says_so() {
        let mut budget = budget(0, 2);
        budget["spec"]["unhealthyPodEvictionPolicy"] = "AlwaysAllow".into();
        assert_eq!(
            allowance(&budget, &pod("False"), "now"),
            Ok(Allowance::Free)
        );
    }
}
