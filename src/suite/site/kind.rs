//! Tier `kind`: a cluster made for the run, and then like any other. The bundled controller is deployed in it.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::LocalBoxFuture;

use super::{Error, Ground, Site, context::There, on_a_runtime};
use crate::{
    cluster::{
        Capabilities, Target, context,
        kind::{
            self, Kind,
            deploy::{deploy, let_claims_grow},
        },
    },
    controller::manifests::{NAMESPACE, manifests},
    mini::api::schema::crd::STATEFUL_SET,
    suite::{drive::Mode, plan::Planned, subject::Subject, tier::KindOptions},
    world::Deadlines,
};

/// The name of the image with this program.
const IMAGE: &str = concat!("localhost/stsspec:", env!("CARGO_PKG_VERSION"));

/// A cluster that was made.
pub(super) struct Made {
    kind: Mutex<Kind>,
    there: There,
    /// The subject is in the cluster, whoever it is.
    is_inside: bool,
    reconciler: Option<String>,
}

impl Made {
    /// Makes it, and deploys the bundled controller if that is the subject.
    pub(super) fn prepare(
        options: &KindOptions,
        subject: &Subject,
        target: &Target,
    ) -> Result<Self, Error> {
        let mut kind = Kind::create(kind::Options {
            name: options.name.clone(),
            node_image: options.node_image.clone(),
            workers: options.workers,
            controls_sets: matches!(subject, Subject::BuiltIn),
            reuse: options.reuse,
        })?;
        match Self::inhabit(&kind, options, subject, target) {
            Ok((there, is_inside, reconciler)) => Ok(Self {
                kind: Mutex::new(kind),
                there,
                is_inside,
                reconciler,
            }),
            Err(error) => {
                // What is told is why it was of no use.
                let _ = kind.remove();
                Err(error)
            }
        }
    }

    fn inhabit(
        kind: &Kind,
        options: &KindOptions,
        subject: &Subject,
        target: &Target,
    ) -> Result<(There, bool, Option<String>), Error> {
        let named = context::Options {
            kubeconfig: Some(kind.kubeconfig()),
            context: Some(kind.context()),
            disturb_nodes: options.workers > 0,
            ..options.terms.clone()
        };
        on_a_runtime(async {
            let client = context::connect(&named).await?.client()?;
            Ok::<_, Error>(let_claims_grow(&client).await?)
        })??;
        let is_inside = matches!(subject, Subject::BuiltIn | Subject::Bundled);
        let deployed = match subject {
            Subject::Bundled => {
                let program = match &options.program {
                    Some(program) => program.clone(),
                    None => std::env::current_exe()?,
                };
                Some(Self::bring(kind, &named, program, target)?)
            }
            _ => None,
        };
        let judged = if is_inside {
            &Subject::BuiltIn
        } else {
            subject
        };
        let there = There::prepare(&named, judged, target, false)?;
        let reconciler = match (deployed, there.reconciler()) {
            (Some(image), Some(who)) => Some(format!("{who}; deployed from {image}")),
            (_, who) => who,
        };
        Ok((there, is_inside, reconciler))
    }

    /// Brings the program into the cluster and has it run there. The image's name.
    fn bring(
        kind: &Kind,
        named: &context::Options,
        program: PathBuf,
        target: &Target,
    ) -> Result<String, Error> {
        kind.load(IMAGE, &program)?;
        on_a_runtime(async {
            let client = context::connect(named).await?.client()?;
            if target.api.group == STATEFUL_SET.group
                && let Some(definition) = STATEFUL_SET.object()
            {
                deploy(&client, &definition.to_string()).await?;
            }
            deploy(&client, &manifests(IMAGE, NAMESPACE, target)).await?;
            Ok::<_, Error>(())
        })??;
        Ok(IMAGE.to_owned())
    }
}

impl Site for Made {
    fn offered(&self) -> &Capabilities {
        self.there.offered()
    }

    fn mode(&self, parallel: Option<usize>) -> Mode {
        self.there.mode(parallel)
    }

    fn deadlines(&self) -> Deadlines {
        self.there.deadlines()
    }

    fn real_limit(&self) -> Duration {
        self.there.real_limit()
    }

    fn reruns(&self) -> usize {
        self.there.reruns()
    }

    fn reconciler(&self) -> Option<String> {
        self.reconciler.clone()
    }

    fn open<'a>(
        &'a self,
        planned: &'a Planned,
        subject: &'a Subject,
        target: &'a Target,
    ) -> LocalBoxFuture<'a, Result<Ground, String>> {
        let judged = if self.is_inside {
            &Subject::BuiltIn
        } else {
            subject
        };
        self.there.open(planned, judged, target)
    }

    fn close(&self) -> Vec<String> {
        let mut left = self.there.close();
        let mut kind = self.kind.lock().unwrap_or_else(PoisonError::into_inner);
        match kind.remove() {
            Ok(true) => Vec::new(),
            Ok(false) => left,
            Err(error) => {
                left.push(error.to_string());
                left
            }
        }
    }
}
