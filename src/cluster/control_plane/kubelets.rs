//! The nodes' side towards the API server: HTTPS on a port of this machine for each node.

use std::{convert::Infallible, io, net::SocketAddr};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use super::{Error, certificates::Pair};
use crate::{
    listening::attend_to_each,
    mini::kubelet::{Body, Kubelets},
};

/// Ports that are listened on, one for each node, and what they show who comes.
pub(super) struct Doors {
    listeners: Vec<(String, TcpListener)>,
    acceptor: TlsAcceptor,
}

impl Doors {
    /// Opens a port for each node.
    pub(super) async fn open(nodes: usize, shown: &Pair) -> Result<Self, Error> {
        let mut listeners = Vec::new();
        for number in 1..=nodes {
            let listener = super::ports::listen().await?;
            listeners.push((format!("node-{number}"), listener));
        }
        Ok(Self {
            listeners,
            acceptor: shown.acceptor()?,
        })
    }

    /// Where each node is reached.
    pub(super) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let addresses = self.listeners.iter();
        addresses
            .filter_map(|(node, listener)| Some((node.clone(), listener.local_addr().ok()?)))
            .collect()
    }

    /// Lets the API server in, until the set of tasks is dropped.
    pub(super) fn serve(self, kubelets: &Kubelets, tasks: &mut JoinSet<()>) {
        for (node, listener) in self.listeners {
            let (acceptor, kubelets) = (self.acceptor.clone(), kubelets.clone());
            tasks.spawn(async move {
                if let Err(error) = attend(&node, listener, acceptor, kubelets).await {
                    tracing::warn!(%error, "{node} cannot be reached any more");
                }
            });
        }
    }
}

async fn attend(
    node: &str,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    kubelets: Kubelets,
) -> io::Result<()> {
    attend_to_each(listener, |stream| {
        let (acceptor, kubelets, node) = (acceptor.clone(), kubelets.clone(), node.to_owned());
        async move {
            // Whoever does not speak TLS, or goes away, has to come again.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service =
                service_fn(move |request| answer(kubelets.clone(), node.clone(), request));
            let serving = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let stream = TokioIo::new(stream);
            let _ = serving
                .serve_connection_with_upgrades(stream, service)
                .await;
        }
    })
    .await
}

async fn answer(
    kubelets: Kubelets,
    node: String,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let request = request.map(drop);
    Ok(match kubelets.of(&node) {
        Some(kubelet) => kubelet.handle(request).await,
        None => {
            let mut response = Response::new(Full::default().boxed_unsync());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    })
}
