//! The matrix as a terminal shows it: a paragraph for each mutant, then the rules.

use std::fmt::Write as _;

use super::{Found, Matrix, judge, summary, word};

pub(super) fn render(matrix: &Matrix) -> String {
    let mut text = String::new();
    for row in &matrix.mutants {
        let word = match row.is_killed() {
            true => "killed",
            false if row.survives().next().is_none() => "unjudged",
            false => "survives",
        };
        let _ = writeln!(text, "{word:<9} {} ({}): {}", row.id, row.party, row.says);
        for (found, title) in [
            (Found::Survived, "not found out"),
            (Found::Unjudged, "judged by nothing"),
        ] {
            let ids = row.breaks.iter().filter(|broken| broken.found == found);
            let ids: Vec<&str> = ids.map(|broken| broken.id.as_str()).collect();
            if !ids.is_empty() {
                let _ = writeln!(text, "          {title}: {}", ids.join(", "));
            }
        }
        for kill in &row.kills {
            let beyond = if kill.named { "" } else { " (not named)" };
            let _ = writeln!(
                text,
                "          {} {}{beyond}: {}",
                kill.scenario,
                judge(kill),
                kill.event
            );
        }
    }
    rules(&mut text, matrix);
    let _ = writeln!(text, "\n{}", summary(matrix));
    text
}

fn rules(text: &mut String, matrix: &Matrix) {
    text.push('\n');
    for rule in &matrix.rules {
        let _ = writeln!(text, "{:<12} {}", word(rule), rule.says);
        if rule.checked {
            for broken in &rule.broken_by {
                let _ = writeln!(text, "             {broken}");
            }
        }
    }
}

pub(super) fn unearned(matrix: &Matrix) -> String {
    let mut text = String::new();
    let mut counts: Vec<(String, usize)> = Vec::new();
    for row in &matrix.unearned {
        let group = format!("{} of the {}", row.level, row.party);
        match counts.last_mut() {
            Some((last, count)) if *last == group => *count += 1,
            _ => {
                let _ = writeln!(text, "{group}");
                counts.push((group, 1));
            }
        }
        let why = match row.survivors.is_empty() {
            true => "no mutant breaks it".to_owned(),
            false => format!("not found out: {}", row.survivors.join(", ")),
        };
        let _ = writeln!(text, "  {} [{why}]: {}", row.id, row.statement);
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(group, count)| format!("{count} {group}"))
        .collect();
    let all = match counts.is_empty() {
        true => "every behaviour that is judged is earned".to_owned(),
        false => format!("unearned: {}", counts.join(", ")),
    };
    let _ = writeln!(text, "{all}\n{}", summary(matrix));
    text
}
