//! Questions to the cluster's DNS, asked from inside a pod: messages of our own over TCP.

use std::{net::IpAddr, str::FromStr as _};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{Name, RData, RecordType},
};
use serde_json::json;
use tokio::time::Instant;

use super::{Seen, State, World, draft::pod_spec};
use crate::{
    evidence::{DnsAnswer, Kind},
    verdict::Stop,
};

/// The pod that asks.
pub const CLIENT: &str = "client";

impl World {
    /// The zone of the cluster's DNS, and its address.
    fn dns(&self) -> Result<(String, String), Stop> {
        let dns = self.scene.cluster.capabilities().dns.as_ref();
        dns.map(|dns| (dns.zone.clone(), dns.server.to_string()))
            .ok_or_else(|| Stop::Skip("the cluster has no DNS server that can be asked".into()))
    }

    /// The absolute name of a name in the scenario's namespace, without a final dot. `$namespace` and `$zone` stand for
    /// what they say; a name that ends in a dot or in the zone is absolute.
    ///
    /// # Errors
    ///
    /// The cluster has no DNS: skipped.
    pub fn absolute(&self, name: &str) -> Result<String, Stop> {
        let (zone, _) = self.dns()?;
        let name = self.spelled(name)?;
        let absolute =
            name.ends_with(&format!(".{zone}")) || name.ends_with(".arpa") || name.ends_with('.');
        Ok(if absolute {
            name.trim_end_matches('.').to_owned()
        } else {
            format!("{name}.{}.svc.{zone}", self.namespace())
        })
    }

    /// A name with `$namespace` and `$zone` spelled out.
    ///
    /// # Errors
    ///
    /// The cluster has no DNS: skipped.
    pub fn spelled(&self, name: &str) -> Result<String, Stop> {
        let (zone, _) = self.dns()?;
        Ok(name
            .replace("$namespace", self.namespace())
            .replace("$zone", &zone))
    }

    /// The pod that asks is there and Running.
    ///
    /// # Errors
    ///
    /// It does not come to run: inconclusive.
    pub async fn client_pod(&mut self) -> Result<(), Stop> {
        if self.see(|seen| seen.pod(CLIENT).is_none()) {
            let spec = pod_spec(self.scene.cluster.capabilities());
            let pod = json!({ "metadata": { "name": CLIENT, "labels": { "stsspec.dev/role": "client" } }, "spec": spec });
            self.create(Kind::Pod, pod).await?;
        }
        self.comes_true("the pod that asks runs", |seen| {
            seen.is(CLIENT, State::Running)
        })
        .await
        .map_err(|stop| Stop::Inconclusive(stop.to_string()))
    }

    /// Asks from inside a pod, once.
    ///
    /// # Errors
    ///
    /// In words, if no answer came.
    pub async fn ask(
        &mut self,
        pod: &str,
        name: &str,
        record: RecordType,
    ) -> Result<DnsAnswer, String> {
        let (_, server) = self.dns().map_err(|stop| stop.to_string())?;
        let id = u16::try_from((self.answers.len() + 1) % 65536).unwrap_or(1);
        let mut question = Message::new(id, MessageType::Query, OpCode::Query);
        question.metadata.recursion_desired = true;
        let absolute = Name::from_ascii(format!("{name}.")).map_err(|error| error.to_string())?;
        question.add_query(Query::query(absolute, record));
        let question = question.to_vec().map_err(|error| error.to_string())?;
        let asked_at = self.clock().now();
        let bytes = self.exchange(pod, &server, &question).await?;
        let message = Message::from_vec(&bytes).map_err(|error| error.to_string())?;
        let mut answer = DnsAnswer {
            asked_at,
            answered_at: self.clock().now(),
            name: name.to_owned(),
            record: record.to_string(),
            code: format!("{:?}", message.metadata.response_code),
            addresses: Vec::new(),
            others: Vec::new(),
            ttl_seconds: message
                .answers
                .iter()
                .map(|record| record.ttl)
                .max()
                .unwrap_or(0),
        };
        for record in &message.answers {
            match &record.data {
                RData::A(address) => answer.addresses.push(IpAddr::V4(address.0)),
                RData::AAAA(address) => answer.addresses.push(IpAddr::V6(address.0)),
                RData::SRV(srv) => {
                    answer
                        .others
                        .push(format!("{} {}", srv.port, text(&srv.target)));
                }
                RData::PTR(name) => answer.others.push(text(&name.0)),
                other => answer.others.push(other.to_string()),
            }
        }
        answer.addresses.sort_unstable();
        answer.others.sort_unstable();
        self.answers.push(answer.clone());
        Ok(answer)
    }

    /// Asks again and again until the answer is as expected.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] with the last answer when the time has passed; inconclusive if none ever came.
    pub async fn answers(
        &mut self,
        name: &str,
        record: RecordType,
        expected: &str,
        fits: impl Fn(&Seen<'_>, &DnsAnswer) -> bool,
    ) -> Result<(), Stop> {
        self.client_pod().await?;
        let absolute = self.absolute(name)?;
        let limit = self.scene.deadlines.dns;
        let deadline = Instant::now() + limit;
        let mut last = Err("nothing was asked".to_owned());
        while Instant::now() < deadline {
            last = self.ask(CLIENT, &absolute, record).await;
            if let Ok(answer) = &last
                && self.see(|seen| fits(seen, answer))
            {
                return Ok(());
            }
            self.rest().await;
        }
        let seconds = limit.as_secs();
        Err(match last {
            Ok(answer) => Stop::Fail(format!(
                "expected within {seconds} s: {record} of {absolute} {expected}; seen: {}; {}",
                tell(&answer),
                self.see(|seen| seen.tell())
            )),
            Err(error) => {
                Stop::Inconclusive(format!("DNS did not answer within {seconds} s: {error}"))
            }
        })
    }

    /// The addresses to which a name leads inside a pod, by the search list of the pod's own resolver, tried in turn:
    /// those that are wanted, or, if they do not come in time, what it led to in the end.
    ///
    /// # Errors
    ///
    /// Inconclusive if the pod does not show its resolver's list or DNS does not answer.
    pub async fn look_up(
        &mut self,
        pod: &str,
        name: &str,
        wanted: &[IpAddr],
    ) -> Result<Vec<IpAddr>, Stop> {
        let name = self.spelled(name)?;
        let resolver = self.resolver(pod).await?;
        let candidates = candidates(&name, &resolver);
        let deadline = Instant::now() + self.scene.deadlines.dns;
        loop {
            let mut found = Vec::new();
            for candidate in &candidates {
                let answer = self.ask(pod, candidate, RecordType::A).await;
                found = answer
                    .map_err(|error| Stop::Inconclusive(format!("DNS did not answer: {error}")))?
                    .addresses;
                if !found.is_empty() {
                    break;
                }
            }
            if found == wanted || Instant::now() >= deadline {
                return Ok(found);
            }
            self.rest().await;
        }
    }

    /// What a pod's `/etc/resolv.conf` says.
    ///
    /// # Errors
    ///
    /// Inconclusive if it cannot be read.
    pub async fn resolver(&self, pod: &str) -> Result<Resolver, Stop> {
        Ok(read_resolver(
            &self.exec(pod, &["cat", "/etc/resolv.conf"]).await?,
        ))
    }
}

/// A pod's own resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolver {
    /// Suffixes that are tried in turn.
    pub search: Vec<String>,
    /// A name with at least that many dots is tried as it is first.
    pub ndots: usize,
}

fn read_resolver(text: &str) -> Resolver {
    let mut resolver = Resolver {
        ndots: 1,
        ..Resolver::default()
    };
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("search") => resolver.search = words.map(str::to_owned).collect(),
            Some("options") => {
                let ndots = words.filter_map(|word| word.strip_prefix("ndots:"));
                if let Some(ndots) = ndots
                    .filter_map(|digits| usize::from_str(digits).ok())
                    .next_back()
                {
                    resolver.ndots = ndots;
                }
            }
            _ => {}
        }
    }
    resolver
}

/// The absolute names that stand for a name, in the order in which they are tried.
fn candidates(name: &str, resolver: &Resolver) -> Vec<String> {
    if let Some(absolute) = name.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let searched = resolver
        .search
        .iter()
        .map(|suffix| format!("{name}.{suffix}"));
    let own = std::iter::once(name.to_owned());
    if name.matches('.').count() >= resolver.ndots {
        own.chain(searched).collect()
    } else {
        searched.chain(own).collect()
    }
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_lowercase()
}

/// An answer in words.
pub fn tell(answer: &DnsAnswer) -> String {
    let addresses = answer.addresses.iter().map(ToString::to_string);
    let data: Vec<String> = addresses.chain(answer.others.iter().cloned()).collect();
    match (answer.code.as_str(), data.is_empty()) {
        ("NoError", true) => "NoError without data".to_owned(),
        ("NoError", false) => data.join(", "),
        (code, _) => code.to_owned(),
    }
}

/// The addresses of pods, sorted.
pub fn addresses(seen: &Seen<'_>, pods: &[String]) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = pods
        .iter()
        .filter_map(|name| seen.pod(name))
        .filter_map(|pod| pod.status.as_ref()?.pod_ip.as_deref()?.parse().ok())
        .collect();
    addresses.sort_unstable();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_tried_with_every_suffix_before_itself() {
        let resolver = read_resolver(
            "search a.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
        );
        assert_eq!(
            candidates("web-0.web", &resolver),
            [
                "web-0.web.a.svc.cluster.local",
                "web-0.web.svc.cluster.local",
                "web-0.web"
            ]
        );
        assert_eq!(candidates("a.b.c.d.e.f", &resolver)[0], "a.b.c.d.e.f");
        assert_eq!(candidates("web.", &resolver), ["web"]);
    }
}
