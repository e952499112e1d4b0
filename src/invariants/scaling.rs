//! Which pods are made and taken away when the range changes.

use super::{
    Judging, Tally,
    judging::Adds,
    moment::{Member, Moment},
    ordering::ordinal,
};
use crate::{
    evidence::{Act, Decision, Kind, Strategy},
    sets::{self, Ordinal},
};

/// `inv-own-range`
pub fn own_range(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for decision in judging.of(Kind::Pod, Act::Create) {
        let Some(ordinal) = ordinal(judging, decision) else {
            continue;
        };
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            moment.wanted.has(ordinal)
        });
        tally.decided(decision, held, &[Kind::Set], || {
            match judging.versions(decision).first() {
                Some(wanted) => format!("the range was {:?}", wanted.range()),
                None => "there was no set".to_owned(),
            }
        });
    }
}

/// Deletes of claimed pods outside the range of every version in the window, but for those of a Recreate rollout.
pub fn scale_downs<'j, 'a>(
    judging: &'j Judging<'a>,
) -> impl Iterator<Item = (&'j Decision<'a>, Ordinal)> {
    new_deletes(judging).filter(move |(decision, ordinal)| {
        let label = decision
            .before
            .and_then(|change| change.object.as_pod())
            .map_or("", |pod| sets::revision_of(pod));
        let versions = judging.reasons(decision, *ordinal);
        !versions.is_empty()
            && versions.iter().all(|wanted| {
                let recreated = wanted.strategy == Strategy::Recreate
                    && judging.old(decision.life, wanted.generation, label).may();
                !wanted.has(*ordinal) && !recreated
            })
    })
}

/// Deletes of claimed pods that nobody had deleted before, with their ordinals.
pub fn new_deletes<'j, 'a>(
    judging: &'j Judging<'a>,
) -> impl Iterator<Item = (&'j Decision<'a>, Ordinal)> {
    judging.of(Kind::Pod, Act::Delete).filter_map(|decision| {
        let life = &judging.index.lives()[decision.life];
        let claimed = decision
            .before
            .is_some_and(|before| crate::evidence::controller_of(before) == Some(life.uid));
        let ordinal = ordinal(judging, decision).filter(|ordinal| *ordinal >= 0)?;
        (claimed && decision.is_new_delete()).then_some((decision, ordinal))
    })
}

/// `inv-delete-top`
pub fn delete_top(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (decision, ordinal) in
        scale_downs(judging).filter(|(decision, _)| judging.ordered(decision.life))
    {
        let several = judging.newest(decision, |moment| moment.condemned().count() >= 2);
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            moment.victim(decision).is_some()
                && !moment.wanted.has(ordinal)
                && higher(moment, ordinal).is_empty()
        });
        if several != Some(true) && held != super::tally::Held::Not {
            tally.vacuous();
            continue;
        }
        tally.decided(decision, held, &[Kind::Pod], || {
            let higher = judging.newest(decision, |moment| higher(moment, ordinal));
            format!(
                "condemned pods with higher ordinals were there: {}",
                higher.unwrap_or_default().join(", ")
            )
        });
    }
}

fn higher(moment: &Moment<'_, '_>, ordinal: Ordinal) -> Vec<String> {
    let above = moment.condemned().filter(|member| member.ordinal > ordinal);
    above.map(|member| member.name().to_owned()).collect()
}

/// `inv-delete-single`
pub fn delete_single(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (decision, ordinal) in
        scale_downs(judging).filter(|(decision, _)| judging.ordered(decision.life))
    {
        // A controller knows whom it deleted itself: as long as it sees such a pod it may delete that again, and no
        // other.
        let asked = |member: &Member<'_>| {
            judging.deleted_before(decision.life, member.uid(), decision.step())
        };
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            let going = moment
                .condemned()
                .any(|member| member.ordinal > ordinal && (member.terminating() || asked(member)));
            moment.victim(decision).is_some()
                && !moment.wanted.has(ordinal)
                && !going
                && moment.unfit(Ordinal::MAX).next().is_none()
        });
        tally.decided(decision, held, &[Kind::Pod], || {
            let unfit = judging.newest(decision, |moment| {
                moment.unfit(Ordinal::MAX).collect::<Vec<_>>()
            });
            match unfit.filter(|unfit| !unfit.is_empty()) {
                Some(unfit) => {
                    format!("of the range these ordinals were not Running and available: {unfit:?}")
                }
                None => "a condemned pod with a higher ordinal was terminating".to_owned(),
            }
        });
    }
}
