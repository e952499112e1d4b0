//! The difference between two printed objects, as a unified diff shows it.

const CONTEXT: usize = 3;

/// A line that both have, only the first, or only the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// What differs between two values that are printed as JSON in one line each.
pub(super) fn diff(old: &str, new: &str) -> String {
    let (old, new) = (indented(old), indented(new));
    let old: Vec<_> = old.lines().collect();
    let new: Vec<_> = new.lines().collect();
    hunks(&lines(&old, &new))
}

/// JSON over several lines, one space a level.
fn indented(json: &str) -> String {
    let (mut out, mut level, mut quoted, mut escaped) = (String::new(), 0, false, false);
    let mut letters = json.chars().peekable();
    let break_line = |out: &mut String, level: usize| {
        out.push('\n');
        out.push_str(&" ".repeat(level));
    };
    while let Some(letter) = letters.next() {
        if quoted {
            out.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '{' | '[' => {
                out.push(letter);
                match letters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        level += 1;
                        break_line(&mut out, level);
                    }
                }
            }
            '}' | ']' => {
                level -= 1;
                break_line(&mut out, level);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                break_line(&mut out, level);
            }
            ':' => out.push_str(": "),
            _ => {
                quoted = letter == '"';
                out.push(letter);
            }
        }
    }
    out
}

/// All lines in order, by the longest common subsequence.
fn lines<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let mut longest = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = match old[i] == new[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || longest[i + 1][j] >= longest[i][j + 1]) {
            lines.push(Line::Old(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

/// The changes with lines around them; changes that are close to each other share a hunk.
fn hunks(lines: &[Line<'_>]) -> String {
    let changed = |at: &usize| !matches!(lines[*at], Line::Same(_));
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for at in (0..lines.len()).filter(changed) {
        let span = (
            at.saturating_sub(CONTEXT),
            (at + CONTEXT + 1).min(lines.len()),
        );
        match spans.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = span.1,
            _ => spans.push(span),
        }
    }
    spans
        .into_iter()
        .map(|(start, end)| hunk(lines, start, end))
        .collect()
}

fn hunk(lines: &[Line<'_>], start: usize, end: usize) -> String {
    let count = |part: &[Line<'_>], other: fn(&Line<'_>) -> bool| {
        part.iter().filter(|line| !other(line)).count()
    };
    let is_old = |line: &Line<'_>| matches!(line, Line::Old(_));
    let is_new = |line: &Line<'_>| matches!(line, Line::New(_));
    let range = |other: fn(&Line<'_>) -> bool| {
        let before = count(&lines[..start], other);
        format!("{},{}", before + 1, count(&lines[start..end], other))
    };
    let mut out = format!("@@ -{} +{} @@\n", range(is_new), range(is_old));
    for line in &lines[start..end] {
        let (sign, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Old(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        out.push(sign);
        out.push_str(text);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distant_changes_have_hunks_of_their_own() {
        let old = r#"{"a":[],"b":1,"c":2,"d":3,"e":4,"f":5,"g":6,"h":6,"i":6,"j":7,"k":"x,\"y"}"#;
        let new = old.replace('1', "0").replace('7', "8");
        assert_eq!(
            diff(old, &new),
            "@@ -1,6 +1,6 @@\n {\n  \"a\": [],\n- \"b\": 1,\n+ \"b\": 0,\n  \"c\": 2,\n  \"d\": 3,\n  \"e\": 4,\n\
             @@ -8,6 +8,6 @@\n  \"g\": 6,\n  \"h\": 6,\n  \"i\": 6,\n- \"j\": 7,\n+ \"j\": 8,\n  \"k\": \"x,\\\"y\"\n }\n"
        );
    }

    #[test]
    fn equal_values_do_not_differ() {
        assert_eq!(diff("{}", "{}"), "");
    }
}
