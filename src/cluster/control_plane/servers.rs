//! etcd and kube-apiserver: how they are started, and when they are ready.

use std::{collections::BTreeMap, net::SocketAddrV4, path::Path, time::Duration};

use kube::Client;
use tokio::time::{Instant, interval, timeout_at};

use super::{
    Error, READY, USERS,
    assets::Assets,
    certificates::{Authority, signing_keys},
    processes::Processes,
};

pub(super) fn start_etcd(
    processes: &mut Processes,
    assets: &Assets,
    clients: SocketAddrV4,
    peers: SocketAddrV4,
) -> Result<(), Error> {
    let (clients, peers) = (format!("http://{clients}"), format!("http://{peers}"));
    let arguments = [
        format!("--data-dir={}", processes.path("etcd").display()),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
    ];
    processes.start("etcd", &assets.etcd, &arguments, &[])
}

pub(super) fn start_api_server(
    processes: &mut Processes,
    assets: &Assets,
    authority: &Authority,
    tokens: &BTreeMap<&'static str, String>,
    etcd: SocketAddrV4,
    at: SocketAddrV4,
) -> Result<(), Error> {
    let address = at.ip().to_string();
    let names = [
        address.as_str(),
        "10.96.0.1",
        "localhost",
        "kubernetes.default.svc",
    ];
    let shown = authority.server("kube-apiserver", &names)?;
    let certificate = processes.write("api.crt", &shown.certificate)?;
    let key = processes.write("api.key", &shown.key)?;
    let (signing, verifying) = signing_keys()?;
    let signing = processes.write("accounts.key", &signing)?;
    let verifying = processes.write("accounts.pub", &verifying)?;
    let mut users = String::new();
    for (name, user, group) in USERS {
        users.push_str(&format!("{},{user},{name},\"{group}\"\n", tokens[name]));
    }
    let users = processes.write("tokens.csv", &users)?;
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    let mut arguments = vec![
        format!("--etcd-servers=http://{etcd}"),
        format!("--secure-port={}", at.port()),
        format!("--bind-address={address}"),
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        // Nodes are reached at this machine, not at their own addresses, which are of the network in this process.
        "--kubelet-preferred-address-types=ExternalIP".to_owned(),
        // Many scenarios are one user here.
        "--enable-priority-and-fairness=false".to_owned(),
        "--max-requests-inflight=0".to_owned(),
        "--max-mutating-requests-inflight=0".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        file("token-auth-file", &users),
        file("tls-cert-file", &certificate),
        file("tls-private-key-file", &key),
        file("service-account-key-file", &verifying),
        file("service-account-signing-key-file", &signing),
    ];
    let gates = assets.gates.iter().map(|(gate, on)| format!("{gate}={on}"));
    let mut gates: Vec<String> = gates.collect();
    if assets.emulated {
        let (major, minor) = assets.version;
        arguments.push(format!("--emulated-version={major}.{minor}"));
        // The nodes speak WebSocket, into which older versions do not translate.
        gates.push("TranslateStreamCloseWebsocketRequests=false".to_owned());
    }
    if !gates.is_empty() {
        arguments.push(format!("--feature-gates={}", gates.join(",")));
    }
    processes.start("kube-apiserver", &assets.api_server, &arguments, &[])
}

/// Asks until the API server says that it is ready.
pub(super) async fn ready(client: &Client, processes: &mut Processes) -> Result<(), Error> {
    let asking = async {
        let mut again = interval(Duration::from_millis(20));
        loop {
            again.tick().await;
            let request = http::Request::get("/readyz").body(Vec::new());
            if let Ok(request) = request
                && client.request_text(request).await.is_ok()
            {
                return;
            }
        }
    };
    let deadline = Instant::now() + READY;
    let answered = tokio::select! {
        biased;
        error = processes.ended() => return Err(error),
        answered = timeout_at(deadline, asking) => answered,
    };
    answered.map_err(|_| Error::Slow {
        seconds: READY.as_secs(),
        said: processes.last_words("kube-apiserver"),
    })
}
