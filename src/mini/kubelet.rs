//! Who serves exec, attach and logs of the pods of a node.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

/// The body of an answer: a stream that does not fail.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// What a node's kubelet answers to an API server.
///
/// The paths are `/exec/{namespace}/{pod}/{container}`, `/attach/{namespace}/{pod}/{container}` and
/// `/containerLogs/{namespace}/{pod}/{container}`, with the parameters of a real kubelet. The request has the client's
/// headers and, if the client wants to upgrade, its `hyper::upgrade::OnUpgrade` as an extension.
pub trait Kubelet: Send + Sync {
    /// Answers one request.
    fn handle(&self, request: Request<()>) -> BoxFuture<'static, Response<Body>>;
}

/// The kubelets of a cluster, by node. Clones share them.
#[derive(Clone, Default)]
pub struct Kubelets(Arc<Mutex<BTreeMap<String, Arc<dyn Kubelet>>>>);

impl Kubelets {
    /// From now on this kubelet answers for the node.
    pub fn register(&self, node: &str, kubelet: Arc<dyn Kubelet>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(node.to_owned(), kubelet);
    }

    /// From now on nobody answers for the node.
    pub fn remove(&self, node: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(node);
    }

    /// Who answers for the node.
    pub fn of(&self, node: &str) -> Option<Arc<dyn Kubelet>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(node).cloned()
    }
}

impl fmt::Debug for Kubelets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.debug_list().entries(known.keys()).finish()
    }
}
