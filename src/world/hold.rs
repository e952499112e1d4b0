//! The waits that are not watches: the hold at the end of a negative claim, and the rest between two questions to DNS.

use std::time::Duration;

use tokio::time::sleep;

use super::World;

/// How long DNS rests between two questions.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(250);

impl World {
    /// Lets the time of a hold pass.
    pub(super) async fn hold(&self) {
        sleep(self.scene.deadlines.hold).await;
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
