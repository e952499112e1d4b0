//! Live sets judged by watching alone: get, list and watch, and nothing else.
//!
//! What is kept is bounded: when a stretch of history has grown long it is judged and let go, and the next one begins with
//! what is there. A rule is judged within each stretch.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, interval_at, sleep_until, timeout},
};

use super::{
    Error,
    judge::Sums,
    site::{self, on_a_runtime},
};
use crate::{
    clock::Clock,
    cluster::{
        Target,
        context::{Options, connect, greet},
        gates_of,
    },
    evidence::{Evidence, History, Kind, Log, Profile},
    record::Recorder,
    report::{Violation, judgement::Judgement},
};

/// How many changes a stretch has before it is let go.
const LONGEST: usize = 20_000;

/// How often the stretch on its way is judged.
const OFTEN: Duration = Duration::from_secs(30);

/// How long the last comparison with the cluster may take.
const LAST: Duration = Duration::from_secs(20);

/// Longer than anybody waits.
const EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What is watched: a set, what it has, and what is told of it.
const WATCHED: [Kind; 5] = [
    Kind::Set,
    Kind::Pod,
    Kind::Claim,
    Kind::Revision,
    Kind::Event,
];

/// A watch to be kept.
#[derive(Clone, Debug)]
pub struct Observe {
    /// Which cluster.
    pub options: Options,
    /// Whose sets; those of all namespaces if none is given.
    pub namespaces: BTreeSet<String>,
    /// For how long; until it is stopped, if not given.
    pub duration: Option<Duration>,
}

/// What is told on the way.
#[derive(Debug)]
pub enum Seen<'a> {
    /// It has begun: so many sets are there.
    Begun(usize),
    /// A breach, at once.
    Breach(&'a str, &'a Violation),
    /// So many changes were judged and let go.
    Released(usize),
}

impl Observe {
    /// Watches until the time is over, `stop` says so or the cluster is lost. Blocks. With it comes why the cluster was
    /// lost, and what was seen since the last release.
    ///
    /// # Errors
    ///
    /// The cluster does not answer, does not let the user watch, or has a version that is not covered.
    pub fn run(
        &self,
        stop: watch::Receiver<bool>,
        tell: &mut (dyn FnMut(Seen<'_>) + Send),
    ) -> Result<(Judgement, Option<String>, Evidence), Error> {
        Ok(on_a_runtime(self.watch(stop, tell)).map_err(site::Error::from)??)
    }

    async fn watch(
        &self,
        mut stop: watch::Receiver<bool>,
        tell: &mut (dyn FnMut(Seen<'_>) + Send),
    ) -> Result<(Judgement, Option<String>, Evidence), site::Error> {
        let connection = connect(&self.options).await?;
        let client = connection.client()?;
        let version = greet(&client, &connection.address).await?;
        let recorder = Recorder::new(client, Clock::of_day(), Target::apps_v1());
        let namespaces = match self.namespaces.is_empty() {
            true => vec![String::new()],
            false => self.namespaces.iter().cloned().collect(),
        };
        for namespace in &namespaces {
            recorder.start_with(namespace, &WATCHED).await?;
        }
        tell(Seen::Begun(
            recorder.look(|history| history.everywhere(Kind::Set).count()),
        ));
        let profile = profile(version);
        let evidence = |history: History| Evidence {
            history,
            log: Log::default(),
            answers: Vec::new(),
            profile: profile.clone(),
        };
        let mut told = BTreeSet::new();
        let mut sums = Sums::default();
        let end = Instant::now() + self.duration.unwrap_or(EVER);
        let mut often = interval_at(Instant::now() + OFTEN, OFTEN);
        let mut judged = 0;
        let mut lost = loop {
            let begun = recorder.look(History::initial);
            let long =
                |history: &History| (history.changes().len() >= begun + LONGEST).then_some(());
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopped| *stopped) => break None,
                () = sleep_until(end) => break None,
                is_long = recorder.until(EVER, long) => {
                    if is_long.is_none() {
                        break recorder.lost().map(|why| format!("the cluster was lost: {why}"));
                    }
                    let stretch = recorder.release();
                    let many = stretch.changes().len();
                    sums.add(&evidence(stretch));
                    report(&sums, &mut told, tell);
                    tell(Seen::Released(many));
                    judged = 0;
                }
                _ = often.tick() => {
                    let history = recorder.look(|history| {
                        (history.changes().len() > judged).then(|| history.clone())
                    });
                    if let Some(history) = history {
                        judged = history.changes().len();
                        let mut so_far = sums.clone();
                        so_far.add(&evidence(history));
                        report(&so_far, &mut told, tell);
                    }
                }
            }
        };
        let history = match timeout(LAST, recorder.finish(&namespaces)).await {
            Ok(Ok(history)) => history,
            unproved => {
                let why = match unproved {
                    Ok(Err(error)) => error.to_string(),
                    _ => format!("it took longer than {} s", LAST.as_secs()),
                };
                lost.get_or_insert(format!(
                    "what was seen could not be compared with a list at the end: {why}"
                ));
                recorder.look(History::clone)
            }
        };
        let last = evidence(history);
        sums.add(&last);
        report(&sums, &mut told, tell);
        let places = match self.namespaces.is_empty() {
            true => "all namespaces".to_owned(),
            false => format!("namespaces {}", namespaces.join(", ")),
        };
        let mut notes = vec![
            "an observer does not know who wrote what: rules on what the controller alone did are not judged, and a breach that somebody else may have caused is none".to_owned(),
        ];
        notes.extend(lost.clone());
        let source = format!("{}, {places}", connection.address);
        Ok((sums.judgement(source, version, notes), lost, last))
    }
}

/// Tells of breaches that were not told before.
fn report(
    sums: &Sums,
    told: &mut BTreeSet<(String, String)>,
    tell: &mut (dyn FnMut(Seen<'_>) + Send),
) {
    for (rule, violation) in sums.violations() {
        if told.insert((rule.to_owned(), violation.seen.clone())) {
            tell(Seen::Breach(rule, violation));
        }
    }
}

/// What an observer knows of a cluster.
pub(super) fn profile(version: (u16, u16)) -> Profile {
    let gates = gates_of(version);
    Profile {
        version,
        shared_counter: false,
        virtual_time: false,
        attribution: false,
        delivery: false,
        own_write_gate: gates.contains("StaleControllerConsistencyStatefulSet"),
        gates,
    }
}
