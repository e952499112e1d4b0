//! What somebody sees who watches the pods with kubectl.

use cucumber::{gherkin::Step, then};
use k8s_openapi::api::core::v1::Pod;

use crate::{
    evidence::{Kind, Verb},
    sets,
    verdict::Stop,
    world::{Seen, World},
};

/// The word that kubectl shows for a pod that is starting or running.
fn shown(pod: &Pod) -> String {
    if sets::is_terminating(pod) {
        return "Terminating".to_owned();
    }
    let Some(status) = &pod.status else {
        return String::new();
    };
    let phase = status.phase.clone().unwrap_or_default();
    let mut waiting = status
        .container_statuses
        .iter()
        .flatten()
        .filter_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
    waiting.next_back().unwrap_or(phase)
}

/// The words that kubectl shows one after the other, each once, for all pods, since the scenario last did something.
fn watched(seen: &Seen<'_>) -> Vec<[String; 2]> {
    let mut rows: Vec<[String; 2]> = Vec::new();
    for (place, change) in seen.placed(Kind::Pod) {
        let Some(pod) = change
            .object
            .as_pod()
            .filter(|_| place >= seen.before.index)
        else {
            continue;
        };
        if change.verb == Verb::Deleted {
            continue;
        }
        let row = [change.object.name().to_owned(), shown(pod)];
        let last = rows.iter().rev().find(|known| known[0] == row[0]);
        if last != Some(&row) {
            rows.push(row);
        }
    }
    rows
}

#[then(expr = "whoever watches the pods sees, in this order")]
async fn watches(world: &mut World, #[step] step: &Step) -> Result<(), Stop> {
    let table = step.table.as_ref().map(|table| table.rows.as_slice());
    let wanted: Vec<[String; 2]> = table
        .unwrap_or_default()
        .iter()
        .skip(1)
        .filter_map(|row| Some([row.first()?.clone(), row.get(1)?.clone()]))
        .collect();
    let limit = world.scene.deadlines.whole_set;
    let told = |rows: &[[String; 2]]| {
        let rows: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
        rows.join(", ")
    };
    let expected = told(&wanted);
    world
        .comes(limit, &expected, |seen| {
            (watched(seen).len() >= wanted.len()).then_some(())
        })
        .await?;
    world.judge(&expected, |seen| {
        let rows = watched(seen);
        if rows == wanted {
            Ok(())
        } else {
            Err(told(&rows))
        }
    })
}
