//! The machines under the nodes: they lose the cluster, their power, or are shut down, and they return.
//!
//! A machine that is cut off goes on: only its node hears nothing of the API server and cannot tell it anything. One
//! without power has nothing that runs. One that is shut down ends its pods first.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use http::Request;
use kube::{Client, client::Body};
use tokio::sync::watch;

/// How a machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Power {
    /// It works.
    #[default]
    On,
    /// It works, and the API server cannot be reached from it.
    CutOff,
    /// It ends its pods in order, and has no power then.
    ShuttingDown,
    /// Nothing runs on it.
    Off,
}

/// The machines of a cluster, by node. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Machines(Arc<Mutex<BTreeMap<String, watch::Sender<Power>>>>);

impl Machines {
    /// What becomes of the machine under a node; the node may not be there yet.
    pub(super) fn of(&self, node: &str) -> watch::Receiver<Power> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(node.to_owned()).or_default().subscribe()
    }

    /// Does that to the machine under a node. False if there is no such node.
    pub fn turn(&self, node: &str, power: Power) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = known.get(node);
        machine.is_some_and(|machine| {
            machine.send_if_modified(|now| std::mem::replace(now, power) != power);
            true
        })
    }
}

/// A client that reaches nobody while the machine is cut off.
pub(super) fn linked(client: &Client, power: &watch::Receiver<Power>) -> Client {
    let (client, power) = (client.clone(), power.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        let cut_off = *power.borrow() == Power::CutOff;
        async move {
            if cut_off {
                let why = io::Error::new(io::ErrorKind::TimedOut, "dial tcp: i/o timeout");
                return Err(kube::Error::Service(why.into()));
            }
            client.send(request).await
        }
    });
    Client::new(service, "default")
}
