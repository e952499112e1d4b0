//! Free ports of this machine.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::Error;

/// Listens on a port that is free.
pub(super) async fn listen() -> Result<TcpListener, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(|source| Error::Port { source })
}

/// Ports that were free a moment ago, for programs that want to be told one.
pub(super) async fn free<const N: usize>() -> Result<[u16; N], Error> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = listen().await?;
        *port = listener
            .local_addr()
            .map_err(|source| Error::Port { source })?
            .port();
        held.push(listener);
    }
    Ok(ports)
}
