//! Which cluster is meant: arguments that several commands share.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum, builder::FalseyValueParser};
use serde_json::{Value, json};

use crate::{
    cluster::{context::Options, control_plane::Programs, slow::Latency},
    suite::{KindOptions, Tier},
};

/// The name of a cluster.
#[derive(Clone, Debug, Args)]
pub(super) struct Named {
    /// The kubeconfig that names the cluster. No cluster is touched that was not named.
    #[arg(long, value_name = "PATH", env = "STSSPEC_KUBECONFIG")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context in it, or in the usual kubeconfigs.
    #[arg(long, value_name = "NAME", env = "STSSPEC_CONTEXT")]
    pub(super) context: Option<String>,
}

/// What pods have to say on that cluster.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "On a cluster of one's own")]
pub(super) struct Terms {
    /// The one namespace that all of it happens in, one scenario after another, for those who may make none; what others
    /// have there is left alone.
    #[arg(long, value_name = "NAME", env = "STSSPEC_NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// The image of every pod, with a shell, `sleep`, `cat` and `nc`: busybox:1.35 if not given.
    #[arg(long, value_name = "IMAGE", env = "STSSPEC_IMAGE")]
    image: Option<String>,
    /// The registry that the image is taken from.
    #[arg(long, value_name = "REGISTRY", env = "STSSPEC_REGISTRY")]
    registry: Option<String>,
    /// The StorageClass of every claim; the default one if not given.
    #[arg(long, value_name = "NAME", env = "STSSPEC_STORAGE_CLASS")]
    storage_class: Option<String>,
    /// A Secret to pull the image with. May be given more than once.
    #[arg(
        long,
        value_name = "NAME",
        env = "STSSPEC_IMAGE_PULL_SECRET",
        value_delimiter = ','
    )]
    image_pull_secret: Vec<String>,
    /// A toleration of every pod, as `key[=value][:Effect]`. May be given more than once.
    #[arg(
        long,
        value_name = "TOLERATION",
        env = "STSSPEC_TOLERATION",
        value_delimiter = ','
    )]
    toleration: Vec<Toleration>,
    /// A label of the nodes that pods go to, as `key=value`. May be given more than once.
    #[arg(
        long,
        value_name = "LABEL",
        env = "STSSPEC_NODE_SELECTOR",
        value_delimiter = ','
    )]
    node_selector: Vec<Label>,
    /// Let scenarios cordon, taint and drain nodes; those that would have to are skipped otherwise.
    #[arg(long, env = "STSSPEC_DISTURB_NODES", value_parser = FalseyValueParser::new())]
    disturb_nodes: bool,
}

/// The cluster that `--tier kind` makes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "With --tier kind")]
pub(super) struct KindTerms {
    /// The node image; kind's own choice if not given.
    #[arg(long, value_name = "IMAGE", env = "STSSPEC_KIND_IMAGE")]
    node_image: Option<String>,
    /// Worker nodes besides the one with the control plane; scenarios may disturb nodes if there are any.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        env = "STSSPEC_KIND_WORKERS"
    )]
    workers: usize,
    /// Use the cluster `stsspec` if it is there, and leave it there.
    #[arg(long, env = "STSSPEC_KIND_REUSE", value_parser = FalseyValueParser::new())]
    reuse: bool,
    /// The program that is deployed as the bundled controller, linked statically; this one if not given.
    #[arg(long, value_name = "PATH", env = "STSSPEC_CONTROLLER_PROGRAM")]
    controller_program: Option<PathBuf>,
}

/// The name of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TierWord {
    /// A fresh cluster in this process for each scenario.
    Embedded,
    /// The cluster that `--context` or `--kubeconfig` names, or the one around this process.
    Context,
    /// A cluster that the `kind` command makes for the run and removes after it.
    Kind,
    /// A real API server, started for the run from the programs in a folder, with nodes in this process.
    ControlPlane,
}

/// The tier that is meant: that of the word, or what the names of a cluster imply.
pub(super) fn tier(
    word: Option<TierWord>,
    named: Named,
    terms: Terms,
    kind: KindTerms,
    assets: Option<PathBuf>,
    controller_manager: Option<PathBuf>,
    latency: Option<Latency>,
) -> anyhow::Result<Tier, &'static str> {
    let is_named = named.kubeconfig.is_some() || named.context.is_some();
    let is_embedded = !is_named && matches!(word, None | Some(TierWord::Embedded));
    if latency.is_some() && !is_embedded {
        return Err("`--latency` is for embedded clusters: others are as far away as they are");
    }
    if controller_manager.is_some() && word != Some(TierWord::ControlPlane) {
        return Err(
            "`--controller-manager` is for `--tier control-plane`: elsewhere nobody starts one",
        );
    }
    if terms.namespace.is_some() && !is_named && word != Some(TierWord::Context) {
        return Err(
            "`--namespace` is for a cluster that is there: name one with --context or --kubeconfig",
        );
    }
    match (word, is_named) {
        (Some(TierWord::ControlPlane), true) => Err(
            "`--tier control-plane` makes its own cluster: leave out --context and --kubeconfig",
        ),
        (Some(TierWord::ControlPlane), false) => match assets {
            Some(folder) => Ok(Tier::ControlPlane(Programs {
                folder,
                controller_manager,
            })),
            None => Err(
                "`--tier control-plane` needs a folder with etcd, kube-apiserver and kube-controller-manager: name it by `--assets` or KUBEBUILDER_ASSETS",
            ),
        },
        (Some(TierWord::Embedded), true) => {
            Err("`--tier embedded` makes its own clusters: leave out --context and --kubeconfig")
        }
        (Some(TierWord::Kind), true) => {
            Err("`--tier kind` makes its own cluster: leave out --context and --kubeconfig")
        }
        (Some(TierWord::Kind), false) => Ok(Tier::Kind(KindOptions {
            name: "stsspec".to_owned(),
            node_image: kind.node_image,
            workers: kind.workers,
            reuse: kind.reuse,
            program: kind.controller_program,
            terms: Options {
                // What lies in the cluster goes with it.
                ledger: None,
                ..options(named, terms)
            },
        })),
        (None | Some(TierWord::Embedded), false) => Ok(Tier::Embedded(latency.unwrap_or_default())),
        (Some(TierWord::Context), _) | (None, true) => Ok(Tier::Context(options(named, terms))),
    }
}

/// A cluster and what pods have to say there.
pub(super) fn options(named: Named, terms: Terms) -> Options {
    Options {
        kubeconfig: named.kubeconfig,
        context: named.context,
        namespace: terms.namespace,
        image: terms.image,
        registry: terms.registry,
        storage_class: terms.storage_class,
        image_pull_secrets: terms.image_pull_secret,
        tolerations: terms.toleration.into_iter().map(|it| it.0).collect(),
        node_selector: terms
            .node_selector
            .into_iter()
            .map(|label| (label.key, label.value))
            .collect::<BTreeMap<_, _>>(),
        disturb_nodes: terms.disturb_nodes,
        ledger: Some(ledger()),
    }
}

impl From<Named> for Options {
    fn from(named: Named) -> Self {
        Self {
            kubeconfig: named.kubeconfig,
            context: named.context,
            ..Self::default()
        }
    }
}

/// The folder of the ledger: under XDG_STATE_HOME, or where that is by default.
pub(super) fn ledger() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => PathBuf::from(state),
        (None, Some(home)) => PathBuf::from(home).join(".local/state"),
        (None, None) => std::env::temp_dir(),
    };
    state.join("stsspec/ledger")
}

#[derive(Clone, Debug, PartialEq)]
struct Toleration(Value);

impl FromStr for Toleration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, effect) = match text.split_once(':') {
            Some((rest, effect)) => (rest, Some(effect)),
            None => (text, None),
        };
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        if effect.is_some_and(|effect| !known.contains(&effect)) {
            return Err(format!("its effect is one of {}", known.join(", ")));
        }
        let mut toleration = match rest.split_once('=') {
            Some((key, value)) => json!({ "key": key, "operator": "Equal", "value": value }),
            None => json!({ "key": rest, "operator": "Exists" }),
        };
        if let Some(effect) = effect {
            toleration["effect"] = json!(effect);
        }
        Ok(Self(toleration))
    }
}

#[derive(Clone, Debug)]
struct Label {
    key: String,
    value: String,
}

impl FromStr for Label {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("it is key=value")?;
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toleration_is_written_as_taints_are() {
        for (text, toleration) in [
            (
                "a=b:NoSchedule",
                json!({"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}),
            ),
            ("a", json!({"key": "a", "operator": "Exists"})),
            (
                "a:NoExecute",
                json!({"key": "a", "operator": "Exists", "effect": "NoExecute"}),
            ),
        ] {
            assert_eq!(text.parse(), Ok(Toleration(toleration)), "{text}");
        }
        assert!("a:Never".parse::<Toleration>().is_err());
    }
}
