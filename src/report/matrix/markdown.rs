//! The matrix as Markdown: the rules, a line for each mutant, what is unearned.

use std::fmt::Write as _;

use super::{Matrix, judge, summary, word};

pub(super) fn render(matrix: &Matrix) -> String {
    let mut text = format!("# Kill matrix\n\n{}\n\n", summary(matrix));
    text.push_str("| rule | | broken by |\n|---|---|---|\n");
    for rule in &matrix.rules {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            cell(&rule.says),
            word(rule),
            cell(&rule.broken_by.join("; "))
        );
    }
    text.push_str(
        "\n| mutant | party | what it does | killed | by | first event that shows it |\n|---|---|---|---|---|---|\n",
    );
    for row in &matrix.mutants {
        let by = row.kills.iter().map(|kill| match &kill.invariant {
            Some(_) => format!("{} in {}", judge(kill), kill.scenario),
            None => kill.scenario.clone(),
        });
        let by: Vec<String> = by.collect();
        let first = row.kills.iter().find(|kill| kill.named);
        let survives: Vec<&str> = row.survives().collect();
        let killed = match (row.is_killed(), survives.is_empty()) {
            (true, _) => "yes".to_owned(),
            (false, true) => "nothing judges it".to_owned(),
            (false, false) => format!("not by {}", survives.join(", ")),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.id,
            row.party,
            cell(&row.says),
            cell(&killed),
            cell(&by.join("; ")),
            cell(first.map_or("", |kill| &kill.event))
        );
    }
    if !matrix.unearned.is_empty() {
        text.push_str(
            "\nBehaviours whose judges were never seen to fail:\n\n| behaviour | level | party |\n|---|---|---|\n",
        );
        for row in &matrix.unearned {
            let _ = writeln!(text, "| {} | {} | {} |", row.id, row.level, row.party);
        }
    }
    text
}

/// Text that ends no cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('\n', " ")
}
