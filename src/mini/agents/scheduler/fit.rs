//! Which node a pod fits on, and if none, why.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    api::{
        core::v1::{
            Container, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodSpec, Taint,
            Toleration,
        },
        storage::v1::StorageClass,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::ResourceExt;

use super::{
    affinity,
    preempt::{self, Preemption},
    volumes,
};
use crate::{
    mini::{agents::Key, api::quantity},
    sets,
};

/// What the scheduler knows of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// All nodes, by name.
    pub nodes: Vec<Arc<Node>>,
    /// The pods that take up room, each with its node's name.
    pub placed: Vec<(String, Arc<Pod>)>,
    /// Pods without a node for which room was made on one.
    pub nominated: Vec<Arc<Pod>>,
    /// All claims.
    pub claims: BTreeMap<Key, Arc<PersistentVolumeClaim>>,
    /// All volumes, by name.
    pub volumes: Vec<Arc<PersistentVolume>>,
    /// All storage classes, by name.
    pub classes: Vec<Arc<StorageClass>>,
}

/// What to do about a pod without a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is being deleted.
    Leave,
    /// Nothing before its gates are open.
    Gated,
    /// It fits on no node; the message says why.
    Nowhere(String),
    /// It will fit when less important pods have gone; the message says why it does not yet.
    Preempt(Preemption, String),
    /// A node is found; these claims come first.
    Claims(Vec<volumes::Want>),
    /// Bind it to this node.
    Node(String),
}

/// Why a pod does not fit on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// In the words of the real scheduler.
    pub reasons: Vec<String>,
    /// It could help if other pods were not there.
    pub others: bool,
}

impl Misfit {
    /// Not to be helped by removing pods.
    pub fn for_good(reason: impl Into<String>) -> Self {
        Self {
            reasons: vec![reason.into()],
            others: false,
        }
    }

    /// Other pods are in the way.
    pub fn for_others(reason: impl Into<String>) -> Self {
        Self {
            reasons: vec![reason.into()],
            others: true,
        }
    }
}

/// Decides about a pod. Of the nodes it fits on, the one with the fewest pods of its owner wins, then the one with the
/// fewest pods, then the first by name.
pub fn decide(pod: &Pod, snapshot: &Snapshot) -> Decision {
    let spec = pod.spec.clone().unwrap_or_default();
    if sets::is_terminating(pod) {
        return Decision::Leave;
    }
    if spec
        .scheduling_gates
        .as_ref()
        .is_some_and(|gates| !gates.is_empty())
    {
        return Decision::Gated;
    }
    let all = snapshot.nodes.len();
    if all == 0 {
        return Decision::Nowhere("no nodes available to schedule pods".to_owned());
    }
    let claims = match volumes::of_pod(pod, snapshot) {
        Ok(claims) => claims,
        Err(reason) => {
            let preemption = preemption(all, &[]);
            return Decision::Nowhere(format!("{}: {reason}. {preemption}", unavailable(all)));
        }
    };
    let mut misfits = Vec::new();
    let mut fitting = Vec::new();
    let mut crowded: Vec<&Node> = Vec::new();
    let snapshot = &*preempt::reserved(pod, snapshot);
    for node in &snapshot.nodes {
        match fits(pod, &spec, node, &claims, snapshot) {
            Ok(wanted) => fitting.push((node.name_any(), wanted)),
            Err(misfit) => {
                crowded.extend(misfit.others.then_some(&**node));
                misfits.push(misfit);
            }
        }
    }
    let load = |node: &str| {
        let here = snapshot.placed.iter().filter(|(name, _)| name == node);
        let kin = here.clone().filter(|(_, other)| {
            sets::owner_uid(pod).is_some() && sets::owner_uid(&**other) == sets::owner_uid(pod)
        });
        (kin.count(), here.count())
    };
    fitting.sort_by_cached_key(|(node, _)| (load(node), node.clone()));
    match fitting.into_iter().next() {
        None => match preempt::preempt(pod, &spec, &crowded, &claims, snapshot) {
            Some(preemption) => Decision::Preempt(preemption, full(all, &misfits)),
            None => Decision::Nowhere(nowhere(all, &misfits)),
        },
        Some((node, wanted)) if wanted.iter().all(|want| *want == volumes::Want::Bound) => {
            Decision::Node(node)
        }
        Some((_, wanted)) => Decision::Claims(wanted),
    }
}

fn unavailable(nodes: usize) -> String {
    format!("0/{nodes} nodes are available")
}

fn histogram<'a>(reasons: impl IntoIterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut texts: Vec<_> = counts
        .into_iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    texts.sort();
    texts.join(", ")
}

fn nowhere(nodes: usize, misfits: &[Misfit]) -> String {
    format!("{} {}", full(nodes, misfits), preemption(nodes, misfits))
}

fn full(nodes: usize, misfits: &[Misfit]) -> String {
    let reasons = misfits.iter().flat_map(|misfit| &misfit.reasons);
    let reasons = histogram(reasons.map(String::as_str));
    format!("{}: {reasons}.", unavailable(nodes))
}

/// What the real scheduler adds when removing pods of lower priority does not help.
fn preemption(nodes: usize, misfits: &[Misfit]) -> String {
    let others = misfits.iter().filter(|misfit| misfit.others).count();
    let victims = std::iter::repeat_n("No preemption victims found for incoming pod", others);
    let hopeless = std::iter::repeat_n("Preemption is not helpful for scheduling", nodes - others);
    let reasons = histogram(victims.chain(hopeless));
    format!("preemption: {}: {reasons}.", unavailable(nodes))
}

/// Why a node does not take a pod that somebody else has given it, as a kubelet says it: a reason and a message. Asked
/// for are the labels, the ports and the room; `here` are the pods that the node has.
pub fn refused(pod: &Pod, node: &Node, here: Vec<Arc<Pod>>) -> Option<(&'static str, String)> {
    let spec = pod.spec.clone().unwrap_or_default();
    let named = |why: &str| format!("Pod was rejected: {why}");
    if !affinity::node_matches(&spec, node) {
        let why =
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
        return Some(("NodeAffinity", named(why)));
    }
    let name = node.name_any();
    let snapshot = Snapshot {
        placed: here.into_iter().map(|pod| (name.clone(), pod)).collect(),
        ..Snapshot::default()
    };
    if has_ports(&spec, node, &snapshot).is_err() {
        let why = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
        return Some(("NodePorts", named(why)));
    }
    let misfit = has_room(pod, &spec, node, &snapshot).err()?;
    let reason = match misfit.reasons.first().map(String::as_str) {
        Some("Too many pods") => "OutOfpods",
        Some("Insufficient cpu") => "OutOfcpu",
        Some("Insufficient memory") => "OutOfmemory",
        _ => "OutOfresource",
    };
    let what = reason.trim_start_matches("OutOf");
    Some((
        reason,
        named(&format!("Node didn't have enough resource: {what}")),
    ))
}

/// The rules in the order in which the real scheduler asks them; the first that objects gives the reasons.
pub(super) fn fits(
    pod: &Pod,
    spec: &PodSpec,
    node: &Node,
    claims: &[volumes::Claim],
    snapshot: &Snapshot,
) -> Result<Vec<volumes::Want>, Misfit> {
    tolerated(spec, node)?;
    if !affinity::node_matches(spec, node) {
        return Err(Misfit::for_good(
            "node(s) didn't match Pod's node affinity/selector",
        ));
    }
    has_ports(spec, node, snapshot)?;
    has_room(pod, spec, node, snapshot)?;
    volumes::exclusive(pod, claims, snapshot)?;
    let wanted = volumes::on_node(claims, node, snapshot)?;
    affinity::spread(pod, spec, node, snapshot)?;
    affinity::among_pods(pod, spec, node, snapshot)?;
    Ok(wanted)
}

fn tolerated(spec: &PodSpec, node: &Node) -> Result<(), Misfit> {
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let node_spec = node.spec.clone().unwrap_or_default();
    let cordon = Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Taint::default()
    };
    if node_spec.unschedulable == Some(true) && !tolerates(tolerations, &cordon) {
        return Err(Misfit::for_good("node(s) were unschedulable"));
    }
    let taints = node_spec.taints.unwrap_or_default();
    let mut hard = taints
        .iter()
        .filter(|taint| taint.effect == "NoSchedule" || taint.effect == "NoExecute");
    match hard.any(|taint| !tolerates(tolerations, taint)) {
        true => Err(Misfit::for_good("node(s) had untolerated taint(s)")),
        false => Ok(()),
    }
}

fn tolerates(tolerations: &[Toleration], taint: &Taint) -> bool {
    let matches = |toleration: &Toleration| {
        let effect = toleration.effect.as_deref().unwrap_or_default();
        let key = toleration.key.as_deref().unwrap_or_default();
        let value = toleration.value.as_deref().unwrap_or_default();
        let equal = match toleration.operator.as_deref().unwrap_or("Equal") {
            "Exists" => true,
            "Equal" => value == taint.value.as_deref().unwrap_or_default(),
            _ => false,
        };
        equal
            && (effect.is_empty() || effect == taint.effect)
            && (key.is_empty() || key == taint.key)
    };
    tolerations.iter().any(matches)
}

fn host_ports(spec: &PodSpec) -> impl Iterator<Item = (i32, &str)> {
    let ports = spec
        .containers
        .iter()
        .flat_map(|container| &container.ports);
    ports.flatten().filter_map(|port| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        port.host_port
            .filter(|port| *port > 0)
            .map(|port| (port, protocol))
    })
}

fn has_ports(spec: &PodSpec, node: &Node, snapshot: &Snapshot) -> Result<(), Misfit> {
    let here = pods_on(node, snapshot).filter_map(|other| other.spec.as_ref());
    let taken: Vec<_> = here.flat_map(host_ports).collect();
    match host_ports(spec).any(|port| taken.contains(&port)) {
        true => Err(Misfit::for_others(
            "node(s) didn't have free ports for the requested pod ports",
        )),
        false => Ok(()),
    }
}

/// The pods on a node.
pub(super) fn pods_on<'a>(node: &'a Node, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Pod> {
    let name = node.metadata.name.as_deref();
    let here = snapshot.placed.iter();
    here.filter(move |(at, _)| Some(at.as_str()) == name)
        .map(|(_, pod)| &**pod)
}

/// In thousandths, so that CPUs add up.
type Amounts = BTreeMap<String, i128>;

fn requests(container: &Container) -> Amounts {
    let resources = container.resources.as_ref();
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    amounts(requests.into_iter().flatten())
}

fn amounts<'a>(quantities: impl Iterator<Item = (&'a String, &'a Quantity)>) -> Amounts {
    quantities
        .filter_map(|(name, amount)| Some((name.clone(), quantity::parse(&amount.0).ok()?.milli())))
        .collect()
}

fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        *to.entry(name.clone()).or_default() += amount;
    }
}

/// What a pod asks for: its containers together with the sidecars, or its largest step of initialisation if that is
/// more.
fn demand(spec: &PodSpec) -> Amounts {
    let mut running = Amounts::new();
    let mut peak = Amounts::new();
    for container in spec.init_containers.iter().flatten() {
        let mut step = requests(container);
        match container.restart_policy.as_deref() {
            Some("Always") => {
                add(&mut running, &step);
                step.clone_from(&running);
            }
            _ => add(&mut step, &running),
        }
        for (name, amount) in step {
            let most = peak.entry(name).or_default();
            *most = amount.max(*most);
        }
    }
    for container in &spec.containers {
        add(&mut running, &requests(container));
    }
    for (name, amount) in peak {
        let most = running.entry(name).or_default();
        *most = amount.max(*most);
    }
    add(&mut running, &amounts(spec.overhead.iter().flatten()));
    running
}

fn has_room(pod: &Pod, spec: &PodSpec, node: &Node, snapshot: &Snapshot) -> Result<(), Misfit> {
    let status = node.status.clone().unwrap_or_default();
    let allocatable = amounts(status.allocatable.iter().flatten());
    let mut used = Amounts::new();
    let mut count: i128 = 0;
    for other in pods_on(node, snapshot).filter(|other| other.metadata.uid != pod.metadata.uid) {
        count += 1;
        add(&mut used, &demand(&other.spec.clone().unwrap_or_default()));
    }
    let mut reasons = Vec::new();
    let mut others = true;
    if let Some(most) = allocatable.get("pods")
        && (count + 1) * 1000 > *most
    {
        reasons.push("Too many pods".to_owned());
    }
    let mut wanted: Vec<_> = demand(spec)
        .into_iter()
        .filter(|(_, amount)| *amount > 0)
        .collect();
    let rank = |name: &str| {
        ["ephemeral-storage", "memory", "cpu"]
            .iter()
            .position(|known| *known == name)
    };
    wanted.sort_by_key(|(name, _)| (Reverse(rank(name)), name.clone()));
    for (name, amount) in wanted {
        let most = allocatable.get(&name).copied().unwrap_or_default();
        if used.get(&name).copied().unwrap_or_default() + amount > most {
            others &= amount <= most;
            reasons.push(format!("Insufficient {name}"));
        }
    }
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(Misfit { reasons, others }),
    }
}
