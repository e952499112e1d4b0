//! Commands that write and pass on text.

use super::{
    Call, Outcome,
    pipe::{Sink, Source},
};

/// Splits leading options of one letter from the rest.
pub(super) fn options(args: &[String]) -> (String, &[String]) {
    let mut letters = String::new();
    for (at, arg) in args.iter().enumerate() {
        match arg.strip_prefix('-') {
            Some("-") => return (letters, &args[at + 1..]),
            Some(rest) if !rest.is_empty() => letters.push_str(rest),
            _ => return (letters, &args[at..]),
        }
    }
    (letters, &[])
}

/// Takes an option that has a value, as `-n 3` or `-n3`, out of the arguments.
pub(super) fn valued(args: &[String], name: &str) -> (Option<String>, Vec<String>) {
    let mut rest = Vec::new();
    let mut value = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.strip_prefix(name) {
            Some("") => value = args.next().cloned(),
            Some(joined) if !name.starts_with("--") => value = Some(joined.to_owned()),
            _ => rest.push(arg.clone()),
        }
    }
    (value, rest)
}

/// The inputs of a command: the named files (`-` is standard input), or standard input. A missing one is told of.
pub(super) async fn inputs(
    call: Call<'_>,
    program: &str,
    names: &[String],
) -> (Vec<(String, Source)>, i32) {
    let mut code = 0;
    let mut found = Vec::new();
    for name in names {
        if name == "-" {
            found.push((name.clone(), call.io.stdin.clone()));
            continue;
        }
        match call.machine.files.read(&call.path(name)) {
            Ok(bytes) => found.push((name.clone(), Source::bytes(bytes))),
            Err(_) if name == "/dev/null" => {}
            Err(_) if name == "/dev/stdin" => found.push((name.clone(), call.io.stdin.clone())),
            Err(error) => {
                code = 1;
                call.io
                    .complain(format!("{program}: can't open '{name}': {error}"))
                    .await;
            }
        }
    }
    if names.is_empty() {
        found.push((String::new(), call.io.stdin.clone()));
    }
    (found, code)
}

/// All of the inputs as lines, without their ends.
pub(super) async fn lines(call: Call<'_>, program: &str, names: &[String]) -> (Vec<String>, i32) {
    let (inputs, code) = inputs(call, program, names).await;
    let mut lines = Vec::new();
    for (_, input) in inputs {
        let text = String::from_utf8_lossy(&input.read_all().await).into_owned();
        lines.extend(text.lines().map(str::to_owned));
    }
    (lines, code)
}

pub(super) async fn cat(call: Call<'_>, args: &[String]) -> Outcome {
    let (_, names) = options(args);
    let (inputs, code) = inputs(call, "cat", names).await;
    for (_, input) in inputs {
        loop {
            match input.read(64 * 1024).await {
                some if some.is_empty() => break,
                some => call.io.out(some).await?,
            }
        }
    }
    Ok(code)
}

/// Text with backslash sequences; None after `\c`, which ends all output.
fn unescape(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let mut push = |char: char| out.extend(char.to_string().bytes());
        if char != '\\' {
            push(char);
            continue;
        }
        let numbered = match chars.peek() {
            Some('0') => Some((8, 4)),
            Some('1'..='7') => Some((8, 3)),
            Some('x') => Some((16, 2)),
            _ => None,
        };
        if let Some((radix, most)) = numbered {
            if radix == 16 {
                chars.next();
            }
            let mut value = 0;
            for _ in 0..most {
                let Some(digit) = chars.peek().and_then(|char| char.to_digit(radix)) else {
                    break;
                };
                chars.next();
                value = value * radix + digit;
            }
            out.push(u8::try_from(value & 0xff).unwrap_or_default());
            continue;
        }
        match chars.next() {
            Some('n') => push('\n'),
            Some('t') => push('\t'),
            Some('r') => push('\r'),
            Some('a') => push('\x07'),
            Some('e') => push('\x1b'),
            Some('\\') => push('\\'),
            Some('c') => return None,
            Some(other) => {
                push('\\');
                push(other);
            }
            None => push('\\'),
        }
    }
    Some(())
}

pub(super) async fn echo(call: Call<'_>, args: &[String]) -> Outcome {
    let is_option = |arg: &&String| {
        arg.len() > 1 && arg.starts_with('-') && arg[1..].chars().all(|char| "neE".contains(char))
    };
    let count = args.iter().take_while(is_option).count();
    let letters: String = args[..count].concat();
    let text = args[count..].join(" ");
    let mut out = Vec::new();
    let whole = match letters.contains('e') {
        true => unescape(&text, &mut out).is_some(),
        false => {
            out.extend(text.bytes());
            true
        }
    };
    if whole && !letters.contains('n') {
        out.push(b'\n');
    }
    call.io.out(out).await.map(|()| 0)
}

pub(super) async fn printf(call: Call<'_>, args: &[String]) -> Outcome {
    let Some((format, values)) = args.split_first() else {
        call.io
            .complain("printf: usage: printf FORMAT [ARG]...")
            .await;
        return Ok(2);
    };
    let mut values = values.iter();
    let mut out = Vec::new();
    loop {
        let before = values.len();
        if format_once(format, &mut values, &mut out).is_none() {
            break;
        }
        if values.len() == 0 || values.len() == before {
            break;
        }
    }
    call.io.out(out).await.map(|()| 0)
}

/// One pass over a format; None where all output ends.
fn format_once(
    format: &str,
    values: &mut std::slice::Iter<'_, String>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        unescape(&rest[..at], out)?;
        rest = &rest[at + 1..];
        let end = rest
            .find(|char: char| !"-+ 0123456789.".contains(char))
            .unwrap_or(rest.len());
        let flags = &rest[..end];
        let kind = rest[end..].chars().next().unwrap_or('%');
        rest = rest.get(end + kind.len_utf8()..).unwrap_or_default();
        let value = if kind == '%' {
            ""
        } else {
            values.next().map_or("", String::as_str)
        };
        let number = || value.trim().parse::<i64>().unwrap_or(0);
        let text = match kind {
            '%' => "%".to_owned(),
            'd' | 'i' | 'u' => number().to_string(),
            'x' => format!("{:x}", number()),
            'o' => format!("{:o}", number()),
            'c' => value.chars().take(1).collect(),
            'b' => {
                unescape(value, out)?;
                continue;
            }
            _ => match flags.split_once('.') {
                Some((_, most)) => value
                    .chars()
                    .take(most.parse().unwrap_or(usize::MAX))
                    .collect(),
                None => value.to_owned(),
            },
        };
        let (left, width) = (
            flags.contains('-'),
            flags.trim_start_matches(['-', '+', ' ']),
        );
        let zero = width.starts_with('0') && matches!(kind, 'd' | 'i' | 'u' | 'x' | 'o');
        let width: usize = width
            .split('.')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let padded = match (left, zero) {
            (true, _) => format!("{text:<width$}"),
            (false, true) => format!("{text:0>width$}"),
            (false, false) => format!("{text:>width$}"),
        };
        out.extend(padded.bytes());
    }
    unescape(rest, out)
}

/// How many lines (or bytes) `head` and `tail` take, and of which files.
fn amount(args: &[String]) -> (String, bool, bool, Vec<String>) {
    let (bytes, rest) = valued(args, "-c");
    let (lines, rest) = valued(&rest, "-n");
    let short = rest.iter().find(|arg| {
        arg.len() > 1 && arg[1..].chars().all(|char| char.is_ascii_digit()) && arg.starts_with('-')
    });
    let short = short.map(|arg| arg[1..].to_owned());
    let follows = rest.iter().any(|arg| arg == "-f" || arg == "-F");
    let names = rest
        .into_iter()
        .filter(|arg| !arg.starts_with('-') || arg == "-")
        .collect();
    let in_bytes = bytes.is_some();
    let count = bytes.or(lines).or(short).unwrap_or_else(|| "10".to_owned());
    (count, in_bytes, follows, names)
}

pub(super) async fn head(call: Call<'_>, args: &[String]) -> Outcome {
    let (count, in_bytes, _, names) = amount(args);
    let count: usize = count.parse().unwrap_or(10);
    let (inputs, code) = inputs(call, "head", &names).await;
    for (_, input) in inputs {
        if in_bytes {
            let mut left = count;
            while left > 0 {
                let some = input.read(left).await;
                if some.is_empty() {
                    break;
                }
                left -= some.len();
                call.io.out(some).await?;
            }
            continue;
        }
        for _ in 0..count {
            let line = input.read_line().await;
            if line.is_empty() {
                break;
            }
            call.io.out(line).await?;
        }
    }
    Ok(code)
}

pub(super) async fn tail(call: Call<'_>, args: &[String]) -> Outcome {
    let (count, in_bytes, follows, names) = amount(args);
    let from_start = count.starts_with('+');
    let count: usize = count.trim_start_matches(['+', '-']).parse().unwrap_or(10);
    let (inputs, code) = inputs(call, "tail", &names).await;
    let mut seen = 0;
    for (_, input) in inputs {
        let all = input.read_all().await;
        seen = all.len();
        let part = if in_bytes {
            let skip = if from_start {
                count.saturating_sub(1)
            } else {
                all.len().saturating_sub(count)
            };
            all[skip.min(all.len())..].to_vec()
        } else {
            let lines: Vec<&[u8]> = all.split_inclusive(|byte| *byte == b'\n').collect();
            let skip = if from_start {
                count.saturating_sub(1)
            } else {
                lines.len().saturating_sub(count)
            };
            lines[skip.min(lines.len())..].concat()
        };
        call.io.out(part).await?;
    }
    let Some(name) = names.first().filter(|_| follows) else {
        return Ok(code);
    };
    // A file tells nobody that it grew: looked at each second, as tail does.
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        if name == "/dev/null" {
            continue;
        }
        let all = call
            .machine
            .files
            .read(&call.path(name))
            .unwrap_or_default();
        if all.len() < seen {
            seen = 0;
        }
        let part = all[seen..].to_vec();
        seen = all.len();
        call.io.out(part).await?;
    }
}

pub(super) async fn wc(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let (inputs, code) = inputs(call, "wc", names).await;
    for (name, input) in inputs {
        let all = input.read_all().await;
        let text = String::from_utf8_lossy(&all);
        let counts = [
            ('l', all.iter().filter(|byte| **byte == b'\n').count()),
            ('w', text.split_whitespace().count()),
            ('c', all.len()),
        ];
        let wanted = counts
            .iter()
            .filter(|(letter, _)| letters.is_empty() || letters.contains(*letter));
        let numbers: Vec<String> = wanted.map(|(_, count)| count.to_string()).collect();
        let line = match name.is_empty() {
            true => numbers.join(" "),
            false => format!("{} {name}", numbers.join(" ")),
        };
        call.io.out(format!("{line}\n")).await?;
    }
    Ok(code)
}

pub(super) async fn tee(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let mut sinks = Vec::new();
    let mut code = 0;
    for name in names {
        match Sink::open(&call.machine.files, &call.path(name), letters.contains('a')) {
            Ok(sink) => sinks.push(sink),
            Err(error) => {
                code = 1;
                call.io.complain(format!("tee: {name}: {error}")).await;
            }
        }
    }
    loop {
        let some = call.io.stdin.read(64 * 1024).await;
        if some.is_empty() {
            return Ok(code);
        }
        for sink in &sinks {
            sink.write(&some).await?;
        }
        call.io.out(some).await?;
    }
}

pub(super) async fn seq(call: Call<'_>, args: &[String]) -> Outcome {
    let (separator, args) = valued(args, "-s");
    let numbers: Vec<i64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] if *step != 0 => (*first, *step, *last),
        _ => {
            call.io.complain("seq: usage: seq [FIRST [INC]] LAST").await;
            return Ok(1);
        }
    };
    let mut value = first;
    let mut all = Vec::new();
    while (step > 0 && value <= last) || (step < 0 && value >= last) {
        all.push(value.to_string());
        value += step;
    }
    if !all.is_empty() {
        let separator = separator.unwrap_or_else(|| "\n".to_owned());
        call.io.out(format!("{}\n", all.join(&separator))).await?;
    }
    Ok(0)
}

pub(super) async fn yes(call: Call<'_>, args: &[String]) -> Outcome {
    let word = if args.is_empty() {
        "y".to_owned()
    } else {
        args.join(" ")
    };
    let line = format!("{word}\n");
    loop {
        call.io.out(&line).await?;
        tokio::task::yield_now().await;
    }
}
