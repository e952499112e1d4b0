//! One combination of states that a decision may have been made by.

use k8s_openapi::api::core::v1::Pod;

use super::judging::Judging;
use crate::{
    evidence::{Decision, Span, Tri, Wanted, available},
    sets::{self, Ordinal},
};

/// A claimed pod in one state.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Its ordinal; -1 if it does not fit 32 bits.
    pub ordinal: Ordinal,
    /// The controller has deleted it, though the state does not show it yet.
    pub deleted: bool,
}

impl<'a> Member<'a> {
    pub fn name(&self) -> &'a str {
        self.pod.metadata.name.as_deref().unwrap_or_default()
    }

    pub fn uid(&self) -> &'a str {
        self.pod.metadata.uid.as_deref().unwrap_or_default()
    }

    pub fn terminating(&self) -> bool {
        self.deleted || sets::is_terminating(self.pod)
    }

    pub fn ended(&self) -> bool {
        sets::is_failed(self.pod) || sets::is_succeeded(self.pod)
    }
}

/// A version of the set and its pods at one point.
pub struct Moment<'m, 'a> {
    pub judging: &'m Judging<'a>,
    pub life: usize,
    pub wanted: Wanted<'a>,
    pub members: &'m [Member<'a>],
    pub now: Span,
}

impl<'a> Moment<'_, 'a> {
    /// The pod of that name that a delete means: of the UID that it insists on, if it does.
    pub fn victim(&self, decision: &Decision<'_>) -> Option<&Member<'a>> {
        let uid = decision.insists_on();
        let mut named = self
            .members
            .iter()
            .filter(|member| member.name() == decision.request.name);
        named.find(|member| uid.is_none_or(|uid| member.uid() == uid))
    }

    /// Its index, if its ordinal is in the range.
    pub fn index(&self, ordinal: Ordinal) -> Option<i32> {
        self.wanted
            .has(ordinal)
            .then(|| ordinal - self.wanted.start)
    }

    /// The pods in the range.
    pub fn in_range(&self) -> impl Iterator<Item = &Member<'a>> {
        self.members
            .iter()
            .filter(|member| self.wanted.has(member.ordinal))
    }

    /// The pods outside of it.
    pub fn condemned(&self) -> impl Iterator<Item = &Member<'a>> {
        self.members
            .iter()
            .filter(|member| member.ordinal >= 0 && !self.wanted.has(member.ordinal))
    }

    /// Its revision is another one than that of the update.
    pub fn old(&self, member: &Member<'a>) -> Tri {
        self.judging.old(
            self.life,
            self.wanted.generation,
            sets::revision_of(member.pod),
        )
    }

    /// It has been Ready long enough and is not terminating.
    pub fn available(&self, member: &Member<'a>) -> Tri {
        match member.terminating() {
            true => Tri::No,
            false => available(member.pod, self.wanted.min_ready_seconds, self.now),
        }
    }

    /// It is Running, Ready, may be available and is not terminating.
    pub fn may_be_fine(&self, member: &Member<'a>) -> bool {
        sets::is_running_and_ready(member.pod) && self.available(member).may()
    }

    /// The ordinals of the range, up to one, of which no pod is fine.
    pub fn unfit(&self, below: Ordinal) -> impl Iterator<Item = Ordinal> {
        let range = self.wanted.start..below.min(self.wanted.range().end);
        range.filter(|ordinal| {
            !self
                .members
                .iter()
                .any(|member| member.ordinal == *ordinal && self.may_be_fine(member))
        })
    }

    /// How many pods of the range are certainly unavailable, one of them left out.
    pub fn unavailable_but(&self, name: &str) -> usize {
        let missing = |ordinal: &Ordinal| {
            let mut pods = self
                .members
                .iter()
                .filter(|member| member.ordinal == *ordinal);
            !pods.any(|member| member.name() == name || self.available(member).may())
        };
        self.wanted.range().filter(missing).count()
    }
}
