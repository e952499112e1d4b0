use super::*;

/// A timeline from lines as they are written, in the order of the lines.
fn told(lines: &[&str]) -> Timeline {
    let mut read = Timeline::read(lines, 1).expect("lines of a timeline");
    read.remove(0)
}

/// A timeline of events in the order in which they were seen, arranged.
fn seen(policy: &str, lines: &[&str]) -> Timeline {
    let head = format!("  web, {policy}");
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}")).collect();
    let all: Vec<&str> = [head.as_str()]
        .into_iter()
        .chain(lines.iter().map(String::as_str))
        .collect();
    let mut timeline = told(&all);
    timeline.arrange();
    timeline
}

const STARTUP: [&str; 8] = [
    "set: created",
    "revision 1: created",
    "claim data-web-0: created",
    "pod web-0: created from 1",
    "status: current 1 update 1",
    "pod web-0: Ready",
    "pod web-1: created from 1",
    "pod web-1: Ready",
];

fn moved(lines: &[&'static str], from: usize, to: usize) -> Vec<&'static str> {
    let mut lines = lines.to_vec();
    let line = lines.remove(from);
    lines.insert(to, line);
    lines
}

#[test]
fn what_may_interleave_is_not_compared_and_what_has_to_wait_is() {
    // From where to where an event moves, the policy, and whether that is a difference.
    let cases = [
        (
            4,
            7,
            "OrderedReady",
            false,
            "a status is written at its own time",
        ),
        (
            1,
            0,
            "OrderedReady",
            false,
            "a revision is an object of its own",
        ),
        (3, 1, "OrderedReady", true, "a pod comes after its revision"),
        (2, 3, "OrderedReady", true, "a claim comes before its pod"),
        (
            6,
            5,
            "OrderedReady",
            true,
            "the next pod waits until one is Ready",
        ),
        (
            6,
            5,
            "Parallel",
            false,
            "pods of a Parallel set wait for no other",
        ),
        (
            7,
            6,
            "Parallel",
            true,
            "each pod's own events have their order",
        ),
    ];
    let one = |policy| seen(policy, &STARTUP);
    for (from, to, policy, differs, why) in cases {
        let other = seen(policy, &moved(&STARTUP, from, to));
        let found = compare(&[one(policy)], std::slice::from_ref(&other));
        assert_eq!(!found.is_empty(), differs, "{why}: {found:?}");
        let same_text = one(policy).to_string() == other.to_string();
        assert_eq!(same_text, !differs, "{why}");
    }
}

#[test]
fn the_first_difference_is_told_with_both_sides() {
    let one = seen("OrderedReady", &STARTUP);
    let cases = [
        (
            vec!["pod web-1: deleted by the controller", "pod web-1: gone"],
            (
                "pod web-1, event 3",
                "Ready and nothing more",
                "Ready, deleted by the controller, gone",
            ),
        ),
        (
            vec!["pod web-2: created from 1"],
            ("pod web-2, event 1", " and nothing more", "created from 1"),
        ),
        (
            vec!["status: current 1 update 2"],
            (
                "status, event 2",
                "current 1 update 1 and nothing more",
                "current 1 update 1, current 1 update 2",
            ),
        ),
    ];
    for (more, (at, this, that)) in cases {
        let other = seen("OrderedReady", &[&STARTUP[..], &more].concat());
        let wanted = Difference {
            set: "web".into(),
            at: at.into(),
            one: this.into(),
            other: that.into(),
        };
        assert_eq!(compare(std::slice::from_ref(&one), &[other]), [wanted]);
    }
    let none = compare(&[one], &[]);
    assert_eq!(none[0].other, "there is none");
}

#[test]
fn a_rollout_goes_from_the_last_pod_down_and_waits_for_each() {
    let rollout = [
        "pod web-0: created from 1",
        "pod web-1: created from 1",
        "pod web-1: deleted by the controller",
        "pod web-1: gone",
        "pod web-1: created from 2",
        "pod web-1: Ready",
        "pod web-0: deleted by the controller",
        "pod web-0: gone",
    ];
    let one = seen("OrderedReady", &rollout);
    for (from, to, differs, why) in [
        (6, 5, true, "the next goes when the last is Ready again"),
        (6, 2, true, "the last pod goes first"),
    ] {
        let other = seen("OrderedReady", &moved(&rollout, from, to));
        let found = compare(std::slice::from_ref(&one), &[other]);
        assert_eq!(!found.is_empty(), differs, "{why}");
    }
    // Two that somebody else deletes go as their nodes let them.
    let lost = [
        "pod web-0: created from 1, Ready",
        "pod web-1: created from 1, Ready",
        "pod web-0: deleted",
        "pod web-1: deleted",
        "pod web-0: gone",
        "pod web-1: gone",
    ];
    let other = seen("OrderedReady", &moved(&lost, 4, 5));
    assert_eq!(compare(&[seen("OrderedReady", &lost)], &[other]), []);
}
