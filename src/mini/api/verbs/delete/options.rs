//! How something is to be deleted.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::mini::api::{
    Cause, Status,
    http::body,
    server::State,
    strict,
    verbs::{Call, options::dry_run_faults, unregistered},
};

/// The options of a deletion.
#[derive(Clone, Debug)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    /// `Background`, `Foreground` or `Orphan`.
    pub(crate) propagation: Option<String>,
    /// The older way to say it.
    pub(crate) orphan: Option<bool>,
    /// The UID and the version that the object must have.
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) now: Timestamp,
}

impl DeleteOptions {
    /// The options of a request: its body, or, if that is empty, its parameters.
    ///
    /// # Errors
    ///
    /// 400 for a body that is none, 422 for values that contradict each other or that no server knows.
    pub(crate) fn of(state: &State, call: &Call) -> Result<Self, Status> {
        let query = &call.query;
        let value = match call.body.is_empty() {
            false => body::read(body::format(&call.content_type)?, &call.body)?.0,
            true => {
                let mut value = json!({});
                if let Some(seconds) = query.number::<i64>("gracePeriodSeconds") {
                    value["gracePeriodSeconds"] = seconds.into();
                }
                if let Some(policy) = query.get("propagationPolicy") {
                    value["propagationPolicy"] = policy.into();
                }
                if let Some(orphan) = query.choice("orphanDependents") {
                    value["orphanDependents"] = orphan.into();
                }
                value
            }
        };
        let mut options = Self::from_object(&value, state.clock.now())?;
        let dry: Vec<_> = query.all("dryRun");
        refuse(dry_run_faults(&dry))?;
        options.dry_run |= !dry.is_empty();
        Ok(options)
    }

    /// Reads a `DeleteOptions`; null asks for nothing in particular.
    ///
    /// # Errors
    ///
    /// As [`DeleteOptions::of`].
    pub(crate) fn from_object(value: &Value, now: Timestamp) -> Result<Self, Status> {
        let empty = json!({});
        let value = if value.is_null() { &empty } else { value };
        let kind = value["kind"].as_str().unwrap_or("DeleteOptions");
        if kind != "DeleteOptions" {
            let version = value["apiVersion"].as_str().unwrap_or_default();
            return Err(Status::bad_request(unregistered(kind, version)));
        }
        let (value, _) = strict::check("DeleteOptions", value.clone())
            .map_err(|text| strict::refusal("DeleteOptions", "v1", &text))?;
        let text = |pointer: &str| {
            let value = value.pointer(pointer).and_then(Value::as_str);
            value.map(str::to_owned)
        };
        let dry: Vec<_> = value["dryRun"].as_array().into_iter().flatten().collect();
        let dry: Vec<_> = dry.into_iter().filter_map(Value::as_str).collect();
        let options = Self {
            grace_seconds: value["gracePeriodSeconds"].as_i64(),
            propagation: text("/propagationPolicy"),
            orphan: value["orphanDependents"].as_bool(),
            uid: text("/preconditions/uid"),
            version: text("/preconditions/resourceVersion"),
            dry_run: !dry.is_empty(),
            now,
        };
        let mut causes = options.faults();
        causes.extend(dry_run_faults(&dry));
        refuse(causes)?;
        Ok(options)
    }

    fn faults(&self) -> Vec<Cause> {
        const FIELD: &str = "propagationPolicy";
        let Some(policy) = &self.propagation else {
            return Vec::new();
        };
        let policy = Value::from(policy.as_str());
        let mut causes = Vec::new();
        if self.orphan.is_some() {
            let text = "orphanDependents and deletionPropagation cannot be both set";
            causes.push(Cause::invalid(FIELD, &policy, text));
        }
        if !matches!(
            policy.as_str(),
            Some("Foreground" | "Background" | "Orphan")
        ) {
            let allowed = ["Foreground", "Background", "Orphan", "nil"];
            causes.push(Cause::not_supported(FIELD, &policy, &allowed));
        }
        causes
    }
}

fn refuse(causes: Vec<Cause>) -> Result<(), Status> {
    match causes.is_empty() {
        true => Ok(()),
        false => Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &causes)),
    }
}
