//! What answers at a container's ports: the service of its image, `httpd`, and `nc -l`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::mpsc,
};

use super::{
    Call, Machine, Outcome, files,
    pipe::{Io, Sink, Source, pipe},
    process::{Process, Signal},
    run_program,
    text::valued,
};
use crate::mini::agents::network::{Listener, Listening};

/// Serves until it is told to end, at the ports the image and the container name. The way of the image's own service:
/// TERM, INT and QUIT end it at once, with exit code 0.
pub(super) async fn serve(machine: &Arc<Machine>, process: &Process) -> i32 {
    for signal in [Signal::Terminate, Signal::Interrupt, Signal::Quit] {
        process.set_handling(signal, true, false);
    }
    let documents = machine.image.documents.clone();
    let _listening = listen(machine, &machine.image.ports, documents);
    process.handled().await;
    process.take_handled();
    0
}

/// Answers over HTTP at those ports that nobody has taken.
fn listen(machine: &Arc<Machine>, ports: &[u16], documents: Option<String>) -> Vec<Listening> {
    let free = ports
        .iter()
        .map(|port| SocketAddr::new(machine.address, *port));
    let free = free.filter(|at| !machine.network.is_taken(*at));
    let listener = Arc::new(Http {
        machine: Arc::downgrade(machine),
        documents,
    });
    free.map(|at| machine.network.listen(at, Arc::clone(&listener) as _))
        .collect()
}

pub(super) async fn httpd(call: Call<'_>, args: &[String]) -> Outcome {
    let (port, rest) = valued(args, "-p");
    let (home, _) = valued(&rest, "-h");
    let port = port
        .and_then(|port| port.rsplit(':').next()?.parse().ok())
        .unwrap_or(80);
    let home = call.path(home.as_deref().unwrap_or("."));
    let listening = listen(call.machine, &[port], Some(home));
    if listening.is_empty() {
        call.io
            .complain("httpd: bind: Address already in use")
            .await;
        return Ok(1);
    }
    let waits = async move {
        let _listening = listening;
        std::future::pending::<()>().await;
    };
    match args.iter().any(|arg| arg.starts_with("-f") || arg == "-vv") {
        true => waits.await,
        false => call.machine.processes.spawn(waits),
    }
    Ok(0)
}

struct Http {
    /// A listener does not keep its container alive.
    machine: std::sync::Weak<Machine>,
    documents: Option<String>,
}

impl Listener for Http {
    fn accept(&self, from: IpAddr, mut stream: DuplexStream) -> BoxFuture<'static, ()> {
        let (machine, documents) = (self.machine.clone(), self.documents.clone());
        Box::pin(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let mut words = head.split_whitespace();
            let (method, path) = (words.next().unwrap_or("GET"), words.next().unwrap_or("/"));
            let Some(machine) = machine.upgrade() else {
                return;
            };
            let (status, body) = respond(&machine, documents.as_deref(), path, from);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
            if method != "HEAD" {
                let _ = stream.write_all(&body).await;
            }
            let _ = stream.shutdown().await;
        })
    }
}

/// A file below the documents; without documents, what tells who answered.
fn respond(
    machine: &Machine,
    documents: Option<&str>,
    path: &str,
    from: IpAddr,
) -> (&'static str, Vec<u8>) {
    let path = path.split('?').next().unwrap_or("/");
    let Some(documents) = documents else {
        let text = match path {
            "/clientip" => from.to_string(),
            _ => machine.hostname.clone(),
        };
        return ("200 OK", text.into_bytes());
    };
    let place = files::plain(documents, path.trim_start_matches('/'));
    let place = match machine.files.is_directory(&place) {
        true => files::plain(&place, "index.html"),
        false => place,
    };
    match machine.files.read(&place) {
        Ok(bytes) => ("200 OK", bytes),
        Err(_) if path == "/" => ("403 Forbidden", b"403 Forbidden\n".to_vec()),
        Err(_) => ("404 Not Found", b"404 Not Found\n".to_vec()),
    }
}

struct Accepting(mpsc::UnboundedSender<DuplexStream>);

impl Listener for Accepting {
    fn accept(&self, _: IpAddr, stream: DuplexStream) -> BoxFuture<'static, ()> {
        let _ = self.0.send(stream);
        Box::pin(async {})
    }
}

/// `nc -l`: one connection after the other, with a program or the command's own streams at this end.
pub(super) async fn answer_with(
    call: Call<'_>,
    port: u16,
    again: bool,
    program: Option<Vec<String>>,
) -> Outcome {
    let at = SocketAddr::new(call.machine.address, port);
    if call.machine.network.is_taken(at) {
        call.io.complain("nc: bind: Address already in use").await;
        return Ok(1);
    }
    let (sender, mut accepted) = mpsc::unbounded_channel();
    let _listening = call.machine.network.listen(at, Arc::new(Accepting(sender)));
    while let Some(stream) = accepted.recv().await {
        let (mut from, mut to) = tokio::io::split(stream);
        let (received, stdin) = pipe();
        let (stdout, sent) = pipe();
        let receive = async move {
            let mut buffer = vec![0; 4096];
            while let Ok(count) = from.read(&mut buffer).await {
                if count == 0 || received.write(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        };
        let send = async move {
            let source = Source::Pipe(sent);
            loop {
                let some = source.read(4096).await;
                if some.is_empty() || to.write_all(&some).await.is_err() {
                    let _ = to.shutdown().await;
                    return;
                }
            }
        };
        let (stdin, stdout) = (Source::Pipe(stdin), Sink::Pipe(stdout));
        let work = async {
            match &program {
                Some(argv) => {
                    let io = Io {
                        stdin,
                        stdout,
                        stderr: call.io.stderr.clone(),
                    };
                    run_program(Call { io: &io, ..call }, argv, false).await;
                }
                None => {
                    let (own, theirs) = (call.io.stdin.clone(), stdout);
                    let out = async {
                        let bytes = own.read_all().await;
                        let _ = theirs.write(&bytes).await;
                        drop(theirs);
                    };
                    let shown = async {
                        loop {
                            let some = stdin.read(4096).await;
                            if some.is_empty() || call.io.out(some).await.is_err() {
                                return;
                            }
                        }
                    };
                    futures::join!(out, shown);
                }
            }
        };
        match program.is_some() {
            // The program's end is the connection's, whatever the other side still sends.
            true => {
                tokio::select! {
                    biased;
                    () = async { futures::join!(work, send); } => {}
                    () = async { receive.await; std::future::pending().await } => {}
                }
            }
            false => {
                futures::join!(work, send, receive);
            }
        }
        if !again {
            break;
        }
    }
    Ok(0)
}
