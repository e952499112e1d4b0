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

pub(super) fn compile(
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
