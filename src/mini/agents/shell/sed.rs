//! The stream editor.

use regex::Regex;

use super::{
    Call, Outcome,
    stream::compile,
    text::{lines, options, valued},
};

/// One command of `sed`.
struct Edit {
    /// First and last line it is for.
    from: Option<Place>,
    to: Option<Place>,
    what: Change,
    /// Inside its range of lines.
    inside: bool,
}

enum Place {
    Line(usize),
    Last,
    Fits(Regex),
}

enum Change {
    Substitute {
        regex: Regex,
        by: String,
        all: bool,
        prints: bool,
    },
    Delete,
    Print,
    Quit,
}

impl Place {
    fn is_at(&self, number: usize, last: bool, line: &str) -> bool {
        match self {
            Self::Line(wanted) => *wanted == number,
            Self::Last => last,
            Self::Fits(regex) => regex.is_match(line),
        }
    }
}

impl Edit {
    fn applies(&mut self, number: usize, last: bool, line: &str) -> bool {
        let Some(from) = &self.from else {
            return true;
        };
        let Some(to) = &self.to else {
            return from.is_at(number, last, line);
        };
        if self.inside {
            self.inside = !to.is_at(number, last, line);
            return true;
        }
        let starts = from.is_at(number, last, line);
        let over = matches!(to, Place::Line(end) if *end <= number);
        self.inside = starts && !over;
        starts
    }
}

/// Cuts a text at the next unescaped delimiter.
fn delimited(text: &str, delimiter: char) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        if char == delimiter {
            return Some((part, &text[at + char.len_utf8()..]));
        }
        if char == '\\' {
            match chars.next() {
                Some((_, char)) if char == delimiter => part.push(char),
                Some((_, char)) => part.extend(['\\', char]),
                None => part.push('\\'),
            }
            continue;
        }
        part.push(char);
    }
    None
}

fn place(text: &str, is_extended: bool) -> Option<(Place, &str)> {
    if let Some(rest) = text.strip_prefix('$') {
        return Some((Place::Last, rest));
    }
    if let Some(rest) = text.strip_prefix('/') {
        let (pattern, rest) = delimited(rest, '/')?;
        return Some((
            Place::Fits(compile(&pattern, is_extended, false, false).ok()?),
            rest,
        ));
    }
    let digits = text.len()
        - text
            .trim_start_matches(|char: char| char.is_ascii_digit())
            .len();
    Some((Place::Line(text[..digits].parse().ok()?), &text[digits..]))
}

/// One edit at the beginning of a text, and the text after it.
fn edit(text: &str, is_extended: bool) -> Option<(Edit, &str)> {
    let mut rest = text.trim_start();
    let (mut from, mut to) = (None, None);
    if let Some((found, after)) = place(rest, is_extended) {
        from = Some(found);
        rest = after;
        if let Some(after) = rest.strip_prefix(',') {
            let (found, after) = place(after, is_extended)?;
            to = Some(found);
            rest = after;
        }
    }
    let mut chars = rest.trim_start().chars();
    let letter = chars.next()?;
    let rest = chars.as_str();
    let (what, rest) = match letter {
        'd' => (Change::Delete, rest),
        'p' => (Change::Print, rest),
        'q' => (Change::Quit, rest),
        's' => {
            let delimiter = rest.chars().next()?;
            let (pattern, rest) = delimited(&rest[delimiter.len_utf8()..], delimiter)?;
            let (by, rest) = delimited(rest, delimiter)?;
            let flags = rest.len() - rest.trim_start_matches(['g', 'p', 'i', 'I']).len();
            let (flags, rest) = rest.split_at(flags);
            let regex = compile(&pattern, is_extended, false, flags.contains(['i', 'I'])).ok()?;
            let (all, prints) = (flags.contains('g'), flags.contains('p'));
            (
                Change::Substitute {
                    regex,
                    by,
                    all,
                    prints,
                },
                rest,
            )
        }
        _ => return None,
    };
    let inside = false;
    Some((
        Edit {
            from,
            to,
            what,
            inside,
        },
        rest,
    ))
}

fn edits(script: &str, is_extended: bool) -> Option<Vec<Edit>> {
    let mut found = Vec::new();
    let mut rest = script.trim();
    while !rest.is_empty() {
        let (one, after) = edit(rest, is_extended)?;
        found.push(one);
        rest = after
            .trim_start()
            .trim_start_matches([';', '\n'])
            .trim_start();
    }
    Some(found)
}

/// What takes the place of a match: `&` and `\1` stand for it and its groups.
fn replacement(by: &str, found: &regex::Captures<'_>) -> String {
    let mut out = String::new();
    let mut chars = by.chars();
    while let Some(char) = chars.next() {
        match char {
            '&' => out.push_str(&found[0]),
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(digit) if digit.is_ascii_digit() => {
                    let group = digit
                        .to_digit(10)
                        .and_then(|digit| found.get(digit as usize));
                    out.push_str(group.map_or("", |group| group.as_str()));
                }
                Some(char) => out.push(char),
                None => {}
            },
            char => out.push(char),
        }
    }
    out
}

pub(super) async fn sed(call: Call<'_>, args: &[String]) -> Outcome {
    let (script, args) = valued(args, "-e");
    let (letters, rest) = options(&args);
    let is_extended = letters.contains(['E', 'r']);
    let (script, names) = match (script, rest) {
        (Some(script), rest) => (script, rest),
        (None, [script, rest @ ..]) => (script.clone(), rest),
        (None, []) => (String::new(), [].as_slice()),
    };
    let Some(mut edits) = edits(&script, is_extended) else {
        call.io
            .complain(format!("sed: unsupported command: {script}"))
            .await;
        return Ok(1);
    };
    if letters.contains('i') {
        for name in names {
            let (lines, _) = lines(call, "sed", std::slice::from_ref(name)).await;
            let text = edited(&lines, &mut edits, letters.contains('n'));
            if let Err(error) = call
                .machine
                .files
                .write(&call.path(name), text.as_bytes(), false)
            {
                call.io.complain(format!("sed: {name}: {error}")).await;
                return Ok(1);
            }
        }
        return Ok(0);
    }
    let (lines, code) = lines(call, "sed", names).await;
    call.io
        .out(edited(&lines, &mut edits, letters.contains('n')))
        .await?;
    Ok(code)
}

fn edited(lines: &[String], edits: &mut [Edit], quiet: bool) -> String {
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let mut line = line.clone();
        let (mut shown, mut quit) = (!quiet, false);
        for edit in edits.iter_mut() {
            if !edit.applies(at + 1, at + 1 == lines.len(), &line) {
                continue;
            }
            match &edit.what {
                Change::Delete => {
                    shown = false;
                    break;
                }
                Change::Print => out.push_str(&format!("{line}\n")),
                Change::Quit => quit = true,
                Change::Substitute {
                    regex,
                    by,
                    all,
                    prints,
                } => {
                    let found = regex.is_match(&line);
                    let by = |captures: &regex::Captures<'_>| replacement(by, captures);
                    let limit = usize::from(!all);
                    line = regex.replacen(&line, limit, by).into_owned();
                    if found && *prints {
                        out.push_str(&format!("{line}\n"));
                    }
                }
            }
        }
        if shown {
            out.push_str(&format!("{line}\n"));
        }
        if quit {
            break;
        }
    }
    out
}
