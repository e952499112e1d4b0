//! From what scenarios came to, to the verdicts on behaviours and on the subject. Plain functions.
//!
//! # Guarantees
//!
//! - A behaviour failed if any judge of it failed; passed if at least one passed and none failed; otherwise it is the worst
//!   of the rest. Judges are the scenarios tagged with it and the invariants that name it.
//! - Where no scenario judges a core behaviour, an invariant passes it only with at least one strict decision.
//! - What happened while the subject wrote nothing passes no behaviour of a controller.
//! - A subject answers for the behaviours of its own party only, and never for observed ones.

use super::{deviations, excused::Excused};
use crate::{
    cluster::Target,
    inventory::{Behaviour, Invariant, Inventory, Level, Party},
    report::{
        Caught, Chapter, Conclusion, Counts, FORMAT, InvariantCount, Judged, Outcome, Report, Run,
        Word,
    },
    verdict::Verdict,
};

/// The report of a run that has ended.
pub(super) fn conclude(
    run: Run,
    scenarios: Vec<Outcome>,
    stray_panics: Vec<Caught>,
    interrupted: bool,
    inventory: &Inventory,
    excused: &Excused,
) -> Report {
    let complete = run.whole && !interrupted && run.subject != "none";
    let invariants = (inventory.invariants().iter())
        .map(|row| {
            count(
                row,
                &scenarios,
                complete,
                excused.vacuous.contains_key(&row.id),
            )
        })
        .collect();
    let behaviours = inventory
        .behaviours()
        .iter()
        .filter_map(|row| judge(row, &scenarios, inventory))
        .collect();
    let mut report = Report {
        format: FORMAT,
        run,
        conclusion: Conclusion::Conformant,
        reasons: Vec::new(),
        chapters: chapters(&scenarios),
        scenarios,
        invariants,
        behaviours,
        stray_panics,
    };
    let reasons = reasons(&report, interrupted, inventory, excused);
    report.conclusion = reasons
        .iter()
        .map(|(conclusion, _)| *conclusion)
        .max()
        .unwrap_or(Conclusion::Conformant);
    report.reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
    report
}

fn chapters(scenarios: &[Outcome]) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    for outcome in scenarios {
        let name = &outcome.scenario.chapter;
        if chapters.last().is_none_or(|chapter| chapter.name != *name) {
            chapters.push(Chapter {
                name: name.clone(),
                counts: Counts::default(),
            });
        }
        if let Some(chapter) = chapters.last_mut() {
            chapter.counts.add(&outcome.verdict);
        }
    }
    chapters
}

fn count(row: &Invariant, scenarios: &[Outcome], complete: bool, excused: bool) -> InvariantCount {
    let mut count = InvariantCount {
        id: row.id.clone(),
        statement: row.statement.clone(),
        strict: 0,
        windowed: 0,
        vacuous: 0,
        violated: 0,
        unexpectedly_vacuous: false,
        excused,
    };
    for outcome in scenarios
        .iter()
        .filter(|outcome| outcome.subject_writes.is_some() || !outcome.findings.is_empty())
    {
        match outcome.finding(&row.id).filter(|finding| finding.decided()) {
            None => count.vacuous += 1,
            Some(finding) => {
                count.strict += finding.strict;
                count.windowed += finding.windowed;
                count.violated += finding.violations.len();
            }
        }
    }
    count.unexpectedly_vacuous =
        complete && !excused && count.strict + count.windowed + count.violated == 0;
    count
}

/// What one judge says of a behaviour.
struct Say {
    who: String,
    word: Word,
}

fn judge(row: &Behaviour, scenarios: &[Outcome], inventory: &Inventory) -> Option<Judged> {
    let tagged = scenarios
        .iter()
        .filter(|outcome| outcome.scenario.behaviours.contains(&row.id));
    let by_scenarios: Vec<Say> = tagged
        .map(|outcome| Say {
            who: outcome.scenario.id(),
            word: word(&outcome.verdict),
        })
        .collect();
    let alone = by_scenarios.is_empty();
    let by_invariants = inventory
        .judges_of(&row.id)
        .filter_map(|invariant| of_invariant(row, invariant, scenarios, alone));
    let says: Vec<Say> = by_scenarios.into_iter().chain(by_invariants).collect();
    let has = |word: Word| says.iter().any(|say| say.word == word);
    let verdict = [
        Word::Failed,
        Word::Passed,
        Word::Inconclusive,
        Word::Skipped,
    ]
    .into_iter()
    .find(|word| has(*word))?;
    let because = match verdict {
        Word::Passed => Vec::new(),
        other => says
            .into_iter()
            .filter(|say| say.word == other)
            .map(|say| say.who)
            .collect(),
    };
    Some(Judged {
        id: row.id.clone(),
        party: row.party,
        level: row.level,
        verdict,
        because,
        by_invariants_alone: alone,
    })
}

fn word(verdict: &Verdict) -> Word {
    match verdict {
        Verdict::Passed => Word::Passed,
        Verdict::Failed { .. } => Word::Failed,
        Verdict::Skipped(_) => Word::Skipped,
        Verdict::Inconclusive(_) => Word::Inconclusive,
    }
}

/// An invariant over all scenarios, as a judge of one behaviour; none where its premise never arose.
fn of_invariant(
    row: &Behaviour,
    invariant: &Invariant,
    scenarios: &[Outcome],
    alone: bool,
) -> Option<Say> {
    // What happens while a controller does nothing shows nothing of it.
    let counts =
        |outcome: &&Outcome| row.party != Party::Controller || outcome.subject_writes != Some(0);
    let findings = || {
        scenarios
            .iter()
            .filter(counts)
            .filter_map(|outcome| outcome.finding(&invariant.id))
    };
    let violated = findings().any(|finding| !finding.violations.is_empty());
    let (strict, windowed) = findings().fold((0, 0), |(s, w), finding| {
        (s + finding.strict, w + finding.windowed)
    });
    let needs_strict = alone && row.level == Level::Core;
    let word = match (violated, strict, windowed) {
        (true, ..) if invariant.level == Level::Observed => return None,
        (true, ..) => Word::Failed,
        (_, 0, 0) => return None,
        (_, 0, _) if needs_strict => Word::Inconclusive,
        _ => Word::Passed,
    };
    Some(Say {
        who: invariant.id.clone(),
        word,
    })
}

/// Everything that keeps a run from being conformant, what outweighs the others last.
fn reasons(
    report: &Report,
    interrupted: bool,
    inventory: &Inventory,
    excused: &Excused,
) -> Vec<(Conclusion, String)> {
    let Report {
        run,
        scenarios,
        invariants,
        behaviours,
        stray_panics,
        ..
    } = report;
    let (ours, profile) = (run.party, run.profile);
    let mut reasons = Vec::new();
    let mut add = |conclusion, what: &str, ids: Vec<String>| {
        if !ids.is_empty() {
            reasons.push((conclusion, format!("{what}: {}", ids.join(", "))));
        }
    };
    let rows = |party_is_ours: bool, level: &dyn Fn(Level) -> bool, word: Word| -> Vec<String> {
        (behaviours.iter())
            .filter(|row| {
                (row.party == ours) == party_is_ours && level(row.level) && row.verdict == word
            })
            .map(|row| row.id.clone())
            .collect()
    };
    let is_custom = run.target != Target::apps_v1().to_string();
    let excused_skip = |id: &String| {
        let declared = is_custom && deviations::is_declared(id);
        excused.skip(&run.tier, &run.subject, id).is_some() || declared
    };
    let core = |level: Level| level == Level::Core;
    let mut skipped = rows(true, &core, Word::Skipped);
    skipped.retain(|id| !excused_skip(id));
    let judged = behaviours
        .iter()
        .filter(|row| row.party == ours && core(row.level))
        .count();
    let partial = format!(
        "partial: {} of {judged} core behaviours judged; skipped",
        judged - skipped.len()
    );
    add(Conclusion::Partial, &partial, skipped);

    let counts = |level| profile.counts(level);
    let undecided = |outcome: &&Outcome| {
        matches!(outcome.verdict, Verdict::Inconclusive(_)) && counts(outcome.scenario.level)
    };
    add(
        Conclusion::Undecided,
        "inconclusive",
        scenarios
            .iter()
            .filter(undecided)
            .map(|o| o.scenario.id())
            .collect(),
    );
    add(
        Conclusion::Undecided,
        "not decided by any judge",
        rows(true, &counts, Word::Inconclusive),
    );
    add(
        Conclusion::Undecided,
        "the environment is at fault",
        rows(false, &counts, Word::Failed),
    );
    let vacuous = invariants.iter().filter(|count| count.unexpectedly_vacuous);
    add(
        Conclusion::Undecided,
        "judged nothing over the whole run, and nothing excuses that",
        vacuous.map(|count| count.id.clone()).collect(),
    );
    let panics = stray_panics.iter().map(|caught| caught.message.clone());
    add(
        Conclusion::Undecided,
        "panics in the background",
        panics.collect(),
    );
    add(
        Conclusion::Undecided,
        "could not be removed",
        run.left.clone(),
    );

    let violated = invariants.iter().filter(|count| {
        let row = inventory.invariant(&count.id);
        count.violated > 0 && row.is_some_and(|row| counts(row.level))
    });
    let (of_ours, of_others): (Vec<_>, Vec<_>) = violated.partition(|count| {
        inventory
            .invariant(&count.id)
            .is_some_and(|row| row.party == ours)
    });
    let ids = |all: Vec<&InvariantCount>| all.into_iter().map(|count| count.id.clone()).collect();
    add(
        Conclusion::Undecided,
        "violated by the environment",
        ids(of_others),
    );
    add(Conclusion::NotConformant, "violated", ids(of_ours));
    let untagged = scenarios.iter().filter(|outcome| {
        matches!(outcome.verdict, Verdict::Failed { .. }) && outcome.scenario.behaviours.is_empty()
    });
    add(
        Conclusion::NotConformant,
        "failed",
        untagged.map(|outcome| outcome.scenario.id()).collect(),
    );
    add(
        Conclusion::NotConformant,
        "behaviours that do not hold",
        rows(true, &counts, Word::Failed),
    );
    if interrupted {
        reasons.push((
            Conclusion::Interrupted,
            "the run was interrupted".to_owned(),
        ));
    }
    reasons.sort_by_key(|(conclusion, _)| *conclusion);
    reasons
}

#[cfg(test)]
mod tests;
