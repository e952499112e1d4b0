//! The loop of every server here: each connection is attended to by itself.

use std::io;

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Attends to whoever connects, until the future is dropped; the connections end with it.
///
/// # Errors
///
/// The listener fails.
pub(crate) async fn attend_to_each<F, Fut>(listener: TcpListener, mut attend: F) -> io::Result<()>
where
    F: FnMut(TcpStream) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                connections.spawn(attend(stream));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
