//! Commands that talk to others.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Call, Outcome,
    names::resolve,
    service,
    text::{options, valued},
};
use crate::mini::agents::network::Unreachable;

fn first_address(call: Call<'_>, name: &str) -> Option<IpAddr> {
    if name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    {
        return Some(call.machine.address);
    }
    let (_, addresses) = resolve(call.machine, name)?;
    addresses.first().copied()
}

/// Sends bytes and reads until the other side has no more.
pub(super) async fn exchange(
    call: Call<'_>,
    to: SocketAddr,
    request: &[u8],
) -> Result<Vec<u8>, Unreachable> {
    let (mut stream, other) = call.machine.network.connect(call.machine.address, to)?;
    let ours = async move {
        let mut answer = Vec::new();
        if stream.write_all(request).await.is_ok() {
            let _ = stream.read_to_end(&mut answer).await;
        }
        answer
    };
    let (answer, ()) = futures::join!(ours, other);
    Ok(answer)
}

pub(super) async fn ping(call: Call<'_>, args: &[String]) -> Outcome {
    let (count, rest) = valued(args, "-c");
    let (_, rest) = valued(&rest, "-W");
    let (_, rest) = valued(&rest, "-w");
    let (interval, rest) = valued(&rest, "-i");
    let (_, names) = options(&rest);
    let Some(name) = names.first() else {
        call.io.complain("ping: usage: ping [-c COUNT] HOST").await;
        return Ok(1);
    };
    let Some(address) = first_address(call, name) else {
        call.io
            .complain(format!("ping: bad address '{name}'"))
            .await;
        return Ok(1);
    };
    call.io
        .out(format!("PING {name} ({address}): 56 data bytes\n"))
        .await?;
    let count: u32 = count
        .and_then(|count| count.parse().ok())
        .unwrap_or(u32::MAX);
    let interval = interval.and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let interval = Duration::try_from_secs_f64(interval).unwrap_or(Duration::from_secs(1));
    let mut received = 0;
    for number in 0..count {
        if number > 0 {
            tokio::time::sleep(interval).await;
        }
        if call.machine.network.answers_echo(address) {
            received += 1;
            let line = format!("64 bytes from {address}: seq={number} ttl=64 time=0.050 ms\n");
            call.io.out(line).await?;
        }
    }
    let lost = 100 - 100 * received / count.max(1);
    call.io
        .out(format!(
            "\n--- {name} ping statistics ---\n\
             {count} packets transmitted, {received} packets received, {lost}% packet loss\n"
        ))
        .await?;
    if received > 0 {
        call.io
            .out("round-trip min/avg/max = 0.050/0.050/0.050 ms\n")
            .await?;
    }
    Ok(i32::from(received == 0))
}

pub(super) async fn nc(call: Call<'_>, args: &[String]) -> Outcome {
    let (wait, rest) = valued(args, "-w");
    let (port, rest) = valued(&rest, "-p");
    let (program, rest) = match rest.iter().position(|arg| arg == "-e") {
        Some(at) => (Some(rest[at + 1..].to_vec()), rest[..at].to_vec()),
        None => (None, rest),
    };
    let (letters, names) = options(&rest);
    if letters.contains('l') {
        let port = port
            .or_else(|| names.last().cloned())
            .and_then(|port| port.parse().ok());
        let Some(port) = port else {
            call.io.complain("nc: usage: nc -l -p PORT").await;
            return Ok(1);
        };
        return service::answer_with(call, port, letters.contains('k'), program).await;
    }
    let [name, port] = names else {
        call.io.complain("nc: usage: nc [-zw SECS] HOST PORT").await;
        return Ok(1);
    };
    let Some(address) = first_address(call, name) else {
        call.io.complain(format!("nc: bad address '{name}'")).await;
        return Ok(1);
    };
    let Ok(port) = port.parse() else {
        call.io.complain(format!("nc: bad port '{port}'")).await;
        return Ok(1);
    };
    let to = SocketAddr::new(address, port);
    let (stream, other) = match call.machine.network.connect(call.machine.address, to) {
        Ok(connection) => connection,
        Err(error) => {
            let shown = format!("nc: can't connect to remote host ({address}): {error}");
            call.io.complain(shown).await;
            return Ok(1);
        }
    };
    if letters.contains('z') {
        return Ok(0);
    }
    let limit = wait
        .and_then(|text| text.parse().ok())
        .map(Duration::from_secs);
    let (mut read, mut write) = tokio::io::split(stream);
    let send = async {
        loop {
            let some = call.io.stdin.read(16 * 1024).await;
            if some.is_empty() || write.write_all(&some).await.is_err() {
                let _ = write.shutdown().await;
                return std::future::pending::<Outcome>().await;
            }
        }
    };
    let receive = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = read.read(&mut buffer);
            // The limit is on silence, as busybox's is.
            let count = match limit {
                Some(limit) => tokio::time::timeout(limit, read).await.unwrap_or(Ok(0)),
                None => read.await,
            };
            match count {
                Ok(count) if count > 0 => call.io.out(&buffer[..count]).await?,
                _ => return Ok(0),
            }
        }
    };
    let other = async {
        other.await;
        std::future::pending::<Outcome>().await
    };
    tokio::select! {
        biased;
        outcome = receive => outcome,
        outcome = other => outcome,
        outcome = send => outcome,
    }
}

/// The parts of a URL: host, port, path.
fn parts(url: &str) -> Option<(String, u16, String)> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(_) => return None,
        None => url,
    };
    let (place, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (place, 80),
    };
    Some((host.to_owned(), port, path.to_owned()))
}

/// An answer over HTTP: the code with its reason, the head, the body.
struct Answer {
    code: u16,
    status: String,
    head: String,
    body: Vec<u8>,
}

enum Failure {
    BadAddress(String),
    BadUrl,
    Unreachable(IpAddr, u16, Unreachable),
    Garbled,
}

async fn get(call: Call<'_>, url: &str, method: &str) -> Result<Answer, Failure> {
    let (host, port, path) = parts(url).ok_or(Failure::BadUrl)?;
    let address = first_address(call, &host).ok_or_else(|| Failure::BadAddress(host.clone()))?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = exchange(call, SocketAddr::new(address, port), request.as_bytes());
    let answer = answer
        .await
        .map_err(|error| Failure::Unreachable(address, port, error))?;
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or(Failure::Garbled)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.lines().next().unwrap_or_default().to_owned();
    let code = status
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or(Failure::Garbled)?;
    let body = answer[end + 4..].to_vec();
    Ok(Answer {
        code,
        status,
        head,
        body,
    })
}

pub(super) async fn wget(call: Call<'_>, args: &[String]) -> Outcome {
    let (_, rest) = valued(args, "-T");
    let (_, rest) = valued(&rest, "--timeout");
    let quiet = rest
        .iter()
        .any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('q'));
    let spider = rest.iter().any(|arg| arg == "--spider");
    let at = rest
        .iter()
        .position(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('O'));
    let mut to = None;
    let mut rest = rest;
    if let Some(at) = at {
        let joined = rest[at]
            .split_once('O')
            .map_or("", |(_, after)| after)
            .to_owned();
        match joined.is_empty() {
            true if at + 1 < rest.len() => to = Some(rest.remove(at + 1)),
            _ => to = Some(joined),
        }
        rest.remove(at);
    }
    let Some(url) = rest.iter().find(|arg| !arg.starts_with('-')) else {
        call.io.complain("wget: usage: wget [-qO FILE] URL").await;
        return Ok(1);
    };
    let answer = match get(call, url, "GET").await {
        Ok(answer) => answer,
        Err(failure) => {
            let why = match failure {
                Failure::BadAddress(host) => format!("bad address '{host}'"),
                Failure::BadUrl => format!("not an http or ftp url: {url}"),
                Failure::Unreachable(address, _, error) => {
                    format!("can't connect to remote host ({address}): {error}")
                }
                Failure::Garbled => "error getting response".to_owned(),
            };
            call.io.complain(format!("wget: {why}")).await;
            return Ok(1);
        }
    };
    if answer.code >= 400 {
        call.io
            .complain(format!("wget: server returned error: {}", answer.status))
            .await;
        return Ok(1);
    }
    if spider {
        return Ok(0);
    }
    let last = url
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty() && url.contains("://"));
    let name = to.unwrap_or_else(|| last.unwrap_or("index.html").to_owned());
    if name == "-" {
        return call.io.out(answer.body).await.map(|()| 0);
    }
    if let Err(error) = call
        .machine
        .files
        .write(&call.path(&name), &answer.body, false)
    {
        call.io
            .complain(format!("wget: can't open '{name}': {error}"))
            .await;
        return Ok(1);
    }
    if !quiet {
        call.io.complain(format!("'{name}' saved")).await;
    }
    Ok(0)
}

pub(super) async fn curl(call: Call<'_>, args: &[String]) -> Outcome {
    let (_, rest) = valued(args, "-m");
    let (_, rest) = valued(&rest, "--max-time");
    let (_, rest) = valued(&rest, "--connect-timeout");
    let (to, rest) = valued(&rest, "-o");
    let (shown, rest) = valued(&rest, "-w");
    let (letters, names) = options(&rest);
    let Some(url) = names.iter().find(|arg| !arg.starts_with('-')) else {
        call.io.complain("curl: no URL specified!").await;
        return Ok(2);
    };
    let silent = letters.contains('s') && !letters.contains('S');
    let method = if letters.contains('I') { "HEAD" } else { "GET" };
    let answer = match get(call, url, method).await {
        Ok(answer) => answer,
        Err(failure) => {
            let (code, why) = match failure {
                Failure::BadAddress(host) => (6, format!("Could not resolve host: {host}")),
                Failure::BadUrl => (1, "Unsupported protocol".to_owned()),
                Failure::Unreachable(address, port, error) => (
                    7,
                    format!("Failed to connect to {address} port {port}: {error}"),
                ),
                Failure::Garbled => (52, "Empty reply from server".to_owned()),
            };
            if !silent {
                call.io.complain(format!("curl: ({code}) {why}")).await;
            }
            return Ok(code);
        }
    };
    if letters.contains('f') && answer.code >= 400 {
        if !silent {
            let code = answer.code;
            call.io
                .complain(format!(
                    "curl: (22) The requested URL returned error: {code}"
                ))
                .await;
        }
        return Ok(22);
    }
    let mut out = Vec::new();
    if letters.contains(['i', 'I']) {
        out.extend(format!("{}\r\n\r\n", answer.head).bytes());
    }
    out.extend(answer.body);
    match to.as_deref() {
        None | Some("-") => call.io.out(out).await?,
        Some("/dev/null") => {}
        Some(name) => {
            if call
                .machine
                .files
                .write(&call.path(name), &out, false)
                .is_err()
            {
                return Ok(23);
            }
        }
    }
    if let Some(shown) = shown {
        let shown = shown
            .replace("%{http_code}", &answer.code.to_string())
            .replace("\\n", "\n");
        call.io.out(shown).await?;
    }
    Ok(0)
}
