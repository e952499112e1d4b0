//! May I? Yes: this server has no authorization.

use serde_json::json;

use crate::mini::api::{
    Status,
    resources::Resource,
    verbs::{Call, Done, Expected, Validation, decode},
};

/// Objects of this resource are answered, not stored.
pub(crate) fn is_review(resource: &Resource) -> bool {
    resource.kind == "SelfSubjectAccessReview"
}

/// Answers a review.
///
/// # Errors
///
/// 400 or 415 for what is none.
pub(crate) fn create(call: &Call) -> Result<Done, Status> {
    let expected = Expected::of(call.target.resource);
    let (mut review, _) = decode(
        &expected,
        &call.content_type,
        &call.body,
        Validation::Ignore,
    )?;
    review["status"] = json!({"allowed": true});
    Ok(Done::new(201, review))
}
