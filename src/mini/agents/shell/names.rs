//! Names and addresses: the resolver, and the commands that show what it finds.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::{
    op::{Message, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};

use super::{
    Call, Machine, Outcome,
    text::{options, valued},
};

/// What `/etc/resolv.conf` says.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    servers: Vec<IpAddr>,
    search: Vec<String>,
    ndots: usize,
}

impl Settings {
    fn read(machine: &Machine) -> Self {
        let text = machine.files.read("/etc/resolv.conf").unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Self {
        let mut settings = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
        };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => settings
                    .servers
                    .extend(words.filter_map(|word| word.parse::<IpAddr>().ok())),
                Some("search") => settings.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let ndots = words
                        .filter_map(|word| word.strip_prefix("ndots:")?.parse().ok())
                        .next_back();
                    settings.ndots = ndots.unwrap_or(settings.ndots);
                }
                _ => {}
            }
        }
        settings
    }

    /// The full names that a name may mean, in the order they are tried.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(whole) = name.strip_suffix('.') {
            return vec![whole.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let as_is = std::iter::once(name.to_owned());
        match name.matches('.').count() >= self.ndots {
            true => as_is.chain(searched).collect(),
            false => searched.chain(as_is).collect(),
        }
    }
}

/// Asks the DNS; None where no server answers.
fn ask(machine: &Machine, settings: &Settings, name: &str, kind: RecordType) -> Option<Message> {
    let mut request = Message::query();
    request.metadata.id = 1;
    request.metadata.recursion_desired = true;
    request.add_query(Query::query(
        Name::from_ascii(format!("{name}.")).ok()?,
        kind,
    ));
    let request = request.to_vec().ok()?;
    let mut servers = settings.servers.iter();
    let answer =
        servers.find_map(|server| machine.network.ask(SocketAddr::new(*server, 53), &request))?;
    Message::from_vec(&answer).ok()
}

fn addresses_in(message: &Message) -> Vec<IpAddr> {
    let records = message.answers.iter();
    let addresses = records.filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    addresses.collect()
}

/// The lines of `/etc/hosts`: an address and its names.
fn hosts(machine: &Machine) -> Vec<(IpAddr, Vec<String>)> {
    let text = machine.files.read("/etc/hosts").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        Some((address, words.map(str::to_owned).collect()))
    };
    text.lines().filter_map(line).collect()
}

/// The addresses of a name and its full form, as the system's resolver finds them: the hosts file, then the DNS with
/// the search list, the first name with an address.
pub(super) fn resolve(machine: &Machine, name: &str) -> Option<(String, Vec<IpAddr>)> {
    if let Ok(address) = name.parse() {
        return Some((name.to_owned(), vec![address]));
    }
    for (address, names) in hosts(machine) {
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Some((names[0].clone(), vec![address]));
        }
    }
    let settings = Settings::read(machine);
    settings.candidates(name).into_iter().find_map(|candidate| {
        let answer = ask(machine, &settings, &candidate, RecordType::A)?;
        let addresses = addresses_in(&answer);
        (!addresses.is_empty()).then_some((candidate, addresses))
    })
}

/// The name of an address.
fn name_of(machine: &Machine, address: IpAddr) -> Option<String> {
    let known = hosts(machine)
        .into_iter()
        .find(|(known, _)| *known == address);
    if let Some((_, names)) = known {
        return names.into_iter().next();
    }
    let IpAddr::V4(four) = address else {
        return None;
    };
    let [a, b, c, d] = four.octets();
    let question = format!("{d}.{c}.{b}.{a}.in-addr.arpa");
    let answer = ask(
        machine,
        &Settings::read(machine),
        &question,
        RecordType::PTR,
    )?;
    answer.answers.iter().find_map(|record| match &record.data {
        RData::PTR(name) => Some(name.0.to_ascii().trim_end_matches('.').to_owned()),
        _ => None,
    })
}

pub(super) async fn hostname(call: Call<'_>, args: &[String]) -> Outcome {
    let (letters, _) = options(args);
    let machine = call.machine;
    let own = &machine.hostname;
    let found = resolve(machine, own);
    let full = found.as_ref().map_or(own, |(full, _)| full);
    let line = match letters.chars().next() {
        Some('f') => full.clone(),
        Some('i') => machine.address.to_string(),
        Some('d') => full
            .split_once('.')
            .map_or(String::new(), |(_, domain)| domain.to_owned()),
        Some('s') => own.split('.').next().unwrap_or_default().to_owned(),
        _ => own.clone(),
    };
    call.io.out(format!("{line}\n")).await.map(|()| 0)
}

pub(super) async fn getent(call: Call<'_>, args: &[String]) -> Outcome {
    let ([table, name], machine) = (args, call.machine) else {
        call.io.complain("usage: getent hosts NAME").await;
        return Ok(1);
    };
    let found = match name.parse::<IpAddr>() {
        Ok(address) => name_of(machine, address).map(|name| (name, vec![address])),
        Err(_) => resolve(machine, name),
    };
    let Some((full, addresses)) = found else {
        return Ok(2);
    };
    for address in addresses {
        match table.as_str() {
            "hosts" => call.io.out(format!("{address:<15} {full}\n")).await?,
            _ => {
                for (at, kind) in ["STREAM", "DGRAM", "RAW"].iter().enumerate() {
                    let full = if at == 0 { full.as_str() } else { "" };
                    let line = format!("{:<15} {kind:<6} {full}", address.to_string());
                    call.io.out(format!("{}\n", line.trim_end())).await?;
                }
            }
        }
    }
    Ok(0)
}

pub(super) async fn nslookup(call: Call<'_>, args: &[String]) -> Outcome {
    let (kind, rest) = valued(args, "-type=");
    let (kind, rest) = match kind {
        None => valued(&rest, "-query="),
        kind => (kind, rest),
    };
    let (_, rest) = options(&rest);
    let mut settings = Settings::read(call.machine);
    let Some((name, others)) = rest.split_first() else {
        call.io
            .complain("Usage: nslookup [-type=QUERY_TYPE] HOST [DNS_SERVER]")
            .await;
        return Ok(1);
    };
    if let Some(server) = others.first() {
        let found = resolve(call.machine, server);
        settings.servers = found.map(|(_, addresses)| addresses).unwrap_or_default();
    }
    match call.machine.image.old_nslookup {
        true => old_nslookup(call, name, &settings).await,
        false => new_nslookup(call, name, kind.as_deref(), &settings).await,
    }
}

/// As busybox up to 1.28 does: the system's resolver, then the name of each address.
async fn old_nslookup(call: Call<'_>, name: &str, settings: &Settings) -> Outcome {
    let line = |number: usize, address: IpAddr| match name_of(call.machine, address) {
        Some(name) => format!("Address {number}: {address} {name}\n"),
        None => format!("Address {number}: {address}\n"),
    };
    let server = settings
        .servers
        .first()
        .copied()
        .unwrap_or(IpAddr::from([0, 0, 0, 0]));
    call.io
        .out(format!("Server:    {server}\n{}\n", line(1, server)))
        .await?;
    let Some((_, addresses)) = resolve(call.machine, name) else {
        call.io
            .complain(format!("nslookup: can't resolve '{name}'"))
            .await;
        return Ok(1);
    };
    call.io.out(format!("Name:      {name}\n")).await?;
    for (at, address) in addresses.iter().enumerate() {
        call.io.out(line(at + 1, *address)).await?;
    }
    Ok(0)
}

/// As busybox from 1.29 on does: asks for every name of the search list and tells of each, so that a name which resolves
/// is told of as missing too.
async fn new_nslookup(
    call: Call<'_>,
    name: &str,
    kind: Option<&str>,
    settings: &Settings,
) -> Outcome {
    let server = settings
        .servers
        .first()
        .copied()
        .unwrap_or(IpAddr::from([0, 0, 0, 0]));
    call.io
        .out(format!("Server:\t\t{server}\nAddress:\t{server}:53\n\n"))
        .await?;
    let kinds = match kind {
        None => vec![RecordType::A, RecordType::AAAA],
        Some(kind) => vec![kind.to_uppercase().parse().unwrap_or(RecordType::A)],
    };
    let reverse = name
        .parse::<IpAddr>()
        .ok()
        .and_then(|address| match address {
            IpAddr::V4(four) => {
                let [a, b, c, d] = four.octets();
                Some(format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
            }
            IpAddr::V6(_) => None,
        });
    let (candidates, kinds) = match reverse {
        Some(question) => (vec![question], vec![RecordType::PTR]),
        None => (settings.candidates(name), kinds),
    };
    let mut failed = false;
    for candidate in &candidates {
        let mut missing = false;
        for kind in &kinds {
            let Some(answer) = ask(call.machine, settings, candidate, *kind) else {
                call.io
                    .out(";; connection timed out; no servers could be reached\n\n")
                    .await?;
                return Ok(1);
            };
            if answer.metadata.response_code == ResponseCode::NXDomain {
                if !missing {
                    call.io
                        .out(format!("** server can't find {candidate}: NXDOMAIN\n\n"))
                        .await?;
                }
                (missing, failed) = (true, true);
                continue;
            }
            let mut shown = String::new();
            for record in &answer.answers {
                let owner = record.name.to_ascii();
                let owner = owner.trim_end_matches('.');
                let line = match &record.data {
                    RData::A(address) => format!("Name:\t{owner}\nAddress: {address}\n"),
                    RData::AAAA(address) => format!("Name:\t{owner}\nAddress: {address}\n"),
                    RData::CNAME(target) => format!("{owner}\tcanonical name = {}\n", target.0),
                    RData::PTR(target) => format!(
                        "{owner}\tname = {}\n",
                        target.0.to_ascii().trim_end_matches('.')
                    ),
                    RData::SRV(service) => format!("{owner}\tservice = {service}\n"),
                    other => format!("{owner}\t{other}\n"),
                };
                shown.push_str(&line);
            }
            if !shown.is_empty() {
                call.io.out(format!("{shown}\n")).await?;
            }
        }
    }
    Ok(i32::from(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_searched_for_first_and_a_long_one_last() {
        let settings = Settings::parse(
            "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
        );
        let short = settings.candidates("web-0.nginx");
        assert_eq!(short.last().map(String::as_str), Some("web-0.nginx"));
        assert_eq!(short[0], "web-0.nginx.default.svc.cluster.local");
        assert_eq!(settings.candidates("a.b."), ["a.b"]);
        assert_eq!(settings.candidates("a.b.c.d.e.f")[0], "a.b.c.d.e.f");
    }
}
