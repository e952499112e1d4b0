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
    let forbidden = |why: &str| Status::forbidden("policy", "poddisruptionbudgets", name, why);
    let disrupted = budget["status"]["disruptedPods"].as_object();
    if number("disruptionsAllowed") < 0 {
        return Err(forbidden("pdb disruptions allowed is negative"));
    }
    if disrupted.is_some_and(|pods| pods.len() > MOST_DISRUPTED) {
        return Err(forbidden(
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ));
    }
    if number("disruptionsAllowed") == 0 {
        let why = format!(
            "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
        );
        return Err(refused(&why, 0));
    }
    Ok(Allowance::Taken(taken(budget, pod, now)))
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
    let conditions = status["conditions"].as_array_mut().into_iter().flatten();
    let mut conditions = conditions.filter(|condition| condition["type"] == "DisruptionAllowed");
    if let (0, Some(condition)) = (left, conditions.next()) {
        condition["status"] = "False".into();
        condition["reason"] = "InsufficientPods".into();
        condition["lastTransitionTime"] = now.into();
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
