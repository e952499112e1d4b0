//! What a cluster says of itself when it is only read.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{ConfigMap, Node, Pod, Service, Taint},
    discovery::v1::EndpointSlice,
    storage::v1::StorageClass,
};
use kube::{Api, Client, api::ListParams};
use serde_json::Value;
use tokio::time::timeout;

use super::probe;
use super::{Connection, Error, Options};
use crate::cluster::{Dns, gates_of};

/// The minor versions of Kubernetes 1 that the specification covers.
pub const SUPPORTED: RangeInclusive<u16> = 35..=37;

/// The annotation of the StorageClass that claims get which name none.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// How long the first answer may take.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// What was found out by reading. What may not be read is not there, with the reason in `notes`.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Major and minor version, as emulated.
    pub version: (u16, u16),
    /// Its nodes; none where they may not be listed.
    pub nodes: Option<Vec<Machine>>,
    /// How many more pods the nodes have room for; none where that may not be known.
    pub room: Option<usize>,
    /// The DNS that pods ask.
    pub dns: Option<Dns>,
    /// How many DNS servers answer behind its address; none where they may not be listed.
    pub resolvers: Option<usize>,
    /// Its StorageClasses; none where they may not be listed.
    pub classes: Option<Vec<Class>>,
    /// The StorageClass that claims get which name none, where a rehearsed claim told it.
    pub class_of_claim: Option<String>,
    /// Feature gates that rows name: whether they are on, where its API server shows that.
    pub gates: BTreeMap<String, bool>,
    /// The process that says it runs the controller manager.
    pub leader: Option<String>,
    /// What could not be read, and why.
    pub notes: Vec<String>,
}

/// A node, as far as pods care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// It says that it is Ready.
    pub ready: bool,
    /// It is cordoned.
    pub cordoned: bool,
    /// What keeps pods away that do not tolerate it: `key=value:Effect`.
    pub taints: Vec<String>,
    /// Pods of the run may go there.
    pub takes: bool,
    /// How many pods it can have.
    pub pods: usize,
    /// It has the image already.
    pub has_image: bool,
}

/// A StorageClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Who makes its volumes.
    pub provisioner: String,
    /// Claims that name no class get this one.
    pub default: bool,
    /// Volumes are made when a pod is there to use them.
    pub waits: bool,
    /// Claims may grow.
    pub expands: bool,
}

impl Class {
    /// Somebody makes volumes without being asked by a person.
    pub fn provides(&self) -> bool {
        self.provisioner != "kubernetes.io/no-provisioner"
    }
}

impl Facts {
    /// How many nodes take pods of the run; none where they may not be listed.
    pub fn places(&self) -> Option<usize> {
        let nodes = self.nodes.as_ref()?;
        Some(nodes.iter().filter(|node| node.takes).count())
    }

    /// The StorageClass that claims get, if it gives them volumes; or why there is none.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn storage(&self, named: Option<&str>) -> Result<String, String> {
        let Some(classes) = &self.classes else {
            let class = self.class_of_claim.clone();
            return class.ok_or_else(|| "StorageClasses may not be listed".to_owned());
        };
        let class = match named {
            Some(name) => classes
                .iter()
                .find(|class| class.name == name)
                .ok_or_else(|| format!("there is no StorageClass {name:?}")),
            None => classes.iter().find(|class| class.default).ok_or_else(|| {
                "no StorageClass is the default one; `--storage-class` names another".to_owned()
            }),
        }?;
        match class.provides() {
            true => Ok(class.name.clone()),
            // Whoever provisions by hand does not do it for a scenario.
            false => Err(format!(
                "volumes of the StorageClass {:?} are made by hand",
                class.name
            )),
        }
    }

    /// The feature gates that are on: as its API server shows, or else as its version has them.
    pub fn gates_on(&self) -> BTreeSet<String> {
        let mut on = gates_of(self.version);
        for (gate, is_on) in &self.gates {
            match is_on {
                true => drop(on.insert(gate.clone())),
                false => drop(on.remove(gate)),
            }
        }
        on
    }
}

/// Reads what a cluster is, and rehearses what reading does not show. Changes nothing.
///
/// # Errors
///
/// It does not answer, it does not know the user, or its version is not covered.
pub async fn look(connection: &Connection, options: &Options) -> Result<Facts, Error> {
    let client = connection.client()?;
    let version = greet(&client, &connection.address).await?;
    Ok(read(&client, version, options).await)
}

/// The version of a cluster that the specification covers.
///
/// # Errors
///
/// It does not answer, it does not know the user, or its version is not covered.
pub async fn greet(client: &Client, address: &str) -> Result<(u16, u16), Error> {
    let version = version(client, address).await?;
    match is_supported(version) {
        true => Ok(version),
        false => Err(Error::Version {
            address: address.to_owned(),
            version,
        }),
    }
}

/// The specification speaks of that version.
pub fn is_supported(version: (u16, u16)) -> bool {
    version.0 == 1 && SUPPORTED.contains(&version.1)
}

/// As [`look`], of a cluster of any version.
pub(super) async fn read(client: &Client, version: (u16, u16), options: &Options) -> Facts {
    let mut reader = Reader {
        client: client.clone(),
        notes: Vec::new(),
    };
    let nodes = reader.nodes(options).await;
    let room = reader.room(nodes.as_deref()).await;
    let (dns, resolvers) = reader.dns().await;
    let classes = reader.classes().await;
    let place = options.rehearsals();
    let class_of_claim = match classes {
        Some(_) => None,
        None => probe::class_of_claim(client, place, options.storage_class.as_deref()).await,
    };
    let leader = reader.leader().await;
    Facts {
        version,
        nodes,
        room,
        dns,
        resolvers,
        classes,
        class_of_claim,
        gates: probe::gates(client, place).await,
        leader,
        notes: reader.notes,
    }
}

/// The version that a cluster has or emulates.
pub(super) async fn version(client: &Client, address: &str) -> Result<(u16, u16), Error> {
    let request = http::Request::get("/version").body(Vec::new());
    let asking = async {
        let request = request.map_err(kube::Error::HttpError)?;
        client.request::<Value>(request).await
    };
    let said = match timeout(FIRST_ANSWER, asking).await {
        Ok(said) => said.map_err(|error| Error::of(address, "get /version", &error))?,
        Err(_) => {
            return Err(Error::Unreachable {
                address: address.to_owned(),
                why: format!("no answer in {} s", FIRST_ANSWER.as_secs()),
            });
        }
    };
    Ok(number(&said, "major")
        .zip(number(&said, "minor"))
        .unwrap_or((0, 0)))
}

/// A part of the version: what is emulated, if the server says so.
fn number(said: &Value, part: &str) -> Option<u16> {
    let capital = format!("{}{}", part[..1].to_uppercase(), &part[1..]);
    let text = said[format!("emulation{capital}")]
        .as_str()
        .filter(|text| !text.is_empty())
        .or_else(|| said[part].as_str())?;
    // Some distributions write "37+".
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

struct Reader {
    client: Client,
    notes: Vec<String>,
}

impl Reader {
    /// What was read, or a note.
    fn noted<T>(&mut self, what: &str, answer: Result<T, kube::Error>) -> Option<T> {
        match answer {
            Ok(found) => Some(found),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(kube::Error::Api(status)) => {
                self.notes
                    .push(format!("cannot {what}: {}", status.message));
                None
            }
            Err(error) => {
                self.notes.push(format!("cannot {what}: {error}"));
                None
            }
        }
    }

    async fn nodes(&mut self, options: &Options) -> Option<Vec<Machine>> {
        let answer = Api::<Node>::all(self.client.clone())
            .list(&ListParams::default())
            .await;
        let nodes = self.noted("list nodes", answer)?;
        let machines = nodes.items.iter().map(|node| machine(node, options));
        Some(machines.collect())
    }

    async fn room(&mut self, nodes: Option<&[Machine]>) -> Option<usize> {
        let capacity: usize = nodes?
            .iter()
            .filter(|node| node.takes)
            .map(|node| node.pods)
            .sum();
        let answer = Api::<Pod>::all(self.client.clone())
            .list_metadata(&ListParams::default().fields("spec.nodeName!="))
            .await;
        let used = self.noted("list pods of all namespaces", answer)?;
        Some(capacity.saturating_sub(used.items.len()))
    }

    async fn dns(&mut self) -> (Option<Dns>, Option<usize>) {
        let services: Api<Service> = Api::namespaced(self.client.clone(), "kube-system");
        let answer = services.get("kube-dns").await;
        let service = self.noted("get service kube-dns of kube-system", answer);
        let address = service.and_then(|service| service.spec?.cluster_ip?.parse().ok());
        let Some(server) = address else {
            return (None, None);
        };
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), "kube-system");
        let answer = maps.get("coredns").await;
        let corefile = self
            .noted("get config map coredns of kube-system", answer)
            .and_then(|map| map.data?.remove("Corefile"));
        let zone = corefile
            .as_deref()
            .and_then(zone)
            .unwrap_or_else(|| "cluster.local".to_owned());
        let slices: Api<EndpointSlice> = Api::namespaced(self.client.clone(), "kube-system");
        let of_dns = ListParams::default().labels("kubernetes.io/service-name=kube-dns");
        let answer = slices.list(&of_dns).await;
        let resolvers = self
            .noted("list endpoint slices of kube-system", answer)
            .map(|list| servers(&list.items));
        (Some(Dns { server, zone }), resolvers)
    }

    async fn classes(&mut self) -> Option<Vec<Class>> {
        let answer = Api::<StorageClass>::all(self.client.clone())
            .list(&ListParams::default())
            .await;
        let classes = self.noted("list storage classes", answer)?;
        Some(classes.items.into_iter().map(class).collect())
    }

    async fn leader(&mut self) -> Option<String> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-system");
        let answer = leases.get("kube-controller-manager").await;
        let lease = self.noted("get lease kube-controller-manager of kube-system", answer)?;
        lease.spec?.holder_identity
    }
}

fn class(class: StorageClass) -> Class {
    let annotations = class.metadata.annotations.unwrap_or_default();
    Class {
        name: class.metadata.name.unwrap_or_default(),
        provisioner: class.provisioner,
        default: annotations
            .get(DEFAULT_CLASS)
            .is_some_and(|yes| yes == "true"),
        waits: class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"),
        expands: class.allow_volume_expansion == Some(true),
    }
}

fn machine(node: &Node, options: &Options) -> Machine {
    let spec = node.spec.clone().unwrap_or_default();
    let status = node.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().flatten();
    let ready = ready
        .filter(|condition| condition.type_ == "Ready")
        .any(|condition| condition.status == "True");
    let cordoned = spec.unschedulable == Some(true);
    let keep_away = |taint: &&Taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute");
    let taints: Vec<&Taint> = spec.taints.iter().flatten().filter(keep_away).collect();
    let tolerated = taints.iter().all(|taint| {
        let mut all = options.tolerations.iter();
        all.any(|toleration| tolerates(toleration, taint))
    });
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let mut wanted = options.node_selector.iter();
    let selected = wanted.all(|(key, value)| labels.get(key) == Some(value));
    let image = options.image();
    let mut images = status.images.iter().flatten();
    let named = |image: &str, name: &str| {
        name == image
            || name == format!("docker.io/library/{image}")
            || name == format!("docker.io/{image}")
    };
    Machine {
        name: node.metadata.name.clone().unwrap_or_default(),
        ready,
        cordoned,
        taints: taints.iter().map(|taint| word(taint)).collect(),
        takes: ready && !cordoned && tolerated && selected,
        pods: pods_of(node),
        has_image: images.any(|there| there.names.iter().flatten().any(|name| named(&image, name))),
    }
}

fn word(taint: &Taint) -> String {
    match taint.value.as_deref().filter(|value| !value.is_empty()) {
        Some(value) => format!("{}={value}:{}", taint.key, taint.effect),
        None => format!("{}:{}", taint.key, taint.effect),
    }
}

/// As the scheduler decides it.
fn tolerates(toleration: &Value, taint: &Taint) -> bool {
    let text = |field: &str| toleration[field].as_str().unwrap_or_default();
    let effect = text("effect").is_empty() || text("effect") == taint.effect;
    let exists = text("operator") == "Exists";
    let key = text("key") == taint.key || (text("key").is_empty() && exists);
    let value = exists || text("value") == taint.value.as_deref().unwrap_or_default();
    effect && key && value
}

fn pods_of(node: &Node) -> usize {
    let allocatable = node
        .status
        .as_ref()
        .and_then(|status| status.allocatable.as_ref());
    allocatable
        .and_then(|all| all.get("pods")?.0.parse().ok())
        .unwrap_or(0)
}

/// The zone that a Corefile's `kubernetes` plugin answers for.
fn zone(corefile: &str) -> Option<String> {
    let line = corefile
        .lines()
        .map(str::trim)
        .find_map(|line| line.strip_prefix("kubernetes "))?;
    let zone = line.split_whitespace().next()?;
    Some(zone.trim_end_matches('.').to_owned())
}

fn servers(slices: &[EndpointSlice]) -> usize {
    let addresses: BTreeSet<&String> = slices
        .iter()
        .flat_map(|slice| slice.endpoints.iter().flatten())
        .flat_map(|endpoint| endpoint.addresses.iter())
        .collect();
    addresses.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_emulates_is_its_version() {
        for (said, version) in [
            (json!({"major": "1", "minor": "37"}), (1, 37)),
            (json!({"major": "1", "minor": "36+"}), (1, 36)),
            (
                json!({"major": "1", "minor": "37", "emulationMajor": "1", "emulationMinor": "35"}),
                (1, 35),
            ),
            (
                json!({"major": "1", "minor": "37", "emulationMajor": "", "emulationMinor": ""}),
                (1, 37),
            ),
        ] {
            let read = number(&said, "major").zip(number(&said, "minor"));
            assert_eq!(read, Some(version), "{said}");
        }
    }

    fn node(spec: Value, labels: Value) -> Node {
        serde_json::from_value(json!({
            "metadata": { "name": "n", "labels": labels },
            "spec": spec,
            "status": {
                "conditions": [{ "type": "Ready", "status": "True" }],
                "allocatable": { "pods": "110" },
                "images": [{ "names": ["docker.io/library/busybox:1.35"] }],
            },
        }))
        .expect("a node")
    }

    #[test]
    fn a_node_takes_pods_that_tolerate_and_select_it() {
        let tainted = json!({ "taints": [{ "key": "k", "value": "v", "effect": "NoSchedule" }] });
        let tolerating = Options {
            tolerations: vec![json!({ "key": "k", "operator": "Exists" })],
            ..Options::default()
        };
        let elsewhere = Options {
            tolerations: vec![json!({ "key": "k", "operator": "Equal", "value": "w" })],
            ..Options::default()
        };
        let selecting = Options {
            node_selector: [("disk".to_owned(), "fast".to_owned())].into(),
            ..Options::default()
        };
        for (spec, labels, options, takes) in [
            (json!({}), json!({}), &Options::default(), true),
            (
                json!({ "unschedulable": true }),
                json!({}),
                &Options::default(),
                false,
            ),
            (tainted.clone(), json!({}), &Options::default(), false),
            (tainted.clone(), json!({}), &tolerating, true),
            (tainted, json!({}), &elsewhere, false),
            (json!({}), json!({}), &selecting, false),
            (json!({}), json!({ "disk": "fast" }), &selecting, true),
        ] {
            let machine = machine(&node(spec.clone(), labels), options);
            assert_eq!((machine.takes, machine.has_image), (takes, true), "{spec}");
        }
    }

    #[test]
    fn claims_get_the_class_that_is_named_or_the_default_one_if_somebody_makes_its_volumes() {
        let class = |name: &str, provisioner: &str, default| Class {
            name: name.to_owned(),
            provisioner: provisioner.to_owned(),
            default,
            waits: true,
            expands: false,
        };
        let facts = |classes| Facts {
            version: (1, 37),
            nodes: None,
            room: None,
            dns: None,
            resolvers: None,
            classes,
            class_of_claim: None,
            gates: BTreeMap::new(),
            leader: None,
            notes: Vec::new(),
        };
        let by_hand = class("hand", "kubernetes.io/no-provisioner", false);
        let all = facts(Some(vec![by_hand.clone(), class("fast", "csi", true)]));
        assert_eq!(all.storage(None), Ok("fast".to_owned()));
        assert!(
            all.storage(Some("hand"))
                .is_err_and(|why| why.contains("by hand"))
        );
        assert!(
            all.storage(Some("slow"))
                .is_err_and(|why| why.contains("there is no StorageClass \"slow\""))
        );
        assert!(
            facts(Some(vec![by_hand]))
                .storage(None)
                .is_err_and(|why| why.contains("--storage-class"))
        );
        assert!(facts(None).storage(None).is_err());
    }

    #[test]
    fn the_zone_is_what_the_corefile_says() {
        let corefile = ".:53 {\n    errors\n    kubernetes example.org in-addr.arpa {\n        ttl 5\n    }\n}\n";
        assert_eq!(zone(corefile).as_deref(), Some("example.org"));
        assert_eq!(zone(".:53 {\n    forward . /etc/resolv.conf\n}\n"), None);
    }
}
