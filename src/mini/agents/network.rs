//! The cluster's network, in process: who has which address, who answers at which port, and the disks that hang off it.
//!
//! Nothing here is a socket: a connection is a pair of in-memory streams, a datagram a function call. An address that was
//! given back is given out again only after the whole range of its node was.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::BoxFuture;
use tokio::io::DuplexStream;

use super::shell::files::Tree;

/// Where the cluster's DNS answers.
pub const DNS_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10));
/// The zone it answers for.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

/// Somebody who answers at an address and port.
pub trait Listener: Send + Sync {
    /// Talks over one connection until it ends.
    fn accept(&self, from: IpAddr, stream: DuplexStream) -> BoxFuture<'static, ()>;

    /// Answers one datagram, if at all.
    fn datagram(&self, _message: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Why a connection could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The address is somebody's, the port is nobody's.
    #[error("Connection refused")]
    Refused,
    /// Nobody has that address.
    #[error("No route to host")]
    NoRoute,
}

/// Translates the address of a Service to that of one of its endpoints, as a node's proxy does; None leaves it as it is.
pub type Proxy = Arc<dyn Fn(SocketAddr) -> Option<SocketAddr> + Send + Sync>;

/// A node's place in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Counted from 1 in the order in which nodes joined.
    pub number: u8,
    /// The node's own address.
    pub host: IpAddr,
    /// The range its pods' addresses are from.
    pub pod_cidr: String,
}

impl Site {
    fn new(number: u8) -> Self {
        Self {
            number,
            host: IpAddr::V4(Ipv4Addr::new(172, 18, 0, number.saturating_add(1))),
            pod_cidr: format!("10.244.{number}.0/24"),
        }
    }
}

#[derive(Default)]
struct State {
    sites: BTreeMap<String, Site>,
    /// The last octet given out, by site.
    last: BTreeMap<u8, u8>,
    addresses: BTreeSet<IpAddr>,
    listeners: BTreeMap<SocketAddr, (u64, Arc<dyn Listener>)>,
    registrations: u64,
    proxy: Option<Proxy>,
    disks: BTreeMap<String, Tree>,
}

/// The network. Clones are the same network.
#[derive(Clone, Default)]
pub struct Network(Arc<Mutex<State>>);

impl std::fmt::Debug for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Network")
            .field("sites", &self.state().sites)
            .field("addresses", &self.state().addresses)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// A network with nobody in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a node, always the same for the same name.
    pub fn join(&self, node: &str) -> Site {
        let mut state = self.state();
        let number = u8::try_from(state.sites.len() + 1).unwrap_or(u8::MAX);
        let site = state.sites.entry(node.to_owned());
        site.or_insert_with(|| Site::new(number)).clone()
    }

    /// An address for a pod at that site, until it is dropped. None where the site has given out all it has.
    pub fn allocate(&self, site: &Site) -> Option<Address> {
        let mut state = self.state();
        let last = state.last.get(&site.number).copied().unwrap_or(1);
        let octets = (last.saturating_add(1)..=254).chain(2..=last);
        let free = octets
            .map(|octet| (octet, Ipv4Addr::new(10, 244, site.number, octet)))
            .find(|(_, address)| !state.addresses.contains(&IpAddr::V4(*address)));
        let (octet, address) = free?;
        let address = IpAddr::V4(address);
        state.last.insert(site.number, octet);
        state.addresses.insert(address);
        let network = self.clone();
        Some(Address { address, network })
    }

    /// Has the listener answer there, in place of whoever did before, until the registration is dropped.
    pub fn listen(&self, at: SocketAddr, listener: Arc<dyn Listener>) -> Listening {
        let mut state = self.state();
        state.registrations += 1;
        let id = state.registrations;
        state.listeners.insert(at, (id, listener));
        let network = self.clone();
        Listening { at, id, network }
    }

    /// Whether somebody answers there.
    pub fn is_taken(&self, at: SocketAddr) -> bool {
        self.state().listeners.contains_key(&at)
    }

    /// Sets who translates the addresses of Services.
    pub fn set_proxy(&self, proxy: Proxy) {
        self.state().proxy = Some(proxy);
    }

    fn find(&self, to: SocketAddr) -> Result<Arc<dyn Listener>, Unreachable> {
        let proxy = self.state().proxy.clone();
        let direct = self.is_taken(to);
        let proxied = proxy.filter(|_| !direct).and_then(|proxy| proxy(to));
        let to = proxied.unwrap_or(to);
        let state = self.state();
        match state.listeners.get(&to) {
            Some((_, listener)) => Ok(Arc::clone(listener)),
            None if state.is_known(to.ip()) => Err(Unreachable::Refused),
            None => Err(Unreachable::NoRoute),
        }
    }

    /// A connection to whoever answers there. The other end lives as long as the future does, which the caller drives.
    ///
    /// # Errors
    /// Nobody answers at that port, or nobody has the address.
    pub fn connect(
        &self,
        from: IpAddr,
        to: SocketAddr,
    ) -> Result<(DuplexStream, BoxFuture<'static, ()>), Unreachable> {
        let listener = self.find(to)?;
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        Ok((ours, listener.accept(from, theirs)))
    }

    /// The answer to one datagram, if there is one.
    pub fn ask(&self, to: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
        self.find(to).ok()?.datagram(message)
    }

    /// Whether a host with that address answers an echo request.
    pub fn answers_echo(&self, address: IpAddr) -> bool {
        self.state().is_known(address)
    }

    /// The data of a disk, empty at first. It outlives every pod.
    pub fn disk(&self, name: &str) -> Tree {
        self.state()
            .disks
            .entry(name.to_owned())
            .or_default()
            .clone()
    }

    /// Forgets a disk and its data.
    pub fn remove_disk(&self, name: &str) {
        self.state().disks.remove(name);
    }
}

impl State {
    fn is_known(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
            || self.sites.values().any(|site| site.host == address)
            || self.listeners.keys().any(|at| at.ip() == address)
    }
}

/// An address somebody has; given back when dropped.
#[derive(Debug)]
pub struct Address {
    address: IpAddr,
    network: Network,
}

impl Address {
    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.address
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        self.network.state().addresses.remove(&self.address);
    }
}

/// Somebody's place at an address and port; given up when dropped.
#[derive(Debug)]
pub struct Listening {
    at: SocketAddr,
    id: u64,
    network: Network,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.network.state();
        if state
            .listeners
            .get(&self.at)
            .is_some_and(|(id, _)| *id == self.id)
        {
            state.listeners.remove(&self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_given_back_is_not_given_out_soon() {
        let network = Network::new();
        assert_eq!(network.join("node-1"), network.join("node-1"));
        let site = network.join("node-2");
        assert_eq!(site.pod_cidr, "10.244.2.0/24");
        let first = network.allocate(&site).map(|address| address.ip());
        let second = network.allocate(&site).map(|address| address.ip());
        assert_eq!(first, Some(IpAddr::from([10, 244, 2, 2])));
        assert_eq!(second, Some(IpAddr::from([10, 244, 2, 3])));
        let held: Vec<_> = (0..253).filter_map(|_| network.allocate(&site)).collect();
        assert_eq!(held.len(), 253);
        assert!(network.allocate(&site).is_none());
    }

    struct Echo;

    impl Listener for Echo {
        fn accept(&self, _: IpAddr, stream: DuplexStream) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let (mut read, mut write) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut read, &mut write).await;
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_answers_as_long_as_somebody_listens() {
        let network = Network::new();
        let address = network
            .allocate(&network.join("node-1"))
            .expect("one is free");
        let at = SocketAddr::new(address.ip(), 80);
        let refused = network.connect(address.ip(), at).map(|_| ());
        assert_eq!(refused, Err(Unreachable::Refused));
        let listening = network.listen(at, Arc::new(Echo));
        assert!(network.connect(address.ip(), at).is_ok());
        drop(listening);
        drop(address);
        let gone = network.connect(at.ip(), at).map(|_| ());
        assert_eq!(gone, Err(Unreachable::NoRoute));
    }
}
