//! The cluster's DNS: answers for Services and their endpoints as they are known at the moment of the question.
//!
//! [`answer`] is a pure function from what is known and a question to a message, with the records that the Kubernetes
//! DNS specification names; where that leaves a choice, as CoreDNS does it. Nothing is cached.

mod answer;
mod records;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures::future::BoxFuture;
use hickory_proto::op::Message;
use k8s_openapi::api::{
    core::v1::{Namespace, Service},
    discovery::v1::EndpointSlice,
};
use kube::ResourceExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    task::JoinHandle,
};

use super::{
    Context, Informer,
    network::{CLUSTER_DOMAIN, DNS_ADDRESS, Listener, Network},
};

pub use answer::answer;
pub use records::{Data, Zone};

/// Answers at [`DNS_ADDRESS`], port 53, in datagrams and over connections, once its caches are filled.
pub fn spawn(context: &Context, network: &Network) -> JoinHandle<()> {
    tokio::spawn(run(context.clone(), network.clone(), ()))
}

/// As [`spawn`], in the caller's task. What is `held` is dropped once it answers.
pub(super) async fn run(context: Context, network: Network, held: impl Send) {
    let known = Known {
        services: context.informers.of(),
        slices: context.informers.of(),
        namespaces: context.informers.of(),
        zone: Zone {
            domain: CLUSTER_DOMAIN.to_owned(),
            server: DNS_ADDRESS,
        },
    };
    known.services.synced().await;
    known.slices.synced().await;
    known.namespaces.synced().await;
    let at = SocketAddr::new(DNS_ADDRESS, 53);
    let _listening = network.listen(at, Arc::new(Server(Arc::new(known))));
    drop(held);
    std::future::pending::<()>().await;
}

struct Known {
    services: Informer<Service>,
    slices: Informer<EndpointSlice>,
    namespaces: Informer<Namespace>,
    zone: Zone,
}

impl Known {
    fn answer(&self, request: &Message) -> Message {
        let namespaces = self.namespaces.list();
        let data = Data {
            services: self.services.list(),
            slices: self.slices.list(),
            namespaces: namespaces.iter().map(|one| one.name_any()).collect(),
        };
        answer(&self.zone, &data, request)
    }

    /// Bytes to bytes. What is no message gets no answer.
    fn answer_bytes(&self, request: &[u8], limit: Option<usize>) -> Option<Vec<u8>> {
        let request = Message::from_vec(request).ok()?;
        let answer = self.answer(&request);
        let bytes = answer.to_vec().ok()?;
        let limit = limit.map(|limit| limit.max(usize::from(request.max_payload())));
        match limit {
            Some(limit) if bytes.len() > limit => answer.truncate().to_vec().ok(),
            _ => Some(bytes),
        }
    }
}

struct Server(Arc<Known>);

impl Listener for Server {
    /// Messages that follow their length, two bytes each, until the other side has no more.
    fn accept(&self, _: IpAddr, mut stream: DuplexStream) -> BoxFuture<'static, ()> {
        let known = Arc::clone(&self.0);
        Box::pin(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut request = vec![0; usize::from(length)];
                if stream.read_exact(&mut request).await.is_err() {
                    return;
                }
                let Some(answer) = known.answer_bytes(&request, None) else {
                    return;
                };
                let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
                let sent = stream.write_u16(length).await;
                if sent.is_err() || stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
        })
    }

    fn datagram(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.0.answer_bytes(message, Some(512))
    }
}

#[cfg(test)]
mod tests;
