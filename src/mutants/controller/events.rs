use k8s_openapi::api::core::v1::Event;

use super::*;

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "tells-nothing",
        "emits no events",
        &[
            "ev-create",
            "ev-delete",
            "ev-failed-create",
            "ev-failed-create-text",
            "ev-failed-delete-update",
            "ev-conflicting-controller",
            "ev-aggregation",
            "ev-recreate-failed-gone",
            "pvc-terminating-blocks-pod-event",
            "pvc-quota-denied-event",
            "ret-ref-repair-touches-pod",
            "inv-events-complete",
        ],
        || Arc::new(TellsNothing),
    ),
    mutant(
        "events-about-pods",
        "emits events about pods in place of their set",
        &["ev-source", "ev-create"],
        || Arc::new(EventsAboutPods),
    ),
    mutant(
        "events-from-another",
        "says that its events come from somebody else",
        &["ev-source-component"],
        || Arc::new(EventsFromAnother),
    ),
    mutant(
        "cuts-the-text",
        "tells that something failed, but not why",
        &["ev-failed-create-text"],
        || Arc::new(CutsTheText),
    ),
    mutant(
        "tells-of-recreation",
        "has an event of its own for a pod that failed",
        &["ev-recreate-failed-gone", "ev-delete"],
        || Arc::new(TellsOfRecreation),
    ),
    mutant(
        "never-combines",
        "falls silent where events are to be combined",
        &["ev-aggregation"],
        || Arc::new(NeverCombines),
    ),
];

fn message(event: &Event) -> &str {
    event.message.as_deref().unwrap_or_default()
}

struct TellsNothing;

impl Twist for TellsNothing {
    fn event(&self, _event: &mut Event) -> bool {
        false
    }
}

struct EventsAboutPods;

impl Twist for EventsAboutPods {
    fn event(&self, event: &mut Event) -> bool {
        let words = message(event).split(' ').map(str::to_owned);
        let pod = words.skip_while(|word| word != "Pod").nth(1);
        event.involved_object.kind = Some("Pod".to_owned());
        event.involved_object.name = pod;
        event.involved_object.uid = None;
        true
    }
}

struct EventsFromAnother;

impl Twist for EventsFromAnother {
    fn event(&self, event: &mut Event) -> bool {
        let other = Some("controller".to_owned());
        event
            .source
            .get_or_insert_default()
            .component
            .clone_from(&other);
        event.reporting_component = other;
        true
    }
}

struct CutsTheText;

impl Twist for CutsTheText {
    fn event(&self, event: &mut Event) -> bool {
        if let Some((what, _)) = message(event).split_once(" error: ") {
            event.message = Some(what.to_owned());
        }
        true
    }
}

struct TellsOfRecreation;

impl Twist for TellsOfRecreation {
    fn event(&self, event: &mut Event) -> bool {
        if event.reason.as_deref() == Some("SuccessfulDelete") {
            event.reason = Some("RecreatingFailedPod".to_owned());
        }
        true
    }
}

struct NeverCombines;

impl Twist for NeverCombines {
    fn event(&self, event: &mut Event) -> bool {
        !message(event).starts_with("(combined")
    }
}
