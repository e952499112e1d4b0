//! Commands that pick and change lines.

use regex::{Regex, RegexBuilder};

use super::{
    Call, Outcome,
    text::{inputs, lines, options, valued},
};

/// A basic regular expression in the words of an extended one.
fn extended(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some(char) if "(){}+?|".contains(char) => out.push(char),
                Some(char) => out.extend(['\\', char]),
                None => out.push_str("\\\\"),
            },
            char if "(){}+?|".contains(char) => out.extend(['\\', char]),
            char => out.push(char),
        }
    }
    out
}

fn compile(
    pattern: &str,
    is_extended: bool,
    is_fixed: bool,
    ignores_case: bool,
) -> Result<Regex, String> {
    let pattern = match (is_fixed, is_extended) {
        (true, _) => regex::escape(pattern),
        (false, true) => pattern.to_owned(),
        (false, false) => extended(pattern),
    };
    let built = RegexBuilder::new(&pattern)
        .case_insensitive(ignores_case)
        .build();
    built.map_err(|_| format!("bad regex '{pattern}'"))
}

pub(super) async fn grep(call: Call<'_>, args: &[String]) -> Outcome {
    let (pattern, args) = valued(args, "-e");
    let (letters, rest) = options(&args);
    let (pattern, names) = match (pattern, rest) {
        (Some(pattern), rest) => (pattern, rest),
        (None, [pattern, rest @ ..]) => (pattern.clone(), rest),
        (None, []) => {
            call.io
                .complain("grep: usage: grep [-EFivqcno] PATTERN [FILE]...")
                .await;
            return Ok(2);
        }
    };
    let has = |letter: char| letters.contains(letter);
    let whole = if has('x') {
        format!("^({pattern})$")
    } else {
        pattern.clone()
    };
    let regex = match compile(
        if has('F') { &pattern } else { &whole },
        has('E') || has('x'),
        has('F'),
        has('i'),
    ) {
        Ok(regex) => regex,
        Err(error) => {
            call.io.complain(format!("grep: {error}")).await;
            return Ok(2);
        }
    };
    let mut all = Vec::new();
    for name in names {
        let path = call.path(name);
        let below = call.machine.files.walk(&path).into_iter();
        let files = below.filter(|path| !call.machine.files.is_directory(path));
        match has('r') || has('R') {
            true => all.extend(files),
            false => all.push(name.clone()),
        }
    }
    let (inputs, mut code) = inputs(call, "grep", &all).await;
    code *= 2;
    let shows_names = (inputs.len() > 1 || has('r')) && !has('h');
    let mut any = false;
    for (name, input) in inputs {
        let mut count = 0;
        let mut number = 0;
        loop {
            let line = input.read_line().await;
            if line.is_empty() {
                break;
            }
            number += 1;
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\n');
            if regex.is_match(line) == has('v') {
                continue;
            }
            any = true;
            count += 1;
            if has('q') {
                return Ok(0);
            }
            if has('c') || has('l') {
                continue;
            }
            let mut before = String::new();
            if shows_names {
                before.push_str(&format!("{name}:"));
            }
            if has('n') {
                before.push_str(&format!("{number}:"));
            }
            match has('o') {
                true => {
                    for found in regex.find_iter(line) {
                        call.io.out(format!("{before}{}\n", found.as_str())).await?;
                    }
                }
                false => call.io.out(format!("{before}{line}\n")).await?,
            }
        }
        if has('c') {
            let before = if shows_names {
                format!("{name}:")
            } else {
                String::new()
            };
            call.io.out(format!("{before}{count}\n")).await?;
        } else if has('l') && count > 0 {
            call.io.out(format!("{name}\n")).await?;
        }
    }
    Ok(if any { 0 } else { code.max(1) })
}

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

/// `1,3-5,7-`: which fields or characters.
fn ranges(text: &str) -> Vec<(usize, usize)> {
    let one = |part: &str| match part.split_once('-') {
        Some((from, to)) => (from.parse().unwrap_or(1), to.parse().unwrap_or(usize::MAX)),
        None => {
            let at = part.parse().unwrap_or(0);
            (at, at)
        }
    };
    text.split(',').map(one).collect()
}

pub(super) async fn cut(call: Call<'_>, args: &[String]) -> Outcome {
    let (delimiter, args) = valued(args, "-d");
    let (fields, args) = valued(&args, "-f");
    let (chars, args) = valued(&args, "-c");
    let (letters, names) = options(&args);
    let delimiter = delimiter.unwrap_or_else(|| "\t".to_owned());
    let wanted = ranges(fields.as_deref().or(chars.as_deref()).unwrap_or("1-"));
    let is_wanted = |at: usize| wanted.iter().any(|(from, to)| *from <= at + 1 && at < *to);
    let (lines, code) = lines(call, "cut", names).await;
    for line in lines {
        let picked: String = if fields.is_some() {
            if !line.contains(&delimiter) {
                if !letters.contains('s') {
                    call.io.out(format!("{line}\n")).await?;
                }
                continue;
            }
            let parts = line.split(&delimiter).enumerate();
            let parts: Vec<&str> = parts
                .filter(|(at, _)| is_wanted(*at))
                .map(|(_, part)| part)
                .collect();
            parts.join(&delimiter)
        } else {
            line.chars()
                .enumerate()
                .filter(|(at, _)| is_wanted(*at))
                .map(|(_, char)| char)
                .collect()
        };
        call.io.out(format!("{picked}\n")).await?;
    }
    Ok(code)
}

pub(super) async fn sort(call: Call<'_>, args: &[String]) -> Outcome {
    let (key, args) = valued(args, "-k");
    let (separator, args) = valued(&args, "-t");
    let (letters, names) = options(&args);
    let key = key.and_then(|key| {
        key.split([',', 'n', 'r'])
            .next()
            .and_then(|text| text.parse::<usize>().ok())
    });
    let (mut lines, code) = lines(call, "sort", names).await;
    let value = |line: &str| match (key, &separator) {
        (Some(key), Some(separator)) => line
            .split(separator.as_str())
            .nth(key - 1)
            .unwrap_or("")
            .to_owned(),
        (Some(key), None) => line
            .split_whitespace()
            .nth(key.saturating_sub(1))
            .unwrap_or("")
            .to_owned(),
        (None, _) => line.to_owned(),
    };
    let number = |text: &str| {
        let text = text.trim_start();
        let end = text
            .find(|char: char| !char.is_ascii_digit() && char != '-')
            .unwrap_or(text.len());
        text[..end].parse::<i64>().unwrap_or(0)
    };
    match letters.contains('n') {
        true => lines.sort_by_key(|line| (number(&value(line)), line.clone())),
        false => lines.sort_by_key(|line| (value(line), line.clone())),
    }
    if letters.contains('r') {
        lines.reverse();
    }
    if letters.contains('u') {
        lines.dedup();
    }
    for line in lines {
        call.io.out(format!("{line}\n")).await?;
    }
    Ok(code)
}

pub(super) async fn uniq(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let (lines, code) = lines(call, "uniq", names).await;
    let mut groups: Vec<(String, usize)> = Vec::new();
    for line in lines {
        match groups.last_mut() {
            Some((known, count)) if *known == line => *count += 1,
            _ => groups.push((line, 1)),
        }
    }
    for (line, count) in groups {
        let (repeated, single) = (letters.contains('d'), letters.contains('u'));
        if (repeated && count == 1) || (single && count > 1) {
            continue;
        }
        match letters.contains('c') {
            true => call.io.out(format!("{count:>7} {line}\n")).await?,
            false => call.io.out(format!("{line}\n")).await?,
        }
    }
    Ok(code)
}

pub(super) async fn tac(call: Call<'_>, args: &[String]) -> Outcome {
    let (lines, code) = lines(call, "tac", args).await;
    for line in lines.iter().rev() {
        call.io.out(format!("{line}\n")).await?;
    }
    Ok(code)
}

/// The characters a set of `tr` names, with its ranges, classes and sequences.
fn set(text: &str) -> Vec<char> {
    let text = text
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:space:]", " \t\n\r")
        .replace("[:alnum:]", "A-Za-z0-9")
        .replace("[:alpha:]", "A-Za-z");
    let mut out = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let mut char = chars[at];
        if char == '\\' && at + 1 < chars.len() {
            at += 1;
            char = match chars[at] {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                other => other,
            };
        }
        if at + 2 < chars.len() && chars[at + 1] == '-' {
            out.extend(char..=chars[at + 2]);
            at += 3;
        } else {
            out.push(char);
            at += 1;
        }
    }
    out
}

pub(super) async fn tr(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, sets) = options(args);
    let from = set(sets.first().map_or("", String::as_str));
    let to = set(sets.get(1).map_or("", String::as_str));
    let is_from = |char: char| from.contains(&char) != letters.contains('c');
    loop {
        let line = call.io.stdin.read_line().await;
        if line.is_empty() {
            return Ok(0);
        }
        let mut out = String::new();
        for char in String::from_utf8_lossy(&line).chars() {
            if !is_from(char) {
                out.push(char);
            } else if letters.contains('s') && to.is_empty() {
                if !out.ends_with(char) {
                    out.push(char);
                }
            } else if !letters.contains('d') {
                let at = from
                    .iter()
                    .position(|known| *known == char)
                    .unwrap_or(usize::MAX);
                let new = to.get(at).or(to.last()).copied().unwrap_or(char);
                if !(letters.contains('s') && out.ends_with(new)) {
                    out.push(new);
                }
            }
        }
        call.io.out(out).await?;
    }
}
