//! Commands on processes, time, users and conditions.

use std::time::Duration;

use super::{
    Call, Outcome,
    arithmetic::evaluate,
    process::Signal,
    run_program,
    text::{options, valued},
};

/// `5`, `0.5`, `2m`, `infinity`; None where it is none of these.
fn duration(text: &str) -> Option<Duration> {
    if matches!(text, "infinity" | "inf") {
        return Some(Duration::MAX);
    }
    let (number, unit) = text.split_at(text.trim_end_matches(['s', 'm', 'h', 'd']).len());
    let seconds: f64 = number.parse().ok()?;
    let factor = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => 86_400.0,
    };
    Duration::try_from_secs_f64(seconds * factor).ok()
}

pub(super) async fn sleep(call: Call<'_>, args: &[String]) -> Outcome {
    let mut total = Duration::ZERO;
    for arg in args {
        let Some(one) = duration(arg) else {
            call.io
                .complain(format!("sleep: invalid number '{arg}'"))
                .await;
            return Ok(1);
        };
        total = total.saturating_add(one);
    }
    // The runtime's timers end where hers do: whoever sleeps longer than a century sleeps for ever.
    match total > Duration::from_secs(100 * 365 * 86_400) {
        true => std::future::pending().await,
        false => tokio::time::sleep(total).await,
    }
    Ok(0)
}

pub(super) async fn date(call: Call<'_>, args: &[String]) -> Outcome {
    let format = args.iter().find_map(|arg| arg.strip_prefix('+'));
    let iso = args.iter().find_map(|arg| arg.strip_prefix("-I"));
    let format = match (format, iso) {
        (Some(format), _) => format.to_owned(),
        (None, Some("" | "date")) => "%Y-%m-%d".to_owned(),
        (None, Some(_)) => "%Y-%m-%dT%H:%M:%S+00:00".to_owned(),
        (None, None) => "%a %b %e %H:%M:%S UTC %Y".to_owned(),
    };
    let now = call.machine.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    match jiff::fmt::strtime::format(&format, &now) {
        Ok(text) => call.io.out(format!("{text}\n")).await.map(|()| 0),
        Err(_) => {
            call.io
                .complain(format!("date: invalid format '{format}'"))
                .await;
            Ok(1)
        }
    }
}

pub(super) async fn id(call: Call<'_>, name: String, args: &[String]) -> Outcome {
    let user = call.machine.user;
    let called = if user == 0 {
        "root".to_owned()
    } else {
        user.to_string()
    };
    let (letters, _) = options(args);
    let line = match (name.as_str(), letters.contains('n'), letters.is_empty()) {
        ("whoami", ..) | (_, true, _) => called,
        (_, _, true) if user == 0 => "uid=0(root) gid=0(root) groups=0(root)".to_owned(),
        (_, _, true) => format!("uid={user} gid=0(root) groups=0(root)"),
        _ if letters.contains('u') => user.to_string(),
        _ => "0".to_owned(),
    };
    call.io.out(format!("{line}\n")).await.map(|()| 0)
}

pub(super) async fn uname(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, _) = options(args);
    let parts = [
        ('s', "Linux"),
        ('n', call.machine.hostname.as_str()),
        ('r', "6.1.0"),
        ('m', "x86_64"),
    ];
    let letters = if letters.is_empty() {
        "s".to_owned()
    } else {
        letters
    };
    let wanted = parts
        .iter()
        .filter(|(letter, _)| letters.contains(*letter) || letters.contains('a'));
    let wanted: Vec<&str> = wanted.map(|(_, text)| *text).collect();
    call.io
        .out(format!("{}\n", wanted.join(" ")))
        .await
        .map(|()| 0)
}

pub(super) async fn df(call: Call<'_>, _args: &[String]) -> Outcome {
    let table = "Filesystem           1K-blocks      Used Available Use% Mounted on\n\
                 overlay               10485760    524288   9961472   5% /\n";
    call.io.out(table).await.map(|()| 0)
}

pub(super) async fn ps(call: Call<'_>) -> Outcome {
    let mut table = "PID   USER     TIME  COMMAND\n".to_owned();
    let user = if call.machine.user == 0 {
        "root".to_owned()
    } else {
        call.machine.user.to_string()
    };
    for (pid, text) in call.machine.processes.list() {
        table.push_str(&format!("{pid:>5} {user:<9} 0:00 {text}\n"));
    }
    call.io.out(table).await.map(|()| 0)
}

pub(super) async fn kill(call: Call<'_>, args: &[String]) -> Outcome {
    let (signal, pids) = match args {
        [flag, pids @ ..] if flag == "-0" => (None, pids),
        [flag, name, pids @ ..] if flag == "-s" => (Signal::parse(name), pids),
        [flag, pids @ ..] if flag.starts_with('-') => (Signal::parse(&flag[1..]), pids),
        pids => (Some(Signal::Terminate), pids),
    };
    if signal.is_none() && args.first().is_some_and(|flag| flag != "-0") {
        call.io
            .complain(format!(
                "kill: bad signal name '{}'",
                args[0].trim_start_matches('-')
            ))
            .await;
        return Ok(1);
    }
    let mut code = 0;
    for pid in pids {
        let process = pid
            .parse()
            .ok()
            .and_then(|pid| call.machine.processes.get(pid));
        match (process, signal) {
            (Some(process), Some(signal)) => process.send(signal),
            (Some(_), None) => {}
            (None, _) => {
                call.io
                    .complain(format!("kill: can't kill pid {pid}: No such process"))
                    .await;
                code = 1;
            }
        }
    }
    // A signal to one's own shell arrives before the next command.
    tokio::task::yield_now().await;
    Ok(code)
}

pub(super) async fn env(call: Call<'_>, args: &[String]) -> Outcome {
    let mut environment = call.environment.clone();
    let mut rest = args;
    while let [arg, after @ ..] = rest {
        match arg.split_once('=') {
            Some((name, value)) => drop(environment.insert(name.to_owned(), value.to_owned())),
            None if arg == "-i" => environment.clear(),
            None => break,
        }
        rest = after;
    }
    if rest.is_empty() {
        for (name, value) in &environment {
            call.io.out(format!("{name}={value}\n")).await?;
        }
        return Ok(0);
    }
    let environment = &environment;
    Ok(run_program(
        Call {
            environment,
            ..call
        },
        rest,
        false,
    )
    .await)
}

pub(super) async fn printenv(call: Call<'_>, args: &[String]) -> Outcome {
    let Some(name) = args.first() else {
        return env(call, args).await;
    };
    match call.environment.get(name) {
        Some(value) => call.io.out(format!("{value}\n")).await.map(|()| 0),
        None => Ok(1),
    }
}

pub(super) async fn expr(call: Call<'_>, args: &[String]) -> Outcome {
    let value = match args {
        [left, operator, right] if operator == "=" => Ok(i64::from(left == right)),
        [left, operator, right] if operator == "!=" => Ok(i64::from(left != right)),
        args => evaluate(&args.join(" "), &|_| String::new()),
    };
    match value {
        Ok(value) => {
            call.io.out(format!("{value}\n")).await?;
            Ok(i32::from(value == 0))
        }
        Err(_) => {
            call.io.complain("expr: syntax error").await;
            Ok(2)
        }
    }
}

pub(super) async fn timeout(call: Call<'_>, args: &[String]) -> Outcome {
    let (_, args) = valued(args, "-s");
    let (_, args) = valued(&args, "-k");
    let Some((limit, argv)) = args.split_first() else {
        call.io
            .complain("timeout: usage: timeout SECS PROG ARGS")
            .await;
        return Ok(1);
    };
    let limit = duration(limit).unwrap_or(Duration::ZERO);
    let run = tokio::time::timeout(limit, run_program(call, argv, false));
    Ok(run.await.unwrap_or(143))
}

pub(super) async fn nohup(call: Call<'_>, args: &[String]) -> Outcome {
    Ok(run_program(call, args, false).await)
}

pub(super) async fn xargs(call: Call<'_>, args: &[String]) -> Outcome {
    let (count, args) = valued(args, "-n");
    let (place, args) = valued(&args, "-I");
    let mut argv: Vec<String> = args.into_iter().filter(|arg| arg != "-r").collect();
    if argv.is_empty() {
        argv.push("echo".to_owned());
    }
    let text = String::from_utf8_lossy(&call.io.stdin.read_all().await).into_owned();
    let mut code = 0;
    if let Some(place) = place {
        for line in text.lines() {
            let argv: Vec<String> = argv.iter().map(|arg| arg.replace(&place, line)).collect();
            code = code.max(run_program(call, &argv, false).await);
        }
        return Ok(code);
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let count = count
        .and_then(|count| count.parse().ok())
        .unwrap_or(words.len())
        .max(1);
    for chunk in words.chunks(count) {
        let argv: Vec<String> = argv.iter().chain(chunk).cloned().collect();
        code = code.max(run_program(call, &argv, false).await);
    }
    Ok(code)
}

pub(super) async fn test(call: Call<'_>, bracket: bool, args: &[String]) -> Outcome {
    let args = match args {
        [rest @ .., last] if bracket && last == "]" => rest,
        _ if bracket => {
            call.io.complain("sh: missing ]").await;
            return Ok(2);
        }
        args => args,
    };
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match holds(call, &words) {
        Ok(holds) => Ok(i32::from(!holds)),
        Err(error) => {
            call.io.complain(format!("sh: {error}")).await;
            Ok(2)
        }
    }
}

fn holds(call: Call<'_>, words: &[&str]) -> Result<bool, String> {
    if words.len() > 4 || (words.len() == 4 && words[0] != "!") {
        for (operator, any) in [("-o", true), ("-a", false)] {
            if let Some(at) = words.iter().position(|word| *word == operator) {
                let (left, right) = (holds(call, &words[..at])?, holds(call, &words[at + 1..])?);
                return Ok(if any { left || right } else { left && right });
            }
        }
    }
    let entry = |path: &str| call.machine.files.entry(&call.path(path));
    let number = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| format!("{text}: bad number"))
    };
    match words {
        [] => Ok(false),
        ["!", rest @ ..] => holds(call, rest).map(|holds| !holds),
        [word] => Ok(!word.is_empty()),
        ["-n", word] => Ok(!word.is_empty()),
        ["-z", word] => Ok(word.is_empty()),
        ["-e" | "-r" | "-w", path] => Ok(entry(path).is_some()),
        ["-f", path] => Ok(entry(path).is_some_and(|entry| !entry.is_directory())),
        ["-d", path] => Ok(entry(path).is_some_and(|entry| entry.is_directory())),
        ["-s", path] => {
            Ok(entry(path).is_some_and(|entry| entry.bytes.is_none_or(|bytes| !bytes.is_empty())))
        }
        ["-x", path] => Ok(entry(path).is_some_and(|entry| entry.mode & 0o111 != 0)),
        ["-h" | "-L" | "-t" | "-p" | "-S", _] => Ok(false),
        [left, "=" | "==", right] => Ok(left == right),
        [left, "!=", right] => Ok(left != right),
        [left, "<", right] => Ok(left < right),
        [left, ">", right] => Ok(left > right),
        [left, "-eq", right] => Ok(number(left)? == number(right)?),
        [left, "-ne", right] => Ok(number(left)? != number(right)?),
        [left, "-lt", right] => Ok(number(left)? < number(right)?),
        [left, "-le", right] => Ok(number(left)? <= number(right)?),
        [left, "-gt", right] => Ok(number(left)? > number(right)?),
        [left, "-ge", right] => Ok(number(left)? >= number(right)?),
        [left, "-a", right] => Ok(!left.is_empty() && !right.is_empty()),
        [left, "-o", right] => Ok(!left.is_empty() || !right.is_empty()),
        [first, ..] => Err(format!("{first}: unknown operand")),
    }
}
