//! Free ports of this machine.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::Error;

/// Listens on a port that is free.
pub(super) async fn listen() -> Result<TcpListener, Error> {
    listen_at(Ipv4Addr::LOCALHOST).await
}

async fn listen_at(address: Ipv4Addr) -> Result<TcpListener, Error> {
    TcpListener::bind((address, 0))
        .await
        .map_err(|source| Error::Port { source })
}

/// A loopback address, chosen by three random bytes, that nobody else listens on and no connection leaves from: what is
/// free there stays free. Where the machine has one loopback address only, that one.
pub(super) async fn own_address([a, b, c]: [u8; 3]) -> Ipv4Addr {
    // Neither 127.0.0.1 nor the resolvers that systems put beside it.
    let own = Ipv4Addr::new(127, a | 1 << 7, b, c);
    match listen_at(own).await {
        Ok(_) => own,
        Err(_) => Ipv4Addr::LOCALHOST,
    }
}

/// Ports that were free a moment ago, for programs that want to be told one.
pub(super) async fn free<const N: usize>(address: Ipv4Addr) -> Result<[u16; N], Error> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = listen_at(address).await?;
        *port = listener
            .local_addr()
            .map_err(|source| Error::Port { source })?
            .port();
        held.push(listener);
    }
    Ok(ports)
}
