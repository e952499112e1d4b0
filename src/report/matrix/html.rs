//! The matrix as one page: the rules, the grid of mutants by scenarios and invariants, the events.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{Kill, Matrix, Row, judge, summary, word};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Kill matrix</title>\n<style>\n\
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }\n\
table { border-collapse: collapse; margin: 1em 0 }\n\
th, td { border: 1px solid #ddd; padding: 2px 6px; text-align: left; vertical-align: top }\n\
.grid th.column { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: normal; font-size: 11px }\n\
.grid td { width: 14px; min-width: 14px; padding: 0; height: 14px }\n\
.named { background: #b22 } .beyond { background: #e96 }\n\
.holds { color: #171 } .broken { color: #b22; font-weight: bold }\n\
.wide { overflow-x: auto }\n\
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } th, td { border-color: #444 } }\n\
</style>\n";

pub(super) fn render(matrix: &Matrix) -> String {
    let mut page = String::from(HEAD);
    let _ = writeln!(
        page,
        "<h1>Kill matrix</h1>\n<p>{}</p>",
        safe(&summary(matrix))
    );
    rules(&mut page, matrix);
    grid(&mut page, matrix);
    events(&mut page, matrix);
    unearned(&mut page, matrix);
    page.push_str("</html>\n");
    page
}

fn rules(page: &mut String, matrix: &Matrix) {
    page.push_str("<table>\n<tr><th>rule<th><th>broken by\n");
    for rule in &matrix.rules {
        let word = word(rule);
        let _ = writeln!(
            page,
            "<tr><td>{}<td class=\"{word}\">{word}<td>{}",
            safe(&rule.says),
            safe(&rule.broken_by.join("; "))
        );
    }
    page.push_str("</table>\n");
}

/// A row for each mutant, a column for each scenario and each invariant that killed one.
fn grid(page: &mut String, matrix: &Matrix) {
    let killers = matrix.mutants.iter().flat_map(|row| &row.kills);
    let invariants: BTreeSet<&str> = killers
        .filter_map(|kill| kill.invariant.as_deref())
        .collect();
    let scenarios = || {
        let all = matrix.scenarios.iter();
        all.filter(|column| !column.kills.is_empty())
    };
    page.push_str("<div class=\"wide\"><table class=\"grid\">\n<tr><th>mutant");
    let of_scenarios = scenarios().map(|column| (column.id.as_str(), column.name.as_str()));
    for (id, title) in of_scenarios.chain(invariants.iter().map(|id| (*id, *id))) {
        let _ = write!(
            page,
            "<th class=\"column\" title=\"{}\">{}",
            safe(title),
            safe(id)
        );
    }
    page.push('\n');
    for row in &matrix.mutants {
        let _ = write!(
            page,
            "<tr><th title=\"{}\">{}",
            safe(&row.says),
            safe(&row.id)
        );
        for column in scenarios() {
            cell(page, row, |kill| {
                kill.scenario == column.id && kill.invariant.is_none()
            });
        }
        for id in &invariants {
            cell(page, row, |kill| kill.invariant.as_deref() == Some(id));
        }
        page.push('\n');
    }
    page.push_str("</table></div>\n");
}

fn cell(page: &mut String, row: &Row, which: impl Fn(&Kill) -> bool) {
    match row.kills.iter().find(|kill| which(kill)) {
        None => page.push_str("<td>"),
        Some(kill) => {
            let class = if kill.named { "named" } else { "beyond" };
            let _ = write!(
                page,
                "<td class=\"{class}\" title=\"{}: {}\">",
                safe(&row.id),
                safe(&kill.event)
            );
        }
    }
}

fn events(page: &mut String, matrix: &Matrix) {
    page.push_str("<table>\n<tr><th>mutant<th>party<th>what it does<th>not found out<th>killed by<th>first event that shows it\n");
    for row in &matrix.mutants {
        let survives: Vec<&str> = row.survives().collect();
        let kills = row.kills.len().max(1);
        let _ = write!(
            page,
            "<tr><th rowspan=\"{kills}\">{}<td rowspan=\"{kills}\">{}<td rowspan=\"{kills}\">{}<td rowspan=\"{kills}\">{}",
            safe(&row.id),
            row.party,
            safe(&row.says),
            safe(&survives.join(", "))
        );
        if row.kills.is_empty() {
            page.push_str("<td><td>\n");
        }
        for (index, kill) in row.kills.iter().enumerate() {
            let begin = if index == 0 { "" } else { "<tr>" };
            let _ = writeln!(
                page,
                "{begin}<td>{} {}<td>{}",
                safe(&kill.scenario),
                judge(kill),
                safe(&kill.event)
            );
        }
    }
    page.push_str("</table>\n");
}

fn unearned(page: &mut String, matrix: &Matrix) {
    if matrix.unearned.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Never seen to fail</h2>\n<table>\n<tr><th>behaviour<th>level<th>party<th>statement\n",
    );
    for row in &matrix.unearned {
        let _ = writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}",
            safe(&row.id),
            row.level,
            row.party,
            safe(&row.statement)
        );
    }
    page.push_str("</table>\n");
}

fn safe(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
