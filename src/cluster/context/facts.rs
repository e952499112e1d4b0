//! What a cluster says of itself when it is only read.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{ConfigMap, Node, Pod, Service},
    discovery::v1::EndpointSlice,
    storage::v1::StorageClass,
};
use kube::{Api, Client, api::ListParams};
use serde_json::Value;
use tokio::time::timeout;

use super::{Connection, Error, Options};
use crate::cluster::Dns;

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
    /// How many nodes are Ready; none where they may not be listed.
    pub nodes: Option<usize>,
    /// How many more pods the nodes have room for; none where that may not be known.
    pub room: Option<usize>,
    /// The DNS that pods ask.
    pub dns: Option<Dns>,
    /// How many DNS servers answer behind its address; none where they may not be listed.
    pub resolvers: Option<usize>,
    /// The StorageClass of claims, and its provisioner.
    pub storage: Option<(String, String)>,
    /// The process that says it runs the controller manager.
    pub leader: Option<String>,
    /// What could not be read, and why.
    pub notes: Vec<String>,
}

/// Reads what a cluster is. Writes nothing.
///
/// # Errors
///
/// It does not answer, it does not know the user, or its version is not covered.
pub async fn look(connection: &Connection, options: &Options) -> Result<Facts, Error> {
    let client = connection.client()?;
    let address = &connection.address;
    let version = version(&client, address).await?;
    if version.0 != 1 || !SUPPORTED.contains(&version.1) {
        return Err(Error::Version {
            address: address.clone(),
            version,
        });
    }
    let mut reader = Reader {
        client,
        notes: Vec::new(),
    };
    let nodes = reader.nodes().await;
    let room = reader.room(nodes.as_deref()).await;
    let (dns, resolvers) = reader.dns().await;
    let storage = reader.storage(options.storage_class.as_deref()).await;
    let leader = reader.leader().await;
    Ok(Facts {
        version,
        nodes: nodes.map(|nodes| nodes.len()),
        room,
        dns,
        resolvers,
        storage,
        leader,
        notes: reader.notes,
    })
}

async fn version(client: &Client, address: &str) -> Result<(u16, u16), Error> {
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

    async fn nodes(&mut self) -> Option<Vec<Node>> {
        let answer = Api::<Node>::all(self.client.clone())
            .list(&ListParams::default())
            .await;
        let nodes = self.noted("list nodes", answer)?;
        Some(nodes.items.into_iter().filter(is_ready).collect())
    }

    async fn room(&mut self, nodes: Option<&[Node]>) -> Option<usize> {
        let capacity = nodes?.iter().map(pods_of).sum::<usize>();
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

    async fn storage(&mut self, named: Option<&str>) -> Option<(String, String)> {
        let answer = Api::<StorageClass>::all(self.client.clone())
            .list(&ListParams::default())
            .await;
        let classes = self.noted("list storage classes", answer)?;
        let chosen = |class: &StorageClass| match named {
            Some(name) => class.metadata.name.as_deref() == Some(name),
            None => {
                let annotations = class.metadata.annotations.as_ref();
                annotations
                    .and_then(|all| all.get(DEFAULT_CLASS))
                    .is_some_and(|yes| yes == "true")
            }
        };
        let class = classes.items.into_iter().find(chosen)?;
        // Whoever provisions by hand does not do it for a scenario.
        let by_hand = class.provisioner == "kubernetes.io/no-provisioner";
        (!by_hand).then(|| (class.metadata.name.unwrap_or_default(), class.provisioner))
    }

    async fn leader(&mut self) -> Option<String> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-system");
        let answer = leases.get("kube-controller-manager").await;
        let lease = self.noted("get lease kube-controller-manager of kube-system", answer)?;
        lease.spec?.holder_identity
    }
}

fn is_ready(node: &Node) -> bool {
    let spec = node.spec.as_ref();
    let schedulable = spec.is_none_or(|spec| spec.unschedulable != Some(true));
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref());
    let ready = conditions.unwrap_or_default().iter();
    schedulable
        && ready
            .filter(|condition| condition.type_ == "Ready")
            .any(|condition| condition.status == "True")
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

    #[test]
    fn the_zone_is_what_the_corefile_says() {
        let corefile = ".:53 {\n    errors\n    kubernetes example.org in-addr.arpa {\n        ttl 5\n    }\n}\n";
        assert_eq!(zone(corefile).as_deref(), Some("example.org"));
        assert_eq!(zone(".:53 {\n    forward . /etc/resolv.conf\n}\n"), None);
    }
}
