//! What can go wrong in a sync, and what the API's answers mean.

use super::{gate::Behind, plan::Refusal, revision, set::Key};

/// Why the controller does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not answer in time.
    #[error(
        "cannot watch {kind} within {within_seconds} s: {trouble}; check that the API server can be reached and that the controller may list and watch them"
    )]
    NotReached {
        /// What could not be watched.
        kind: &'static str,
        /// How long it was tried.
        within_seconds: u64,
        /// The last answer.
        trouble: String,
    },
}

/// Why a sync failed; the set comes again by itself.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The caches are older than the controller's own writes.
    #[error(transparent)]
    Behind(#[from] Behind),
    /// No plan can be made.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A revision cannot be read.
    #[error(transparent)]
    Revision(#[from] revision::Unreadable),
    /// The API server refused something or could not be reached.
    #[error("could not {doing}: {}", text(source))]
    Api {
        /// What was tried.
        doing: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// Claims that a pod needs cannot be had.
    #[error("{0}")]
    Claims(String),
    /// The set is not what the cache says it is.
    #[error("can't adopt {what}: {why}")]
    NotAdopted {
        /// What was to be adopted.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// Several things.
    #[error("[{}]", list(.0))]
    Many(Vec<Self>),
}

impl SyncError {
    /// One error for several; none for none.
    pub fn all(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Many(errors)),
        }
    }

    /// The API server answered, with a refusal.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Api { source, .. } => matches!(**source, kube::Error::Api(_)),
            Self::Claims(_) | Self::Refused(_) | Self::NotAdopted { .. } => true,
            Self::Many(errors) => errors.iter().any(Self::is_refusal),
            Self::Behind(_) | Self::Revision(_) => false,
        }
    }
}

fn list(errors: &[SyncError]) -> String {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// Names what was tried.
pub fn doing(what: impl Into<String>) -> impl FnOnce(kube::Error) -> SyncError {
    let doing = what.into();
    move |source| SyncError::Api {
        doing,
        source: Box::new(source),
    }
}

/// The API's own words.
pub fn text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// It is not there.
pub fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// It is there already.
pub fn is_there(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_already_exists())
}

/// Somebody else changed it meanwhile.
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict())
}

/// It cannot be changed that way.
pub fn is_invalid(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 422)
}

/// Another object has the name: the one that was meant is gone.
pub fn is_another(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status)
        if status.code == 409 && status.message.contains("UID") && status.message.contains("recondition"))
}

/// A set that was replaced or is about to go.
pub fn gone(key: &Key, found: Option<&str>, wanted: &str) -> String {
    match found {
        Some(found) => {
            format!("original StatefulSet {key} is gone: got uid {found}, wanted {wanted}")
        }
        None => format!("original StatefulSet {key} is gone"),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn api(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Status::failure(message, "Conflict").with_code(code).boxed())
    }

    #[test]
    fn only_a_failed_precondition_on_the_uid_says_that_the_object_is_another() {
        let other = r#"Operation cannot be fulfilled on pods "web-0": Precondition failed: UID in precondition: a, UID in object meta: b"#;
        let record = "the UID in the precondition (a) does not match the UID in record (b). The object might have been deleted and then recreated";
        assert!(is_another(&api(409, other)));
        assert!(is_another(&api(409, record)));
        assert!(!is_another(&api(
            409,
            "please apply your changes to the latest version"
        )));
        assert!(!is_another(&api(404, record)));
    }

    #[test]
    fn several_errors_are_one_line() {
        let error = |text: &str| SyncError::Claims(text.to_owned());
        assert!(SyncError::all(Vec::new()).is_ok());
        let many = SyncError::all(vec![error("a"), error("b")]).expect_err("two");
        assert_eq!(many.to_string(), "[a, b]");
        let one = doing("create pod web-0")(api(403, "no room"));
        assert_eq!(one.to_string(), "could not create pod web-0: no room");
    }
}
