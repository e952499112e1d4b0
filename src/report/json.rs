//! The report itself, as JSON.

use super::Report;

pub(super) fn render(report: &Report) -> String {
    pretty(report)
}

/// Any data of ours as indented JSON with a final line break.
pub(super) fn pretty(data: &impl serde::Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(data).expect("reports have text keys and finite numbers");
    text.push('\n');
    text
}
