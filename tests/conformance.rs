//! The specification as tests of `cargo test` and `cargo nextest`: one for each feature, and those that show that the
//! specification bites: every component known to be wrong turns the behaviours red that it breaks, and nobody at all passes
//! none.
//!
//! `STSSPEC_SUBJECT` and `STSSPEC_SEED` choose who is judged and with which seed.

use std::{env, fs, path::Path, process::ExitCode, time::Instant};

use stsspec::{
    inventory::{Level, Party},
    manifest,
    report::{
        Outcome, Report, Word,
        matrix::Matrix,
        terminal,
        timelines::{self, Comparison, Known, Told},
    },
    suite::{Hunt, Subject, Suite, drive::Interrupt},
    verdict::Verdict,
};

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// A feature, with the subject of the environment.
    Feature(String),
    /// Over all of them, every invariant judges something.
    Premises,
    /// The sets fare as they did on a real cluster.
    Timelines,
    /// Nobody passes no behaviour of a controller.
    Nobody,
    /// What the components known to be wrong come to together.
    Rules,
    /// A component known to be wrong.
    Mutant(&'static str),
}

impl Test {
    fn name(&self) -> String {
        match self {
            Self::Feature(path) => path.clone(),
            Self::Premises => "every_invariant_judges_something".to_owned(),
            Self::Timelines => "every_set_fares_as_on_a_real_cluster".to_owned(),
            Self::Nobody => "nobody_passes_no_behaviour_of_a_controller".to_owned(),
            Self::Rules => "every_behaviour_of_a_controller_is_earned".to_owned(),
            Self::Mutant(id) => format!("mutant/{id}"),
        }
    }
}

/// What became of a test: nothing to say, or why it failed; none if all of it was skipped.
type Done = Option<Result<(), String>>;

fn main() -> ExitCode {
    let asked = Asked::read(env::args().skip(1));
    let tests: Vec<Test> = all()
        .into_iter()
        .filter(|test| asked.wants(&test.name()))
        .collect();
    if asked.list {
        // All tests run by default: there is no list of ignored ones.
        for test in tests.iter().filter(|_| !asked.ignored) {
            println!("{}: test", test.name());
        }
        return ExitCode::SUCCESS;
    }
    let tests = if asked.ignored { Vec::new() } else { tests };
    run(&tests, all().len() - tests.len())
}

fn all() -> Vec<Test> {
    let listed = Suite::of(Subject::None)
        .list()
        .expect("the features can be read");
    let mut paths: Vec<String> = listed
        .into_iter()
        .map(|listed| listed.scenario.path)
        .collect();
    paths.dedup();
    let features = paths.into_iter().map(Test::Feature);
    let wrong = stsspec::mutants::all()
        .iter()
        .map(|mutant| Test::Mutant(mutant.id));
    features
        .chain([Test::Premises, Test::Timelines, Test::Nobody, Test::Rules])
        .chain(wrong)
        .collect()
}

fn run(tests: &[Test], filtered: usize) -> ExitCode {
    let begin = Instant::now();
    println!("\nrunning {} tests", tests.len());
    let mut failures: Vec<(String, String)> = Vec::new();
    let (mut passed, mut ignored) = (0, 0);
    let mut tell = |test: &Test, done: Done| {
        let word = match &done {
            None => "ignored",
            Some(Ok(())) => "ok",
            Some(Err(_)) => "FAILED",
        };
        println!("test {} ... {word}", test.name());
        match done {
            None => ignored += 1,
            Some(Ok(())) => passed += 1,
            Some(Err(why)) => failures.push((test.name(), why)),
        }
    };
    // The features that are asked for are one run, so that they share the cores.
    let of_subject =
        |test: &&Test| matches!(test, Test::Feature(_) | Test::Premises | Test::Timelines);
    let (first, others): (Vec<&Test>, Vec<&Test>) = tests.iter().partition(of_subject);
    if !first.is_empty() {
        let report = features(&first);
        first
            .iter()
            .for_each(|test| tell(test, judge(test, &report)));
    }
    let (wrong, others): (Vec<&Test>, Vec<&Test>) =
        (others.into_iter()).partition(|test| matches!(test, Test::Mutant(_) | Test::Rules));
    others.iter().for_each(|test| tell(test, Some(nobody())));
    if !wrong.is_empty() {
        let matrix = matrix(&wrong);
        wrong
            .iter()
            .for_each(|test| tell(test, of_matrix(test, &matrix)));
    }
    if !failures.is_empty() {
        println!("\nfailures:\n");
        failures
            .iter()
            .for_each(|(name, why)| println!("---- {name} ----\n{why}\n"));
        println!("\nfailures:");
        failures.iter().for_each(|(name, _)| println!("    {name}"));
    }
    let word = if failures.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {} failed; {ignored} ignored; 0 measured; {filtered} filtered out; finished in {:.2}s\n",
        failures.len(),
        begin.elapsed().as_secs_f64()
    );
    match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(101),
    }
}

/// Runs the features; all of them where a test is about all.
fn features(tests: &[&Test]) -> Report {
    let subject = env::var("STSSPEC_SUBJECT").unwrap_or_else(|_| "bundled".to_owned());
    let subject = subject
        .parse()
        .unwrap_or_else(|error| panic!("STSSPEC_SUBJECT: {error}"));
    let seed =
        env::var("STSSPEC_SEED").map_or(1, |seed| seed.parse().expect("STSSPEC_SEED is a number"));
    let suite = Suite::of(subject).seed(seed);
    let whole = tests
        .iter()
        .any(|test| matches!(test, Test::Premises | Test::Timelines));
    let parts = tests.iter().filter(|_| !whole).map(|test| test.name());
    parts.fold(suite, Suite::select).run()
}

fn judge(test: &Test, report: &Report) -> Done {
    let path = match test {
        Test::Feature(path) => path,
        // What somebody else's controller does is compared nowhere.
        Test::Timelines if report.run.subject != "bundled" => return None,
        Test::Timelines => return Some(fare(report)),
        _ => return Some(premises(report)),
    };
    let of_feature: Vec<&Outcome> = report
        .scenarios
        .iter()
        .filter(|o| o.scenario.path == *path)
        .collect();
    if of_feature
        .iter()
        .all(|outcome| matches!(outcome.verdict, Verdict::Skipped(_)))
    {
        return None;
    }
    let counts = |outcome: &&&Outcome| {
        let undecided = matches!(outcome.verdict, Verdict::Inconclusive(_));
        (outcome.shows_a_breach() || undecided) && outcome.scenario.level != Level::Observed
    };
    let wrong: Vec<String> = of_feature
        .iter()
        .filter(counts)
        .map(|outcome| terminal::failure(report, outcome))
        .collect();
    Some(if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n\n"))
    })
}

fn premises(report: &Report) -> Result<(), String> {
    let never = report
        .invariants
        .iter()
        .filter(|count| count.unexpectedly_vacuous)
        .map(|count| count.id.as_str());
    let never: Vec<&str> = never.collect();
    let excused = report
        .invariants
        .iter()
        .filter(|count| count.excused && count.strict + count.windowed > 0);
    let excused: Vec<&str> = excused.map(|count| count.id.as_str()).collect();
    let complaints = [
        (
            "judged nothing over the whole run, and fixtures/expected-vacuous.yaml does not say why",
            never,
        ),
        (
            "judged something, so fixtures/expected-vacuous.yaml must not excuse it",
            excused,
        ),
    ];
    let complaints: Vec<String> = (complaints.into_iter())
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(what, ids)| format!("{what}: {}", ids.join(", ")))
        .collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}

/// Compares with what `ci/record/timelines --keep` has kept of a real control plane with its own controller.
fn fare(report: &Report) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/timelines");
    let read = |path: &Path| fs::read_to_string(path).expect("fixtures are text");
    let mut recorded = Told::new();
    for entry in fs::read_dir(&folder).expect("there are recorded timelines") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            recorded.append(&mut timelines::read(&read(&path)).expect("timelines"));
        }
    }
    let name = "known-differences.yaml";
    let known: Vec<Known> =
        manifest::read(name, &read(&folder.join(name))).unwrap_or_else(|error| panic!("{error}"));
    let comparison = Comparison::of(&recorded, &timelines::of(report), &known);
    let count = |holds: bool, why: &str| if holds { Ok(()) } else { Err(why.to_owned()) };
    count(known.len() <= 15, "too much is known to differ")?;
    count(
        known.iter().all(|known| !known.reason.is_empty()),
        "a known difference has no reason",
    )?;
    count(
        comparison.compared * 20 >= recorded.len() * 19,
        "more than a twentieth of the recorded scenarios is no more: record them anew with `ci/record/timelines --keep`",
    )?;
    count(
        comparison.agrees(),
        &comparison.text("recorded", "embedded"),
    )
}

fn nobody() -> Result<(), String> {
    let report = Suite::of(Subject::None).run();
    let passed = report
        .behaviours
        .iter()
        .filter(|row| row.party == Party::Controller && row.verdict == Word::Passed);
    let passed: Vec<&str> = passed.map(|row| row.id.as_str()).collect();
    if passed.is_empty() {
        Ok(())
    } else {
        Err(format!("passed with nobody at work: {}", passed.join(", ")))
    }
}

/// The mutants that are asked for are one hunt, so that they share the cores; the rules speak of all mutants. What
/// becomes of the unchanged controller and of nobody is a test of its own.
fn matrix(tests: &[&Test]) -> Matrix {
    let hunt = Hunt::default().alone(true);
    let ids = tests.iter().filter_map(|test| match test {
        Test::Mutant(id) => Some(*id),
        _ => None,
    });
    let hunt = match tests.contains(&&Test::Rules) {
        true => hunt,
        false => ids.fold(hunt, Hunt::select),
    };
    hunt.run(&Interrupt::default(), &mut |_| {})
        .expect("they were listed")
}

/// What a mutant breaks turns red where it is looked for; nothing is said of one that nothing looks for yet.
fn of_matrix(test: &Test, matrix: &Matrix) -> Done {
    let Test::Mutant(id) = test else {
        let rules = matrix.rules.iter().filter(|rule| rule.checked);
        let broken = rules.filter(|rule| !rule.broken_by.is_empty());
        let broken: Vec<String> = broken
            .map(|rule| format!("{}: not so for {}", rule.says, rule.broken_by.join("; ")))
            .collect();
        return Some(match broken.is_empty() {
            true => Ok(()),
            false => Err(broken.join("\n")),
        });
    };
    let row = matrix.mutants.iter().find(|row| row.id == *id)?;
    let survives: Vec<&str> = row.survives().collect();
    match (row.is_killed(), survives.is_empty()) {
        (true, _) => Some(Ok(())),
        (false, true) => None,
        (false, false) => Some(Err(format!("not found out: {}", survives.join(", ")))),
    }
}

/// The arguments that cargo, nextest and people give to tests; what changes nothing here is ignored.
#[derive(Debug, Default)]
struct Asked {
    list: bool,
    ignored: bool,
    exact: bool,
    names: Vec<String>,
    skip: Vec<String>,
}

impl Asked {
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        const WITH_VALUE: [&str; 5] = ["--test-threads", "--color", "--format", "--logfile", "-Z"];
        let mut asked = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => asked.list = true,
                "--ignored" => asked.ignored = true,
                "--exact" => asked.exact = true,
                "--skip" => asked.skip.extend(arguments.next()),
                option if WITH_VALUE.contains(&option) => drop(arguments.next()),
                option if option.starts_with('-') => {}
                name => asked.names.push(name.to_owned()),
            }
        }
        asked
    }

    fn wants(&self, name: &str) -> bool {
        let fits = |part: &String| {
            if self.exact {
                name == part
            } else {
                name.contains(part.as_str())
            }
        };
        (self.names.is_empty() || self.names.iter().any(fits)) && !self.skip.iter().any(fits)
    }
}
