//! `stsspec run`.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    str::FromStr,
};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum, builder::FalseyValueParser};

use super::{
    Exit, Failure,
    cluster::{KindTerms, Named, Terms, TierWord, tier},
    code_of, signals,
};
use crate::{
    cluster::{Target, control_plane, slow::Latency},
    report::{
        self, Counts, Format, List, Profile,
        terminal::{self, Style},
    },
    suite::{Subject, Suite, Tier, drive::Interrupt, event::Event, select::Tags},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A chapter, a file (`ordering/startup`), a scenario (`ordering/startup:12` or its name), or a behaviour's id;
    /// everything if there is none.
    #[arg(value_name = "SELECT")]
    select: Vec<String>,
    /// Only scenarios whose tags fit, as in `@a and not (@b or @c)`.
    #[arg(long, value_name = "EXPRESSION", env = "STSSPEC_TAGS")]
    tags: Option<Tags>,
    /// Where it runs: on embedded clusters, on a control plane that is started from --assets, on the cluster that
    /// --context or --kubeconfig names, or on one that kind makes.
    #[arg(long, value_enum, env = "STSSPEC_TIER")]
    tier: Option<TierWord>,
    #[command(flatten)]
    named: Named,
    /// Who is judged: `bundled`, `built-in`, `none`, or `mutant:ID`. On a cluster of one's own it is `built-in` if not
    /// given, on embedded ones `bundled`.
    #[arg(long, env = "STSSPEC_SUBJECT")]
    subject: Option<Subject>,
    /// Judge a program of your own: a command for a shell, which KUBECONFIG leads to the API server.
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with = "subject",
        env = "STSSPEC_SUBJECT_COMMAND"
    )]
    subject_command: Option<String>,
    /// The kind of object that is judged: `apps/v1`, or `stsspec.dev/v1` beside the cluster's own controller.
    #[arg(
        long,
        value_name = "KIND",
        default_value = "apps/v1",
        env = "STSSPEC_TARGET"
    )]
    target: Target,
    /// The folder with etcd, kube-apiserver and kube-controller-manager for `--tier control-plane`.
    #[arg(long, value_name = "FOLDER", env = control_plane::VARIABLE)]
    assets: Option<PathBuf>,
    /// A kube-controller-manager of another release, whose StatefulSet controller is the built-in one for `--tier
    /// control-plane`; the API server emulates its version.
    #[arg(long, value_name = "PROGRAM", env = "STSSPEC_CONTROLLER_MANAGER")]
    controller_manager: Option<PathBuf>,
    /// Which behaviours count.
    #[arg(long, value_enum, default_value = "all", env = "STSSPEC_PROFILE")]
    profile: ProfileWord,
    /// How many scenarios run at once. If not given: on embedded clusters as many as there are cores, on a control plane
    /// some dozens, as they mostly wait, and elsewhere as many as nodes have room for, up to 8.
    #[arg(long, value_name = "N", env = "STSSPEC_PARALLEL", value_parser = at_least_one)]
    parallel: Option<usize>,
    /// What everything random comes from.
    #[arg(long, value_name = "N", default_value_t = 1, env = "STSSPEC_SEED")]
    seed: u64,
    /// End at the first failure.
    #[arg(long, env = "STSSPEC_FAIL_FAST", value_parser = FalseyValueParser::new())]
    fail_fast: bool,
    /// How many times longer than usual to wait for what is expected.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, env = "STSSPEC_TIMEOUT_SCALE", value_parser = factor)]
    timeout_scale: f64,
    /// How many milliseconds later embedded clusters answer, and tell of changes: a number, or two between which the
    /// seed decides, as in 0..40.
    #[arg(long, value_name = "MS", env = "STSSPEC_LATENCY")]
    latency: Option<Latency>,
    /// Say what would run and what would be skipped; run nothing.
    #[arg(long, env = "STSSPEC_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,
    /// Features of a folder, with a folder for each chapter, in place of those that are built in.
    #[arg(long, value_name = "FOLDER", env = "STSSPEC_FEATURES")]
    features: Option<PathBuf>,
    /// Write a report: `json`, `junit`, `text` or `timelines`, and where to; `-` for standard output. May be given more than once.
    #[arg(
        short,
        long = "output",
        value_name = "FORMAT=PATH",
        env = "STSSPEC_OUTPUT",
        value_delimiter = ','
    )]
    output: Vec<Output>,
    /// Save what was seen in each scenario in this folder, for `judge`.
    #[arg(long, value_name = "FOLDER", env = "STSSPEC_HISTORIES")]
    histories: Option<PathBuf>,
    /// Also say what negative claims rest on.
    #[arg(short, long, conflicts_with = "quiet", env = "STSSPEC_VERBOSE", value_parser = FalseyValueParser::new())]
    verbose: bool,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    kind: KindTerms,
    /// Only say what failed and what it comes to.
    #[arg(short, long, env = "STSSPEC_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileWord {
    /// Core behaviours.
    Core,
    /// Core and extended behaviours.
    All,
}

#[derive(Clone, Debug)]
struct Output {
    format: Format,
    path: PathBuf,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text
            .split_once('=')
            .ok_or("a report is FORMAT=PATH, as in junit=report.xml")?;
        if path.is_empty() {
            return Err("the path after = is missing".to_owned());
        }
        Ok(Self {
            format: format.parse()?,
            path: path.into(),
        })
    }
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is a number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("it is a number above 0, as in 2.5".to_owned()),
    }
}

pub(super) fn run(arguments: Arguments, exit: Exit) -> Result<u8, Failure> {
    let output = arguments.output.clone();
    let (quiet, verbose) = (arguments.quiet, arguments.verbose);
    for Output { path, .. } in &output {
        writable(path)?;
    }
    if arguments.dry_run {
        let list = List::Scenarios(suite(arguments)?.list()?);
        // A reader that has gone away, as `head` does, is no fault.
        let _ = io::stdout().write_all(list.text().as_bytes());
        return Ok(0);
    }
    let interrupt = Interrupt::default();
    let raise = interrupt.clone();
    let signals = signals::listen(exit, move || raise.raise())?;
    let to_stdout = output.iter().any(|output| output.path.as_os_str() == "-");
    let mut screen = Screen::new(quiet, verbose, to_stdout);
    let report = suite(arguments)?.run_with(&interrupt, &mut |event| screen.show(&event))?;
    screen.end(&report);
    for Output { format, path } in &output {
        write(path, &report::render(&report, *format))?;
    }
    Ok(signals.code().unwrap_or_else(|| code_of(report.conclusion)))
}

fn suite(arguments: Arguments) -> Result<Suite, Failure> {
    let tier = tier(
        arguments.tier,
        arguments.named,
        arguments.terms,
        arguments.kind,
        arguments.assets,
        arguments.controller_manager,
        arguments.latency,
    )
    .map_err(|why| Failure {
        code: 2,
        error: anyhow!(why),
    })?;
    let command = arguments.subject_command.map(Subject::Command);
    let subject = command.or(arguments.subject).unwrap_or(match tier {
        Tier::Embedded(_) | Tier::Kind(_) => Subject::Bundled,
        Tier::Context(_) | Tier::ControlPlane(_) => Subject::BuiltIn,
    });
    let profile = match arguments.profile {
        ProfileWord::Core => Profile::Core,
        ProfileWord::All => Profile::All,
    };
    let told = |output: &Output| output.format == Format::Timelines;
    let to_the_end = arguments.output.iter().any(told);
    let suite = Suite::of(subject)
        .to_the_end(to_the_end)
        .on(tier)
        .target(arguments.target)
        .profile(profile)
        .seed(arguments.seed)
        .fail_fast(arguments.fail_fast)
        .timeout_scale(arguments.timeout_scale);
    let suite = arguments.select.into_iter().fold(suite, Suite::select);
    let suite = arguments.tags.into_iter().fold(suite, Suite::tags);
    let suite = arguments.parallel.into_iter().fold(suite, Suite::parallel);
    let suite = match arguments.histories {
        Some(folder) => {
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot save histories in {}", folder.display()))?;
            suite.histories_in(folder)
        }
        None => suite,
    };
    let features = arguments.features.into_iter();
    Ok(features.fold(suite, Suite::features_in))
}

/// A report that cannot be written is found out before anything runs.
pub(super) fn writable(path: &std::path::Path) -> anyhow::Result<()> {
    if path.as_os_str() == "-" {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    match parent.is_none_or(std::path::Path::is_dir) && !path.is_dir() {
        true => Ok(()),
        false => Err(anyhow!(
            "cannot write a report to {}: there is no such folder, or it is one",
            path.display()
        )),
    }
}

pub(super) fn write(path: &PathBuf, text: &str) -> anyhow::Result<()> {
    match path.as_os_str() == "-" {
        true => io::stdout()
            .write_all(text.as_bytes())
            .context("cannot write to standard output"),
        false => fs::write(path, text)
            .with_context(|| format!("cannot write a report to {}", path.display())),
    }
}

/// What people see while it runs. The log goes to standard output, or, where a report goes there, to standard error; the
/// live line to standard error, and only if that is a terminal.
struct Screen {
    quiet: bool,
    verbose: bool,
    to_stderr: bool,
    live: bool,
    style: Style,
    total: usize,
    counts: Counts,
    running: BTreeMap<String, String>,
}

impl Screen {
    fn new(quiet: bool, verbose: bool, to_stderr: bool) -> Self {
        let set =
            |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let terminal = if to_stderr {
            io::stderr().is_terminal()
        } else {
            io::stdout().is_terminal()
        };
        Self {
            quiet,
            verbose,
            to_stderr,
            live: io::stderr().is_terminal() && !set("CI"),
            style: Style {
                colour: (terminal || set("CLICOLOR_FORCE")) && !set("NO_COLOR"),
            },
            total: 0,
            counts: Counts::default(),
            running: BTreeMap::new(),
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Started { run, scenarios } => {
                self.total = *scenarios;
                if !self.quiet {
                    self.log(&terminal::heading(run, *scenarios));
                }
            }
            Event::Running(scenario) => {
                drop(self.running.insert(scenario.id(), scenario.name.clone()));
            }
            Event::Ended(scenario) => drop(self.running.remove(&scenario.id())),
            Event::Finished(outcome) => {
                self.counts.add(&outcome.verdict);
                if !self.quiet || outcome.shows_a_breach() {
                    let mut line = terminal::line(outcome, self.style);
                    if self.verbose {
                        line.push_str(&terminal::certificates(outcome));
                    }
                    self.log(&line);
                }
            }
        }
        if self.live {
            let running: Vec<String> = self.running.keys().cloned().collect();
            let line = terminal::progress(self.total, self.counts, &running);
            let _ = write!(io::stderr(), "\r\u{1b}[2K{line}");
        }
    }

    fn end(&mut self, report: &report::Report) {
        if self.live {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
        let text = match self.quiet {
            true => terminal::short_end(report, self.style),
            false => terminal::end(report, self.style),
        };
        self.log(text.trim_end());
    }

    /// A reader that has gone away, as `head` does, is no fault.
    fn log(&self, text: &str) {
        if self.live {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
        let _ = match self.to_stderr {
            true => writeln!(io::stderr(), "{text}"),
            false => writeln!(io::stdout(), "{text}"),
        };
    }
}
