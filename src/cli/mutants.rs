//! `stsspec mutants`.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    str::FromStr,
};

use clap::{Args, builder::FalseyValueParser};

use super::{
    Exit, Failure, code_of,
    run::{at_least_one, writable, write},
    signals,
};
use crate::{
    report::matrix::{self, Form},
    suite::{Hunt, Progress, drive::Interrupt},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A mutant's id, a behaviour or invariant that it breaks, or a party; all mutants if there is none.
    #[arg(value_name = "SELECT")]
    select: Vec<String>,
    /// Each mutant meets every scenario, not only as many as it takes to find it out.
    #[arg(long, conflicts_with = "quick", env = "STSSPEC_WHOLE", value_parser = FalseyValueParser::new())]
    whole: bool,
    /// Each mutant meets scenarios of the behaviours that it breaks until it is found out: the default.
    #[arg(long)]
    quick: bool,
    /// Show the behaviours whose judges were never seen to fail, in place of the matrix.
    #[arg(long)]
    unearned: bool,
    /// How many scenarios run at once; as many as there are cores if not given.
    #[arg(long, value_name = "N", env = "STSSPEC_PARALLEL", value_parser = at_least_one)]
    parallel: Option<usize>,
    /// What everything random comes from.
    #[arg(long, value_name = "N", default_value_t = 1, env = "STSSPEC_SEED")]
    seed: u64,
    /// Write the matrix: `html`, `json`, `markdown` or `text`, and where to; `-` for standard output. May be given more
    /// than once.
    #[arg(
        short,
        long = "output",
        value_name = "FORMAT=PATH",
        value_delimiter = ','
    )]
    output: Vec<Output>,
}

#[derive(Clone, Debug)]
struct Output {
    form: Form,
    path: PathBuf,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (form, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or("a matrix is FORMAT=PATH, as in html=matrix.html")?;
        Ok(Self {
            form: form.parse()?,
            path: path.into(),
        })
    }
}

pub(super) fn run(arguments: &Arguments, exit: Exit) -> Result<u8, Failure> {
    for Output { path, .. } in &arguments.output {
        writable(path)?;
    }
    let hunt = Hunt::default().whole(arguments.whole).seed(arguments.seed);
    let hunt = arguments.parallel.into_iter().fold(hunt, Hunt::parallel);
    let hunt = arguments
        .select
        .iter()
        .fold(hunt, |hunt, part| hunt.select(part));
    let interrupt = Interrupt::default();
    let raise = interrupt.clone();
    let signals = signals::listen(exit, move || raise.raise())?;
    let mut shown = Shown::default();
    let matrix = hunt.run(&interrupt, &mut |progress| shown.show(&progress))?;
    shown.clear();
    let to_stdout = |output: &Output| output.path.as_os_str() == "-";
    if !arguments.output.iter().any(to_stdout) {
        let text = match arguments.unearned {
            true => matrix.unearned_text(),
            false => matrix::render(&matrix, Form::Text),
        };
        // A reader that has gone away, as `head` does, is no fault.
        let _ = io::stdout().write_all(text.as_bytes());
    }
    for Output { form, path } in &arguments.output {
        write(path, &matrix::render(&matrix, *form))?;
    }
    Ok(signals.code().unwrap_or_else(|| code_of(matrix.conclusion)))
}

/// The live line; where there is no terminal, a line whenever something else begins.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn show(&mut self, progress: &Progress) {
        let Progress { what, done, of } = progress;
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\u{1b}[2K{what}: {done} of {of}");
        } else if self.0 != *what {
            let _ = writeln!(io::stderr(), "{what}: {of} runs");
            self.0.clone_from(what);
        }
    }

    fn clear(&self) {
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
        }
    }
}
