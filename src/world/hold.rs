//! The waits that are not watches: the hold at the end of a negative claim, and the rest between two questions to DNS.

use std::time::Duration;

use super::{MOST_CHANGES, Seen, World};
use crate::verdict::Stop;

/// How long DNS rests between two questions.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(250);

/// What ends a hold before its time.
enum Early {
    /// The claim does not hold: what was seen.
    Violated(String),
    /// More happens than can ever come to rest.
    Restless(usize),
}

impl World {
    /// Lets the time of a hold pass while a claim is judged at each change. Returns how many changes there were.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] as soon as the claim does not hold, [`Stop::Inconclusive`] as soon as more than [`MOST_CHANGES`]
    /// were seen: whoever makes so many never rests.
    pub(super) async fn hold(
        &self,
        expected: &str,
        judge: impl Fn(&Seen<'_>) -> Result<(), String>,
    ) -> Result<usize, Stop> {
        let (namespace, before) = (self.namespace(), &self.before);
        let begun = self.length();
        let ended = self
            .recorder
            .until(self.scene.deadlines.hold, |history| {
                let seen = Seen {
                    history,
                    namespace,
                    before,
                };
                if let Err(seen) = judge(&seen) {
                    return Some(Early::Violated(seen));
                }
                let changes = history.changes().len() - begun;
                (changes > MOST_CHANGES).then_some(Early::Restless(changes))
            })
            .await;
        match ended {
            None => Ok(self.length() - begun),
            Some(Early::Violated(seen)) => {
                Err(Stop::Fail(format!("expected: {expected}; seen: {seen}")))
            }
            Some(Early::Restless(changes)) => Err(Stop::Inconclusive(restless(changes))),
        }
    }

    /// How much has been seen.
    pub(super) fn length(&self) -> usize {
        self.recorder.look(|history| history.changes().len())
    }

    /// Rests until DNS may have learned something: the endpoints changed, or a quarter of a second has passed.
    pub async fn rest(&self) {
        let slices = |history: &crate::evidence::History| {
            let slices = history.changes().iter().rev();
            slices
                .take(64)
                .filter(|change| change.object.kind() == crate::evidence::Kind::EndpointSlice)
                .map(|change| change.version)
                .max()
        };
        let known = self.recorder.look(slices);
        let _ = self
            .recorder
            .until(BETWEEN_QUESTIONS, |history| {
                (slices(history) != known).then_some(())
            })
            .await;
    }
}

/// Why nothing can be said of a world that never comes to rest.
pub(super) fn restless(changes: usize) -> String {
    format!("the subject never rests: {changes} changes were seen in a wait for quiet")
}
