//! The vocabulary that judge and judged share: ordinals, names, and what makes a pod Ready or Available.
//!
//! Nothing here decides anything. It awaits nothing, reads no clock and holds no client, and stays small enough to be
//! reviewed in one sitting: a mistake here is one that the judge would make together with the judged.

mod names;
mod pods;

pub use names::{Ordinal, claim_name, ordinal_of, pod_name};
pub use pods::{
    available_at, condition, is_available, is_failed, is_ready, is_running_and_ready, is_succeeded,
    is_terminating, owner_uid, ready_since, revision_of,
};

/// Label of a pod: its own name.
pub const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
/// Label of a pod: its ordinal in decimal.
pub const POD_INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";
/// Label of a pod: the name of the revision it was made from.
pub const REVISION_LABEL: &str = "controller-revision-hash";
