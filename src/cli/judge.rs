//! `stsspec judge`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};

use super::{Failure, code_of};
use crate::{
    cluster::gates_of,
    evidence::{Evidence, audit, timeline::timelines},
    inventory::Minor,
    manifest,
    report::{
        judgement::Judgement,
        timelines::{self, Comparison, Known, Told},
    },
    suite,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A history that `run --histories` or `observe --history` saved, or an audit log of Kubernetes: lines of JSON at the
    /// level RequestResponse.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Judge nothing but compare what became of each set, as partial orders, with this: each is a saved history, timelines
    /// that `run -o timelines=PATH` wrote, or a folder of either.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Scenarios that are known to differ, each with its reason.
    #[arg(long, value_name = "FILE", requires = "against")]
    known: Option<PathBuf>,
    /// The user of the controller in an audit log.
    #[arg(long, value_name = "USER", default_value = audit::CONTROLLER)]
    controller: String,
    /// The version of Kubernetes that wrote an audit log: its rules count.
    #[arg(long, value_name = "VERSION", default_value = "1.37", value_parser = minor)]
    kubernetes: Minor,
    /// For people or for programs.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Form,
}

/// How a judgement is shown.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Form {
    /// Breaches first, then the rules.
    Text,
    /// An object.
    Json,
}

impl Form {
    /// A reader that has gone away, as `head` does, is no fault.
    pub(super) fn say(self, judgement: &Judgement) {
        let text = match self {
            Self::Text => judgement.text(),
            Self::Json => judgement.json(),
        };
        let _ = io::stdout().write_all(text.as_bytes());
    }
}

fn minor(text: &str) -> Result<Minor, String> {
    Minor::try_from(text.to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if let Some(against) = &arguments.against {
        return compare(arguments, against);
    }
    let path = arguments.file.display();
    let text =
        fs::read_to_string(&arguments.file).with_context(|| format!("cannot read {path}"))?;
    let (evidence, notes) = read(arguments, &text)?;
    let judgement = suite::judge(path.to_string(), &evidence, notes);
    arguments.output.say(&judgement);
    Ok(code_of(judgement.conclusion))
}

fn compare(arguments: &Arguments, against: &Path) -> Result<u8, Failure> {
    let known: Vec<Known> = match &arguments.known {
        None => Vec::new(),
        Some(path) => {
            let what = path.display().to_string();
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {what}"))?;
            manifest::read(&what, &text).map_err(anyhow::Error::from)?
        }
    };
    let (one, other) = (told(&arguments.file)?, told(against)?);
    let comparison = Comparison::of(&one, &other, &known);
    let (one, other) = (arguments.file.display(), against.display());
    let text = comparison.text(&one.to_string(), &other.to_string());
    // A reader that has gone away is no fault.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(match (comparison.compared, comparison.agrees()) {
        (0, _) => 4,
        (_, true) => 0,
        (_, false) => 1,
    })
}

/// The timelines of a file, or of all files of a folder.
fn told(path: &Path) -> anyhow::Result<Told> {
    let name = path.display().to_string();
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("cannot read {name}"))?;
        let mut all = Told::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {name}"))?.path();
            // Whoever keeps timelines keeps what is known of them beside them.
            if path
                .extension()
                .is_some_and(|ending| ending == "json" || ending == "txt")
            {
                all.append(&mut told(&path)?);
            }
        }
        return Ok(all);
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    if !text.trim_start().starts_with('{') {
        return timelines::read(&text).with_context(|| format!("{name} has no timelines"));
    }
    let evidence: Evidence =
        serde_json::from_str(&text).with_context(|| format!("{name} is no saved history"))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Told::from([(stem.into_owned(), timelines(&evidence))]))
}

/// A history of ours says so by its fields; anything else is a log or nothing.
fn read(arguments: &Arguments, text: &str) -> anyhow::Result<(Evidence, Vec<String>)> {
    let path = arguments.file.display();
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let is_log = first.contains("audit.k8s.io");
    if !is_log {
        let what = arguments.file.to_string_lossy();
        return match manifest::read::<Evidence>(&what, text) {
            Ok(evidence) => Ok((evidence, Vec::new())),
            Err(error) => Err(anyhow!(
                "{path} is neither a saved history nor an audit log: {error}"
            )),
        };
    }
    let Minor(major, minor) = arguments.kubernetes;
    let version = (major, minor);
    let evidence = audit::read(text, &arguments.controller, version, gates_of(version))
        .with_context(|| format!("cannot judge {path}"))?;
    let mut notes = vec!["what was delivered to the controller is not in an audit log: a decision counts as right if any state that it may have seen allows it".to_owned()];
    let acts = evidence
        .log
        .requests
        .iter()
        .any(|request| request.actor == crate::evidence::Actor::Subject);
    if !acts {
        notes.push(format!(
            "user {:?} asked for nothing in it; `--controller USER` names another",
            arguments.controller
        ));
    }
    Ok((evidence, notes))
}
