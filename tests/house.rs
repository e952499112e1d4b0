//! The rules of the house: what may import what, directly and through others; what stays pure; who formats, reads
//! arguments and exits. Test code is free.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A source file without its comments, strings and tests.
struct Source {
    /// Within `src`: `suite/drive/mod.rs`.
    path: String,
    /// The room: a file or folder directly in `src`; a tier of `cluster` is a room of its own.
    room: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let sources = files.into_iter().filter_map(|file| {
        let path = file
            .strip_prefix(&root)
            .expect("it is in src")
            .display()
            .to_string();
        let is_test = path
            .split('/')
            .any(|part| part == "tests.rs" || part == "tests");
        let text = fs::read_to_string(&file).expect("sources are text");
        let whole = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        (!is_test).then(|| Source {
            room: room(&path),
            code: code(whole),
            path,
        })
    });
    sources.collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        match path.is_dir() {
            true => collect(&path, files),
            false if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
            false => {}
        }
    }
}

/// Tiers are rooms of their own: whoever knows what a cluster is does not know how one is made.
fn room(path: &str) -> String {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    match parts[..] {
        ["cluster", "mod"] => "cluster".to_owned(),
        ["cluster", tier, ..] => format!("cluster::{tier}"),
        [room, ..] => room.to_owned(),
        [] => unreachable!("a path has a part"),
    }
}

/// The text without comments and without what stands in strings.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            if !quoted && line[at..].starts_with("//") {
                break;
            }
            if c == '"' && before != '\\' && before != '\'' {
                quoted = !quoted;
            }
            if !quoted || c == '"' {
                code.push(c);
            }
            before = if before == '\\' { ' ' } else { c };
        }
        code.push('\n');
    }
    code
}

/// The rooms that a piece of code names: `crate::a`, `crate::{a, b::c}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => drop(rooms.insert(named(rest))),
            Some(group) => {
                for part in parts(group) {
                    // A tier in a group of its own: `cluster::{Target, embedded}`.
                    if let Some(inner) = part.strip_prefix("cluster::{") {
                        rooms.extend(
                            parts(inner)
                                .iter()
                                .map(|part| named(&format!("cluster::{part}"))),
                        );
                    } else {
                        rooms.insert(named(&part));
                    }
                }
            }
        }
        if let Some(inner) = rest.strip_prefix("cluster::{") {
            rooms.extend(
                parts(inner)
                    .iter()
                    .map(|part| named(&format!("cluster::{part}"))),
            );
        }
    }
    rooms.remove("");
    rooms
}

/// The parts of a group, up to its closing brace.
fn parts(group: &str) -> Vec<String> {
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for c in group.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                part.push(c);
            }
        }
    }
    parts.push(part);
    parts
}

fn named(path: &str) -> String {
    let words: Vec<&str> = path.splitn(3, "::").collect();
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    match (word(words[0]), words.get(1).map(|second| word(second))) {
        (first, Some(second)) if first == "cluster" && TIERS.contains(&second.as_str()) => {
            format!("{first}::{second}")
        }
        (first, _) => first,
    }
}

const TIERS: [&str; 3] = ["context", "control_plane", "embedded"];

/// Direct imports by room.
fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let of_room = graph.entry(source.room.clone()).or_default();
        of_room.extend(
            imports(&source.code)
                .into_iter()
                .filter(|room| *room != source.room),
        );
    }
    graph
}

/// How a room reaches another, if it does.
fn way(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::from([from.to_owned()]);
    while let Some(way) = ways.pop() {
        let last = way.last().expect("a way has a beginning");
        if last == to {
            return Some(way);
        }
        for next in graph.get(last).into_iter().flatten() {
            if seen.insert(next.clone()) {
                ways.push(way.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

#[test]
fn rooms_do_not_reach_what_they_must_not_know() {
    let graph = graph();
    let judged = [
        "controller",
        "mutants",
        "mini",
        "cluster::context",
        "cluster::embedded",
        "suite",
        "cli",
    ];
    let rules: [(&[&str], &[&str], &str); 5] = [
        (
            &["invariants", "steps", "evidence", "world", "tap", "record"],
            &judged,
            "the judge is independent of the judged",
        ),
        (
            &["mini"],
            &[
                "controller",
                "mutants",
                "world",
                "steps",
                "invariants",
                "suite",
            ],
            "the embedded cluster knows only Kubernetes",
        ),
        (
            &["controller"],
            &[
                "mini",
                "mutants",
                "world",
                "steps",
                "invariants",
                "evidence",
                "suite",
                "tap",
                "cluster::embedded",
            ],
            "the controller knows neither its cluster nor who judges it",
        ),
        (
            &["sets"],
            &[
                "controller",
                "mini",
                "world",
                "cluster",
                "evidence",
                "invariants",
                "suite",
            ],
            "judge and judged share the vocabulary and nothing else",
        ),
        (
            &["report", "inventory", "verdict"],
            &[
                "suite",
                "world",
                "steps",
                "controller",
                "mutants",
                "mini",
                "cli",
            ],
            "a report is data",
        ),
    ];
    let mut found = Vec::new();
    for (froms, tos, reason) in rules {
        for (from, to) in froms
            .iter()
            .flat_map(|from| tos.iter().map(move |to| (from, to)))
        {
            if let Some(way) = way(&graph, from, to) {
                found.push(format!("{}: {reason}", way.join(" -> ")));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_the_suite_and_the_command_that_serves_one_make_clusters() {
    let makers: Vec<String> = sources()
        .into_iter()
        .filter(|source| imports(&source.code).contains("cluster::embedded"))
        .map(|source| source.path)
        .filter(|path| {
            !path.starts_with("suite/") && path != "cli/serve.rs" && !path.starts_with("mutants/")
        })
        .collect();
    assert!(makers.is_empty(), "{makers:?}");
}

/// Lines of the sources that `is_here` picks which contain one of the words.
fn lines_with(is_here: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| is_here(&source.path)) {
        for (index, line) in source.code.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                found.push(format!("src/{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    found
}

#[test]
fn decisions_are_pure() {
    let pure = [
        "sets/",
        "evidence/",
        "invariants/",
        "controller/plan",
        "report/",
        "inventory",
    ];
    let impure = [
        ".await",
        "async ",
        "Instant::now",
        "Timestamp::now",
        "SystemTime",
        "kube::Client",
        "Client,",
        "Api<",
        "tokio::",
    ];
    let found = lines_with(
        |path| pure.iter().any(|room| path.starts_with(room)),
        &impure,
    );
    assert!(
        found.is_empty(),
        "these await, read a clock or hold a client:\n{}",
        found.join("\n")
    );
}

#[test]
fn sets_are_typed_only_where_they_are_made() {
    let found = lines_with(
        |path| !path.starts_with("controller/") && !path.starts_with("mini/"),
        &["Api<StatefulSet>"],
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nobody_sleeps_but_those_whose_file_is_for_it() {
    let steps = lines_with(|path| path.starts_with("steps/"), &["sleep", "interval("]);
    assert!(
        steps.is_empty(),
        "steps wait for what is seen:\n{}",
        steps.join("\n")
    );
    let threads = lines_with(|_| true, &["thread::sleep"]);
    assert!(
        threads.is_empty(),
        "nothing sleeps on a thread:\n{}",
        threads.join("\n")
    );
}

#[test]
fn time_has_one_source() {
    let found = lines_with(
        |path| path != "clock.rs",
        &[
            "Timestamp::now",
            "SystemTime::now",
            "Zoned::now",
            "Utc::now",
        ],
    );
    assert!(
        found.is_empty(),
        "the time is an argument:\n{}",
        found.join("\n")
    );
}

#[test]
fn only_main_exits_and_only_the_command_line_reads_arguments() {
    let exits = lines_with(|path| path != "main.rs", &["process::exit", "ExitCode"]);
    assert!(exits.is_empty(), "{}", exits.join("\n"));
    let arguments = lines_with(
        |path| path != "main.rs" && !path.starts_with("cli/"),
        &["env::args", "clap::", "env::var(", "env::var_os("],
    );
    assert!(arguments.is_empty(), "{}", arguments.join("\n"));
    let prints = lines_with(|_| true, &["println!", "eprintln!", "print!(", "dbg!"]);
    assert!(prints.is_empty(), "{}", prints.join("\n"));
}

#[test]
fn the_vocabulary_stays_small_enough_to_review_in_one_sitting() {
    let lines: usize = sources()
        .iter()
        .filter(|s| s.room == "sets")
        .map(|source| source.code.lines().count())
        .sum();
    assert!(lines <= 500, "src/sets has {lines} lines");
}

#[test]
fn rooms_are_found_in_every_form_of_import() {
    let code = code(
        "use crate::a::B; // crate::comment\nuse crate::{\n    c::{D, e::F},\n    g,\n    cluster::{Target, embedded::Embedded},\n};\nlet x = crate::h::i(\"crate::string\");\n",
    );
    let found: Vec<String> = imports(&code).into_iter().collect();
    assert_eq!(found, ["a", "c", "cluster", "cluster::embedded", "g", "h"]);
    let graph = BTreeMap::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
        ("b".to_owned(), BTreeSet::from(["c".to_owned()])),
    ]);
    assert_eq!(
        way(&graph, "a", "c").map(|way| way.join(" ")),
        Some("a b c".to_owned())
    );
    assert_eq!(way(&graph, "c", "a"), None);
}
