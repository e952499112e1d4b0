//! What a terminal shows: a line when a scenario ends, then what failed, what was judged, and what it comes to.
//!
//! Without colour it is also what a file or a pipe gets.

use std::fmt::Write as _;

use super::{Conclusion, Counts, Line, Outcome, Report, Run, Word};
use crate::{
    inventory::{self, Level},
    verdict::{Certificate, Verdict},
};

/// Whether words are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With the codes of an ANSI terminal.
    pub colour: bool,
}

impl Style {
    fn paint(self, code: u8, text: &str) -> String {
        match self.colour {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    fn verdict(self, verdict: &Verdict) -> String {
        let word = format!("{:<12}", verdict.word());
        self.paint(colour(verdict.word()), &word)
    }
}

fn colour(word: &str) -> u8 {
    match word {
        "passed" | "conformant" => 32,
        "failed" | "violated" | "not conformant" => 31,
        "skipped" => 36,
        _ => 33,
    }
}

/// What a run begins with.
pub fn heading(run: &Run, scenarios: usize) -> String {
    let mut text = format!(
        "{scenarios} scenarios, subject {}, tier {}, Kubernetes {}, seed {}",
        run.subject, run.tier, run.kubernetes, run.seed
    );
    if let Some(reconciler) = &run.reconciler {
        let _ = write!(text, "\nreconciled by {reconciler}");
    }
    text
}

/// One line for a scenario that has ended.
pub fn line(outcome: &Outcome, style: Style) -> String {
    let scenario = &outcome.scenario;
    let mut line = format!(
        "{} {:>7.3}s  {}  {}",
        style.verdict(&outcome.verdict),
        outcome.took.real_seconds,
        scenario.id(),
        scenario.name
    );
    if let Verdict::Skipped(reason) | Verdict::Inconclusive(reason) = &outcome.verdict {
        let _ = write!(line, ": {}", first_line(reason));
    }
    for why in &outcome.inconclusive_before {
        let _ = write!(line, "; inconclusive before: {}", first_line(why));
    }
    for finding in outcome
        .findings
        .iter()
        .filter(|finding| !finding.violations.is_empty())
    {
        let _ = write!(
            line,
            "  {}",
            style.paint(31, &format!("violated {}", finding.invariant))
        );
    }
    line
}

/// The line that is rewritten while a run goes on.
pub fn progress(total: usize, counts: Counts, running: &[String]) -> String {
    let mut line = format!("{} of {total} done", counts.total());
    for (word, count) in [
        ("failed", counts.failed),
        ("inconclusive", counts.inconclusive),
    ] {
        if count > 0 {
            let _ = write!(line, ", {count} {word}");
        }
    }
    if let Some(first) = running.first() {
        let _ = write!(line, "; running {first}");
        if running.len() > 1 {
            let _ = write!(line, " and {} more", running.len() - 1);
        }
    }
    line
}

/// The whole report, without colour.
pub fn whole(report: &Report) -> String {
    let mut text = heading(&report.run, report.scenarios.len());
    text.push('\n');
    for outcome in &report.scenarios {
        let _ = writeln!(text, "{}", line(outcome, Style::default()));
    }
    text.push_str(&end(report, Style::default()));
    text
}

/// What comes after the last scenario: failures, chapters, behaviours, invariants, the conclusion.
pub fn end(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for outcome in report.failures() {
        let _ = writeln!(text, "\n{}", style.paint(31, &failure(report, outcome)));
    }
    chapters(&mut text, report);
    behaviours(&mut text, report);
    invariants(&mut text, report);
    for caught in &report.stray_panics {
        let _ = writeln!(
            text,
            "a background task panicked: {}{}",
            caught.message,
            at(caught.location.as_deref())
        );
    }
    conclusion(&mut text, report, style);
    text
}

/// The same for those who want no more than what failed and what it comes to.
pub fn short_end(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for outcome in report.failures() {
        let _ = writeln!(text, "\n{}", style.paint(31, &failure(report, outcome)));
    }
    conclusion(&mut text, report, style);
    text
}

/// Everything there is to say about a scenario that failed or broke an invariant.
pub fn failure(report: &Report, outcome: &Outcome) -> String {
    let scenario = &outcome.scenario;
    let mut text = format!(
        "{}: {}: {}",
        outcome.verdict.word(),
        scenario.place(),
        scenario.name
    );
    let mut row = |name: &str, what: &str| {
        let _ = write!(text, "\n  {name:<10} {}", indented(what, 13));
    };
    if let Some(rule) = &scenario.rule {
        row("rule", rule);
    }
    if let Some((step, line)) = &outcome.step {
        row("step", &format!("{step}   ({})", scenario.place_of(*line)));
    }
    match &outcome.verdict {
        Verdict::Passed => {}
        Verdict::Skipped(why) | Verdict::Inconclusive(why) => row("because", why),
        Verdict::Failed { message, location } => {
            match message.split_once("; seen: ") {
                Some((expected, seen)) => {
                    row(
                        "expected",
                        expected
                            .trim_start_matches("expected")
                            .trim_start_matches([':', ' ']),
                    );
                    row("seen", seen);
                }
                None => row("seen", message),
            }
            if let Some(location) = location {
                row("raised at", location);
            }
            for id in &scenario.behaviours {
                let statement = inventory::embedded()
                    .behaviour(id)
                    .map_or("", |found| &found.statement);
                row("judges", &format!("{id}: {statement}"));
            }
        }
    }
    for caught in &outcome.panics {
        row(
            "panic",
            &format!("{}{}", caught.message, at(caught.location.as_deref())),
        );
    }
    for note in &outcome.notes {
        row("note", note);
    }
    for certificate in &outcome.certificates {
        row("held", &held(certificate));
    }
    if !outcome.slice.is_empty() {
        row("history", &lines(&outcome.slice));
    }
    for finding in &outcome.findings {
        for violation in &finding.violations {
            row(
                "violated",
                &format!(
                    "{}: {}",
                    finding.invariant,
                    statement_of(&finding.invariant)
                ),
            );
            if violation.expected != statement_of(&finding.invariant) {
                row("expected", &violation.expected);
            }
            row("seen", &violation.seen);
            if !violation.slice.is_empty() {
                row("evidence", &violation.slice.join("\n"));
            }
        }
    }
    row(
        "seed",
        &format!(
            "{} of the scenario, {} of the run",
            scenario.seed, report.run.seed
        ),
    );
    row("replay", &replay(&report.run, outcome));
    text
}

/// What the negative claims of a scenario rest on, a line each; empty if it makes none.
pub fn certificates(outcome: &Outcome) -> String {
    let mut text = String::new();
    for certificate in &outcome.certificates {
        let _ = write!(
            text,
            "\n{:23}held  {}",
            "",
            indented(&held(certificate), 29)
        );
    }
    text
}

fn held(certificate: &Certificate) -> String {
    let Certificate {
        claims,
        set,
        observed_generation,
        pods,
        ready,
        held_seconds,
        changes,
    } = certificate;
    let looked = match observed_generation {
        Some(generation) => format!(
            "set {set:?} was looked at as of generation {generation} with {pods} pods, {ready} Ready"
        ),
        None => format!("set {set:?} is gone"),
    };
    format!(
        "{}\n{looked}; then {held_seconds} s and {changes} changes passed",
        claims.join("\n")
    )
}

/// Every breach of one invariant, scenario by scenario.
pub(super) fn violations_of(report: &Report, invariant: &str) -> String {
    let breaks = |outcome: &&Outcome| {
        let mut findings = outcome.findings.iter();
        findings.any(|finding| finding.invariant == invariant && !finding.violations.is_empty())
    };
    let all: Vec<String> = report
        .scenarios
        .iter()
        .filter(breaks)
        .map(|outcome| failure(report, outcome))
        .collect();
    all.join("\n\n")
}

/// The command that does it again: the scenario's seed follows from the run's.
fn replay(run: &Run, outcome: &Outcome) -> String {
    let features = run
        .features
        .as_ref()
        .map(|folder| format!(" --features {folder}"))
        .unwrap_or_default();
    format!(
        "stsspec run {}{features}{} --subject {} --seed {}",
        outcome.scenario.id(),
        run.place
            .as_ref()
            .map(|place| format!(" {place}"))
            .unwrap_or_default(),
        run.subject,
        run.seed
    )
}

fn statement_of(invariant: &str) -> &'static str {
    inventory::embedded()
        .invariant(invariant)
        .map_or("", |row| &row.statement)
}

fn at(location: Option<&str>) -> String {
    location
        .map(|location| format!(" at {location}"))
        .unwrap_or_default()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn indented(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{:by$}", ""))
}

fn lines(slice: &[Line]) -> String {
    let object = slice
        .iter()
        .map(|line| line.object.len())
        .max()
        .unwrap_or(0);
    let all: Vec<String> = (slice.iter())
        .map(|line| {
            let version = line
                .version
                .map(|version| version.to_string())
                .unwrap_or_default();
            format!(
                "{version:>6}  {}  {:<object$}  {}",
                line.at, line.object, line.what
            )
        })
        .collect();
    all.join("\n")
}

fn chapters(text: &mut String, report: &Report) {
    let width = report
        .chapters
        .iter()
        .map(|chapter| chapter.name.len())
        .max()
        .unwrap_or(0)
        .max(7);
    let _ = writeln!(
        text,
        "\n{:<width$}  passed  failed  skipped  inconclusive",
        "chapter"
    );
    let mut row = |name: &str, counts: Counts| {
        let Counts {
            passed,
            failed,
            skipped,
            inconclusive,
        } = counts;
        let _ = writeln!(
            text,
            "{name:<width$}  {passed:>6}  {failed:>6}  {skipped:>7}  {inconclusive:>12}"
        );
    };
    for chapter in &report.chapters {
        row(&chapter.name, chapter.counts);
    }
    row("all", report.counts());
}

fn behaviours(text: &mut String, report: &Report) {
    let ours: Vec<_> = report
        .behaviours
        .iter()
        .filter(|judged| judged.party == report.run.party)
        .collect();
    let _ = writeln!(text, "\nbehaviours of the {}", report.run.party);
    for level in [Level::Core, Level::Extended, Level::Observed] {
        let of_level: Vec<_> = ours.iter().filter(|judged| judged.level == level).collect();
        let count = |word: Word| {
            of_level
                .iter()
                .filter(|judged| judged.verdict == word)
                .count()
        };
        let alone = of_level
            .iter()
            .filter(|judged| judged.verdict == Word::Passed && judged.by_invariants_alone)
            .count();
        let _ = writeln!(
            text,
            "  {level:<9} {:>3} judged: {} passed ({alone} by invariants alone), {} failed, {} skipped, {} inconclusive",
            of_level.len(),
            count(Word::Passed),
            count(Word::Failed),
            count(Word::Skipped),
            count(Word::Inconclusive)
        );
    }
    for judged in report
        .behaviours
        .iter()
        .filter(|judged| judged.verdict == Word::Failed)
    {
        let whose = match judged.party == report.run.party {
            true => String::new(),
            false => format!(" (of the {}, not of the subject)", judged.party),
        };
        let observed = if judged.level == Level::Observed {
            " (observed: reported, not failed)"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "  failed {}{whose}{observed}: {}",
            judged.id,
            judged.because.join(", ")
        );
    }
    let others = report
        .behaviours
        .iter()
        .filter(|judged| judged.party != report.run.party);
    let held = others
        .clone()
        .filter(|judged| judged.verdict == Word::Passed)
        .count();
    let _ = writeln!(
        text,
        "  of other parties: {held} of {} hold",
        others.count()
    );
}

fn invariants(text: &mut String, report: &Report) {
    let width = report
        .invariants
        .iter()
        .map(|count| count.id.len())
        .max()
        .unwrap_or(0)
        .max(9);
    let _ = writeln!(
        text,
        "\n{:<width$}  strict  windowed  vacuous  violated",
        "invariant"
    );
    let (arose, never): (Vec<_>, Vec<_>) = (report.invariants.iter())
        .partition(|count| count.strict + count.windowed + count.violated > 0);
    for count in arose {
        let _ = writeln!(
            text,
            "{:<width$}  {:>6}  {:>8}  {:>7}  {:>8}",
            count.id, count.strict, count.windowed, count.vacuous, count.violated
        );
    }
    if !never.is_empty() {
        let names: Vec<&str> = never.iter().map(|count| count.id.as_str()).collect();
        let _ = writeln!(text, "premise never arose: {}", names.join(", "));
    }
}

fn conclusion(text: &mut String, report: &Report, style: Style) {
    text.push('\n');
    for reason in &report.reasons {
        let _ = writeln!(text, "{reason}");
    }
    let word = match report.conclusion {
        Conclusion::Conformant => "conformant",
        Conclusion::Partial => "partial",
        Conclusion::Undecided => "undecided",
        Conclusion::NotConformant => "not conformant",
        Conclusion::Interrupted => "interrupted",
    };
    let counts = report.counts();
    let _ = writeln!(
        text,
        "{}: {} of {} scenarios passed in {:.2}s, subject {}, seed {}",
        style.paint(colour(word), word),
        counts.passed,
        counts.total(),
        report.run.real_seconds,
        report.run.subject,
        report.run.seed
    );
}
