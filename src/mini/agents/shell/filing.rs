//! Commands on files and directories.

use super::{
    Call, Outcome,
    files::{self, FileError},
    text::{options, valued},
};

async fn complain(call: Call<'_>, program: &str, what: &str, error: FileError) -> i32 {
    call.io
        .complain(format!("{program}: {what}: {error}"))
        .await;
    1
}

pub(super) async fn ls(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let here = [".".to_owned()];
    let names = if names.is_empty() {
        here.as_slice()
    } else {
        names
    };
    let mut code = 0;
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for name in names {
        match call.machine.files.entry(&call.path(name)) {
            None => {
                call.io
                    .complain(format!("ls: {name}: {}", FileError::NotFound))
                    .await;
                code = 1;
            }
            Some(entry) if entry.is_directory() && !letters.contains('d') => directories.push(name),
            Some(_) => files.push(name.clone()),
        }
    }
    for name in &files {
        call.io
            .out(listed(call, &call.path(name), name, &letters))
            .await?;
    }
    for (at, name) in directories.iter().enumerate() {
        if names.len() > 1 {
            let gap = if at > 0 || !files.is_empty() {
                "\n"
            } else {
                ""
            };
            call.io.out(format!("{gap}{name}:\n")).await?;
        }
        let path = call.path(name);
        let all = letters.contains('a');
        let dots = [".", ".."].into_iter().filter(|_| all).map(str::to_owned);
        let entries = call.machine.files.list(&path).unwrap_or_default();
        let entries = dots.chain(
            entries
                .into_iter()
                .filter(|entry| all || letters.contains('A') || !entry.starts_with('.')),
        );
        for entry in entries {
            let line = listed(call, &files::plain(&path, &entry), &entry, &letters);
            call.io.out(line).await?;
        }
    }
    Ok(code)
}

fn listed(call: Call<'_>, path: &str, name: &str, letters: &str) -> String {
    let Some(entry) = call
        .machine
        .files
        .entry(path)
        .filter(|_| letters.contains('l'))
    else {
        return format!("{name}\n");
    };
    let kind = if entry.is_directory() { 'd' } else { '-' };
    let bits = (0..9).rev().map(|bit| match entry.mode & (1 << bit) {
        0 => '-',
        _ => ['x', 'w', 'r'][bit % 3],
    });
    let bits: String = bits.collect();
    let size = entry.bytes.map_or(4096, |bytes| bytes.len());
    let date = call.machine.clock.now().strftime("%b %e %H:%M");
    format!("{kind}{bits}    1 root     root     {size:>9} {date} {name}\n")
}

pub(super) async fn rm(call: Call<'_>, directory: bool, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let program = if directory { "rmdir" } else { "rm" };
    let mut code = 0;
    for name in names {
        let path = call.path(name);
        let files = &call.machine.files;
        let is_directory = files.is_directory(&path);
        let full = is_directory && files.list(&path).is_ok_and(|names| !names.is_empty());
        let result = match () {
            () if files.entry(&path).is_none() && letters.contains('f') => Ok(()),
            () if directory && full => Err(FileError::NotEmpty),
            () if directory && !is_directory && files.entry(&path).is_some() => {
                Err(FileError::NotDirectory)
            }
            () if !directory && is_directory && !letters.contains(['r', 'R']) => {
                Err(FileError::IsDirectory)
            }
            () => files.remove(&path),
        };
        if let Err(error) = result {
            let what = match error {
                FileError::IsDirectory => format!("'{name}' is a directory"),
                error => format!("can't remove '{name}': {error}"),
            };
            let what = if directory {
                format!("'{name}': {error}")
            } else {
                what
            };
            call.io.complain(format!("{program}: {what}")).await;
            code = 1;
        }
    }
    Ok(code)
}

pub(super) async fn mkdir(call: Call<'_>, args: &[String]) -> Outcome {
    let (_, args) = valued(args, "-m");
    let (letters, names) = options(&args);
    let mut code = 0;
    for name in names {
        let path = call.path(name);
        let files = &call.machine.files;
        let mut result = Ok(());
        if letters.contains('p') {
            let mut at = String::new();
            for part in path.split('/').filter(|part| !part.is_empty()) {
                at = format!("{at}/{part}");
                if result.is_ok() && !files.is_directory(&at) {
                    result = files.make_directory(&at);
                }
            }
        } else {
            result = files.make_directory(&path);
        }
        if let Err(error) = result {
            code = complain(
                call,
                "mkdir",
                &format!("can't create directory '{name}'"),
                error,
            )
            .await;
        }
    }
    Ok(code)
}

/// The plain paths something is copied or moved from and to.
async fn pairs(
    call: Call<'_>,
    program: &str,
    names: &[String],
) -> Option<Vec<(String, String, String)>> {
    let Some((to, from)) = names.split_last().filter(|(_, from)| !from.is_empty()) else {
        call.io
            .complain(format!("{program}: usage: {program} SOURCE... DEST"))
            .await;
        return None;
    };
    let target = call.path(to);
    let inside = call.machine.files.is_directory(&target);
    let pair = |name: &String| {
        let path = call.path(name);
        let to = match inside {
            true => files::plain(&target, files::split(&path).1),
            false => target.clone(),
        };
        (name.clone(), path, to)
    };
    Some(from.iter().map(pair).collect())
}

pub(super) async fn cp(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let Some(pairs) = pairs(call, "cp", names).await else {
        return Ok(1);
    };
    let mut code = 0;
    for (name, from, to) in pairs {
        let files = &call.machine.files;
        let recursive = letters.contains(['r', 'R', 'a']);
        if files.is_directory(&from) && !recursive {
            call.io
                .complain(format!("cp: omitting directory '{name}'"))
                .await;
            code = 1;
        } else if let Err(error) = files.copy(&from, &to) {
            let what = match error {
                FileError::NotFound if files.entry(&from).is_none() => {
                    format!("can't stat '{name}'")
                }
                _ => format!("can't create '{to}'"),
            };
            code = complain(call, "cp", &what, error).await;
        }
    }
    Ok(code)
}

pub(super) async fn mv(call: Call<'_>, args: &[String]) -> Outcome {
    let (_, names) = options(args);
    let Some(pairs) = pairs(call, "mv", names).await else {
        return Ok(1);
    };
    let mut code = 0;
    for (name, from, to) in pairs {
        if from == to {
            continue;
        }
        let files = &call.machine.files;
        if let Err(error) = files.copy(&from, &to).and_then(|()| files.remove(&from)) {
            code = complain(call, "mv", &format!("can't rename '{name}'"), error).await;
        }
    }
    Ok(code)
}

pub(super) async fn touch(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    let mut code = 0;
    for name in names {
        let path = call.path(name);
        let files = &call.machine.files;
        if files.entry(&path).is_some() || letters.contains('c') {
            continue;
        }
        if let Err(error) = files.write(&path, b"", true) {
            code = complain(call, "touch", name, error).await;
        }
    }
    Ok(code)
}

pub(super) async fn chmod(call: Call<'_>, args: &[String]) -> Outcome {
    let mut args = args.iter().filter(|arg| *arg != "-R");
    let mode = args.next().cloned().unwrap_or_default();
    let mut code = 0;
    for name in args {
        let path = call.path(name);
        let files = &call.machine.files;
        let before = files.entry(&path).map_or(0o644, |entry| entry.mode);
        let mode = match (u32::from_str_radix(&mode, 8), mode.split_once(['+', '-'])) {
            (Ok(mode), _) => mode,
            (_, Some((_, bits))) => {
                let named = bits.chars().map(|bit| match bit {
                    'x' => 0o111,
                    'w' => 0o222,
                    _ => 0o444,
                });
                let bits = named.fold(0, |all, bit| all | bit);
                if mode.contains('+') {
                    before | bits
                } else {
                    before & !bits
                }
            }
            _ => before,
        };
        if let Err(error) = files.set_mode(&path, mode) {
            code = complain(call, "chmod", name, error).await;
        }
    }
    Ok(code)
}

pub(super) async fn stat(call: Call<'_>, args: &[String]) -> Outcome {
    let (format, args) = valued(args, "-c");
    let (_, names) = options(&args);
    let mut code = 0;
    for name in names {
        let Some(entry) = call.machine.files.entry(&call.path(name)) else {
            code = complain(
                call,
                "stat",
                &format!("can't stat '{name}'"),
                FileError::NotFound,
            )
            .await;
            continue;
        };
        let kind = if entry.is_directory() {
            "directory"
        } else {
            "regular file"
        };
        let size = entry.bytes.as_ref().map_or(4096, Vec::len);
        let format = format
            .as_deref()
            .unwrap_or("  File: %n\n  Size: %s\t%F\nAccess: (0%a)");
        let line = format
            .replace("%n", name)
            .replace("%s", &size.to_string())
            .replace("%F", kind)
            .replace("%a", &format!("{:o}", entry.mode));
        call.io.out(format!("{line}\n")).await?;
    }
    Ok(code)
}

pub(super) async fn find(call: Call<'_>, args: &[String]) -> Outcome {
    let count = args.iter().take_while(|arg| !arg.starts_with('-')).count();
    let (mut places, tests) = (args[..count].to_vec(), &args[count..]);
    if places.is_empty() {
        places.push(".".to_owned());
    }
    let (kind, tests) = valued(tests, "-type");
    let (pattern, _) = valued(&tests, "-name");
    let mut code = 0;
    for place in places {
        let root = call.path(&place);
        if call.machine.files.entry(&root).is_none() {
            code = complain(call, "find", &place, FileError::NotFound).await;
            continue;
        }
        for path in call.machine.files.walk(&root) {
            let directory = call.machine.files.is_directory(&path);
            let wanted = kind
                .as_deref()
                .is_none_or(|kind| (kind == "d") == directory);
            let fits = pattern
                .as_deref()
                .is_none_or(|pattern| super::expand::fits(pattern, files::split(&path).1));
            if wanted && fits {
                let below = path
                    .strip_prefix(&root)
                    .unwrap_or_default()
                    .trim_start_matches('/');
                let shown = match below {
                    "" => place.clone(),
                    below => format!("{}/{below}", place.trim_end_matches('/')),
                };
                call.io.out(format!("{shown}\n")).await?;
            }
        }
    }
    Ok(code)
}

pub(super) async fn basename(call: Call<'_>, args: &[String]) -> Outcome {
    let path = args
        .first()
        .map_or("", String::as_str)
        .trim_end_matches('/');
    let base = path.rsplit('/').next().unwrap_or_default();
    let suffix = args.get(1).map_or("", String::as_str);
    let base = base
        .strip_suffix(suffix)
        .filter(|base| !base.is_empty())
        .unwrap_or(base);
    call.io.out(format!("{base}\n")).await.map(|()| 0)
}

pub(super) async fn dirname(call: Call<'_>, args: &[String]) -> Outcome {
    let path = args
        .first()
        .map_or("", String::as_str)
        .trim_end_matches('/');
    let directory = match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory,
        None => ".",
    };
    call.io.out(format!("{directory}\n")).await.map(|()| 0)
}

pub(super) async fn readlink(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, names) = options(args);
    for name in names {
        if !letters.contains('f') {
            return Ok(1);
        }
        call.io.out(format!("{}\n", call.path(name))).await?;
    }
    Ok(0)
}

pub(super) async fn mktemp(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, _) = options(args);
    let files = &call.machine.files;
    if !files.is_directory("/tmp") {
        let _ = files.make_directory("/tmp");
    }
    let number = files.list("/tmp").map_or(0, |names| names.len());
    let path = format!("/tmp/tmp.{number:06}");
    let made = match letters.contains('d') {
        true => files.make_directory(&path),
        false => files.write(&path, b"", false),
    };
    match made {
        Ok(()) => call.io.out(format!("{path}\n")).await.map(|()| 0),
        Err(error) => Ok(complain(call, "mktemp", &path, error).await),
    }
}

/// Copies with `if=`, `of=`, `bs=` and `count=`.
pub(super) async fn dd(call: Call<'_>, args: &[String]) -> Outcome {
    let value = |name: &str| {
        args.iter()
            .find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
    };
    let size = |text: &str| {
        let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
        let unit = match unit.to_lowercase().as_str() {
            "k" => 1024,
            "m" => 1024 * 1024,
            _ => 1,
        };
        number.parse::<usize>().unwrap_or(512) * unit
    };
    let limit = value("count").map(|count| size(count) * size(value("bs").unwrap_or("512")));
    let bytes = match value("if") {
        None => call.io.stdin.read_all().await,
        Some("/dev/zero" | "/dev/urandom") => vec![0; limit.unwrap_or(0)],
        Some(name) => match call.machine.files.read(&call.path(name)) {
            Ok(bytes) => bytes,
            Err(error) => {
                return Ok(complain(call, "dd", &format!("can't open '{name}'"), error).await);
            }
        },
    };
    let bytes = &bytes[..bytes.len().min(limit.unwrap_or(usize::MAX))];
    match value("of") {
        None => call.io.out(bytes).await?,
        Some("/dev/null") => {}
        Some(name) => {
            if let Err(error) = call.machine.files.write(&call.path(name), bytes, false) {
                return Ok(complain(call, "dd", &format!("can't open '{name}'"), error).await);
            }
        }
    }
    call.io
        .complain(format!("{} bytes copied", bytes.len()))
        .await;
    Ok(0)
}

pub(super) async fn which(call: Call<'_>, args: &[String]) -> Outcome {
    let mut code = 0;
    for name in args {
        match call.machine.program(name, call.directory) {
            Some(_) if name.contains('/') => call.io.out(format!("{name}\n")).await?,
            Some(_) => call.io.out(format!("/bin/{name}\n")).await?,
            None => code = 1,
        }
    }
    Ok(code)
}
