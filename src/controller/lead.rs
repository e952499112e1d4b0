//! Leader election: of several copies of the controller one works, the others wait for its lease to end.
//!
//! The lease is a `coordination.k8s.io/v1` Lease, with the periods that the components of Kubernetes have: it lasts 15 s,
//! is renewed every 2 s, and its holder gives up when it could not renew it for 10 s. Clocks of different machines are
//! never compared: a lease has ended when its record did not change for as long as it lasts, by one's own clock.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{Api, Client, api::PostParams};
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::error::{is_conflict, is_there};
use crate::clock::Clock;

/// How long a lease lasts without being renewed.
const LASTS: Duration = Duration::from_secs(15);
/// How long a holder tries to renew it before it stops working.
const RENEW_WITHIN: Duration = Duration::from_secs(10);
/// How often it is renewed, and how often others look at it.
const RETRY: Duration = Duration::from_secs(2);

/// Who wants to lead, and by which lease.
#[derive(Clone, Debug)]
pub struct Election {
    /// The lease's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The name of this copy, different from those of all others.
    pub identity: String,
}

/// Why there is no leading.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lease may not be read or written.
    #[error(
        "cannot use the lease {lease}: {source}; the controller needs get, create and update of leases there"
    )]
    Refused {
        /// Namespace and name.
        lease: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// The lease was not renewed in time, or somebody else has it.
    #[error("lost the lease {lease}: {why}; another copy may lead now")]
    Lost {
        /// Namespace and name.
        lease: String,
        /// How.
        why: String,
    },
}

/// What is to be done about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is none: make it.
    Create,
    /// It is ours: renew it.
    Renew,
    /// It has no holder, or its holder is gone: take it.
    Take,
    /// Another one holds it.
    Wait,
}

/// `unchanged` is how long its record has been as it is, by our own clock.
fn step(lease: Option<&LeaseSpec>, identity: &str, unchanged: Duration) -> Step {
    let Some(lease) = lease else {
        return Step::Create;
    };
    let lasts = lease.lease_duration_seconds.unwrap_or_default();
    let lasts = Duration::from_secs(u64::try_from(lasts).unwrap_or_default());
    match lease.holder_identity.as_deref() {
        Some(holder) if holder == identity => Step::Renew,
        None | Some("") => Step::Take,
        Some(_) if unchanged >= lasts => Step::Take,
        Some(_) => Step::Wait,
    }
}

/// The record after a step that writes.
fn record(before: Option<&LeaseSpec>, step: Step, identity: &str, now: Timestamp) -> LeaseSpec {
    let before = before.cloned().unwrap_or_default();
    let is_new = step != Step::Renew;
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(LASTS.as_secs()).ok(),
        acquire_time: match is_new {
            true => Some(MicroTime(now)),
            false => before.acquire_time,
        },
        renew_time: Some(MicroTime(now)),
        lease_transitions: match step {
            Step::Take => Some(before.lease_transitions.unwrap_or_default() + 1),
            _ => before.lease_transitions.or(Some(0)),
        },
        ..before
    }
}

/// A candidate with what it has seen.
struct Candidate {
    api: Api<Lease>,
    clock: Clock,
    election: Election,
    seen: Option<(Option<String>, Instant)>,
}

impl Candidate {
    fn lease(&self) -> String {
        format!("{}/{}", self.election.namespace, self.election.name)
    }

    /// One try. Whether the lease is ours now.
    async fn attempt(&mut self) -> Result<bool, kube::Error> {
        let found = self.api.get_opt(&self.election.name).await?;
        let version = found
            .as_ref()
            .and_then(|lease| lease.metadata.resource_version.clone());
        let since = match &self.seen {
            Some((known, since)) if *known == version => *since,
            _ => Instant::now(),
        };
        self.seen = Some((version, since));
        let before = found.as_ref().and_then(|lease| lease.spec.as_ref());
        let identity = &self.election.identity;
        let step = match &found {
            Some(_) => step(
                Some(before.unwrap_or(&LeaseSpec::default())),
                identity,
                since.elapsed(),
            ),
            None => Step::Create,
        };
        if step == Step::Wait {
            return Ok(false);
        }
        let spec = record(before, step, identity, self.clock.now());
        let mut lease = found.unwrap_or_default();
        lease.metadata.name = Some(self.election.name.clone());
        lease.spec = Some(spec);
        let parameters = PostParams::default();
        let written = match step {
            Step::Create => self.api.create(&parameters, &lease).await,
            _ => {
                self.api
                    .replace(&self.election.name, &parameters, &lease)
                    .await
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) || is_there(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn acquire(&mut self) -> Result<(), Error> {
        loop {
            match self.attempt().await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(source @ kube::Error::Api(_)) => {
                    return Err(Error::Refused {
                        lease: self.lease(),
                        source: Box::new(source),
                    });
                }
                Err(error) => tracing::warn!(%error, "cannot reach the lease"),
            }
            sleep(RETRY).await;
        }
    }

    /// Renews until that fails.
    async fn keep(&mut self) -> Error {
        let mut ticks = interval_at(Instant::now() + RETRY, RETRY);
        let mut renewed = Instant::now();
        let why = loop {
            ticks.tick().await;
            let left = (renewed + RENEW_WITHIN).saturating_duration_since(Instant::now());
            match timeout(left.max(Duration::from_millis(1)), self.attempt()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => break "somebody else has taken it".to_owned(),
                Ok(Err(error)) if renewed.elapsed() < RENEW_WITHIN => {
                    tracing::warn!(%error, "the lease was not renewed");
                }
                Ok(Err(error)) => break error.to_string(),
                Err(_) => break format!("it was not renewed for {} s", RENEW_WITHIN.as_secs()),
            }
        };
        Error::Lost {
            lease: self.lease(),
            why,
        }
    }
}

/// Waits until this copy leads, tells so, and works for as long as it does.
///
/// # Errors
///
/// The lease cannot be used, or was lost; the work has been dropped then.
pub async fn lead<T>(
    client: Client,
    clock: Clock,
    election: Election,
    leads: impl FnOnce(),
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    let mut candidate = Candidate {
        api: Api::namespaced(client, &election.namespace),
        clock,
        election,
        seen: None,
    };
    candidate.acquire().await?;
    leads();
    tokio::select! {
        biased;
        lost = candidate.keep() => Err(lost),
        done = work => Ok(done),
    }
}

/// Gives a lease back, if this copy holds it, so that the next one need not wait for its end.
pub async fn release(client: Client, election: &Election) {
    let api: Api<Lease> = Api::namespaced(client, &election.namespace);
    let Ok(Some(mut lease)) = api.get_opt(&election.name).await else {
        return;
    };
    let Some(spec) = &mut lease.spec else { return };
    if spec.holder_identity.as_deref() != Some(&election.identity) {
        return;
    }
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    // Whoever cannot release it lets it end.
    let _ = api
        .replace(&election.name, &PostParams::default(), &lease)
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by(holder: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_taken_when_nobody_has_renewed_it_for_as_long_as_it_lasts() {
        let seconds = Duration::from_secs;
        for (lease, unchanged, expected) in [
            (None, 0, Step::Create),
            (Some(held_by("me")), 0, Step::Renew),
            (Some(held_by("me")), 60, Step::Renew),
            (Some(held_by("other")), 14, Step::Wait),
            (Some(held_by("other")), 15, Step::Take),
            (Some(held_by("")), 0, Step::Take),
        ] {
            assert_eq!(step(lease.as_ref(), "me", seconds(unchanged)), expected);
        }
    }

    #[test]
    fn who_takes_a_lease_counts_the_change_of_holders() {
        let now = Timestamp::UNIX_EPOCH;
        let taken = record(Some(&held_by("other")), Step::Take, "me", now);
        assert_eq!(taken.lease_transitions, Some(4));
        assert_eq!(taken.holder_identity.as_deref(), Some("me"));
        let renewed = record(Some(&taken), Step::Renew, "me", now + LASTS);
        assert_eq!(renewed.lease_transitions, Some(4));
        assert_eq!(renewed.acquire_time, taken.acquire_time);
    }
}
