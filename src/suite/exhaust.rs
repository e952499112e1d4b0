//! Goes every way through a small scope, and compares where each ends with where the undisturbed operation does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use super::{
    Error,
    drive::Interrupt,
    explore::{breach, play},
    stage::Witness,
    subject::Subject,
};
use crate::{
    evidence::Evidence,
    explore::exhaustive::{Course, Disturbance, Point, Reference, references},
    report::{
        Outcome,
        exhausted::{Exhausted, Way},
    },
    verdict::Verdict,
};

/// How many ways are gone at once, between two looks at whether somebody ends it.
const BATCH: usize = 64;

/// A small scope to be gone through.
#[derive(Clone, Debug)]
pub struct Exhaust {
    subject: Subject,
    replicas: i32,
    only: String,
    flips: bool,
    parallel: Option<usize>,
}

/// One way: the place of its operation, and what befalls that.
type Job = (usize, Disturbance);

impl Exhaust {
    /// All operations on sets of up to so many pods, for a subject.
    pub fn new(subject: Subject, replicas: i32) -> Self {
        Self {
            subject,
            replicas,
            only: String::new(),
            flips: true,
            parallel: None,
        }
    }

    /// Operations only whose description has this text.
    #[must_use]
    pub fn only(mut self, text: impl Into<String>) -> Self {
        self.only = text.into();
        self
    }

    /// Crashes only, without flips of readiness.
    #[must_use]
    pub fn crashes_only(mut self) -> Self {
        self.flips = false;
        self
    }

    /// How many ways are gone at once. As many as the machine has cores.
    #[must_use]
    pub fn parallel(mut self, threads: usize) -> Self {
        self.parallel = Some(threads);
        self
    }

    /// Runs to the end, or until it is interrupted. Blocks.
    ///
    /// # Errors
    ///
    /// The subject cannot be judged on embedded clusters.
    pub fn run(
        &self,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<Exhausted, Error> {
        let mut references = references(self.replicas);
        references.retain(|reference| reference.to_string().contains(&self.only));
        let mut search = Search {
            exhaust: self,
            interrupt,
            tell,
            ends: Vec::new(),
            exhausted: Exhausted {
                subject: self.subject.to_string(),
                replicas: self.replicas,
                ..Exhausted::default()
            },
            references,
        };
        let begin = Instant::now();
        search.go()?;
        let mut exhausted = search.exhausted;
        exhausted.interrupted = interrupt.is_raised();
        exhausted.real_seconds = begin.elapsed().as_secs_f64();
        Ok(exhausted)
    }
}

struct Search<'a> {
    exhaust: &'a Exhaust,
    interrupt: &'a Interrupt,
    tell: &'a mut dyn FnMut(usize, usize),
    references: Vec<Reference>,
    /// Where each undisturbed operation ends.
    ends: Vec<Vec<String>>,
    exhausted: Exhausted,
}

impl Search<'_> {
    fn go(&mut self) -> Result<(), Error> {
        let operations: Vec<Job> = (0..self.references.len())
            .map(|place| (place, Disturbance::Nothing))
            .collect();
        let undisturbed = self.run(&operations)?;
        self.exhausted.operations = undisturbed.len();
        self.ends = undisturbed
            .iter()
            .map(|course| course.end.clone())
            .collect();
        let writes: Vec<usize> = undisturbed.iter().map(|course| course.writes).collect();
        self.exhausted.writes = writes.iter().sum();

        let points = |place: usize| Point::all(writes[place]);
        let crashes: Vec<Job> = (0..writes.len())
            .flat_map(|place| points(place).map(move |at| (place, Disturbance::Crash(at))))
            .collect();
        self.exhausted.crashes = self.run(&crashes)?.len();
        if !self.exhaust.flips {
            return Ok(());
        }

        let mut flips: Vec<Job> = Vec::new();
        for (place, reference) in self.references.iter().enumerate() {
            for pod in reference.ordinals() {
                let flip = |from| Disturbance::Flip {
                    pod,
                    from,
                    until: None,
                };
                flips.extend(points(place).map(|from| (place, flip(from))));
            }
        }
        let followed = self.run(&flips)?;
        self.exhausted.flips = followed.len();
        let within: Vec<Job> = flips
            .iter()
            .zip(&followed)
            .flat_map(|((place, flip), course)| {
                Point::all(course.writes).map(|until| (*place, back(*flip, until)))
            })
            .collect();
        self.exhausted.flips_within = self.run(&within)?.len();
        Ok(())
    }

    /// What comes of all of them, in their order; of the first ones only, if somebody ends it.
    fn run(&mut self, jobs: &[Job]) -> Result<Vec<Course>, Error> {
        let mut courses = Vec::new();
        for batch in jobs.chunks(BATCH) {
            if self.interrupt.is_raised() {
                break;
            }
            let scenarios: Vec<(String, String)> = batch
                .iter()
                .map(|(place, disturbance)| {
                    let scenario = self.references[*place].scenario(*disturbance);
                    // All ways of an operation have its names and UIDs.
                    (format!("exhaustive/{place}"), scenario)
                })
                .collect();
            let seen: Arc<Mutex<BTreeMap<usize, Course>>> = Arc::default();
            let witness: Witness = Arc::new({
                let (seen, batch) = (Arc::clone(&seen), batch.to_vec());
                move |place, evidence: &Evidence| {
                    let course = Course::of(evidence, batch[place].1);
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.insert(place, course);
                }
            });
            let Exhaust {
                subject, parallel, ..
            } = self.exhaust;
            let outcomes = play(
                subject,
                *parallel,
                &scenarios,
                Some(witness),
                self.interrupt,
            )?;
            let mut seen =
                std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
            for (place, (job, outcome)) in batch.iter().zip(&outcomes).enumerate() {
                let course = seen.remove(&place).unwrap_or_default();
                self.note(*job, outcome, &course, &scenarios[place].1);
                courses.push(course);
            }
            (self.tell)(courses.len(), jobs.len());
        }
        Ok(courses)
    }

    fn note(
        &mut self,
        (place, disturbance): Job,
        outcome: &Outcome,
        course: &Course,
        scenario: &str,
    ) {
        let findings = outcome.findings.iter();
        self.exhausted.changes_judged += findings
            .map(|finding| finding.strict + finding.windowed)
            .sum::<usize>();
        let way = |why: String| Way {
            what: format!("{}; {disturbance}", self.references[place]),
            why,
            scenario: scenario.to_owned(),
        };
        let elsewhere = self
            .ends
            .get(place)
            .and_then(|end| difference(end, &course.end));
        if let Some(why) = breach(outcome) {
            self.exhausted.broken.push(way(why));
        } else if let Verdict::Inconclusive(why) | Verdict::Skipped(why) = &outcome.verdict {
            self.exhausted.open.push(way(why.clone()));
        } else if let Some(why) = elsewhere {
            self.exhausted.broken.push(way(why));
        } else if !course.met {
            let why = "it never came to that point".to_owned();
            self.exhausted.open.push(way(why));
        }
    }
}

/// The same flip, but for its end.
fn back(flip: Disturbance, until: Point) -> Disturbance {
    match flip {
        Disturbance::Flip { pod, from, .. } => Disturbance::Flip {
            pod,
            from,
            until: Some(until),
        },
        other => other,
    }
}

/// How one end differs from another, in words.
fn difference(wanted: &[String], found: &[String]) -> Option<String> {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let only = these.iter().filter(|line| !those.contains(line));
        only.cloned().collect()
    };
    let (missing, new) = (only(wanted, found), only(found, wanted));
    (wanted != found).then(|| {
        format!(
            "it ends otherwise than undisturbed\n  undisturbed: {}\n  here:        {}",
            missing.join("\n               "),
            new.join("\n               ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Conclusion;

    fn exhausted(subject: &str) -> Exhausted {
        let subject: Subject = subject.parse().expect("a subject");
        let exhaust = Exhaust::new(subject, 1).crashes_only();
        exhaust
            .run(&Interrupt::default(), &mut |_, _| {})
            .expect("it can be judged here")
    }

    #[test]
    fn every_way_of_one_pod_is_gone_and_all_end_the_same() {
        let all = exhausted("bundled");
        assert_eq!(all.conclusion(), Conclusion::Conformant, "{}", all.text());
        assert_eq!(
            (all.operations, all.crashes),
            (6, 2 * all.writes),
            "{}",
            all.text()
        );
    }

    #[test]
    fn a_controller_that_only_a_crash_shows_to_be_wrong_is_found() {
        let subject = "mutant:leaves-a-scale-down-half-done".parse();
        let exhaust = Exhaust::new(subject.expect("a mutant"), 2)
            .only("OrderedReady, 2 replicas with claims")
            .crashes_only();
        let all = exhaust
            .run(&Interrupt::default(), &mut |_, _| {})
            .expect("it can be judged here");
        let text = all.text();
        assert_eq!(
            (all.operations, all.conclusion()),
            (1, Conclusion::NotConformant),
            "{text}"
        );
        assert!(
            all.broken.iter().all(|way| way.what.contains("a crash")),
            "{text}"
        );
    }

    #[test]
    fn a_difference_is_told_by_what_is_only_in_one() {
        let line = |text: &str| text.to_owned();
        let (one, other) = ([line("a"), line("b")], [line("a"), line("c")]);
        assert_eq!(difference(&one, &one), None);
        let told = difference(&one, &other).expect("they differ");
        assert!(
            told.contains("undisturbed: b") && told.contains("here:        c"),
            "{told}"
        );
    }
}
