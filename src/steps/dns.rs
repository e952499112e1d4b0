//! What DNS says, asked from inside the cluster.

use std::str::FromStr;

use cucumber::{gherkin::Step, given, then, when};
use hickory_proto::rr::{Name, RecordType};
use serde_json::json;

use crate::{
    evidence::{Kind, Object},
    verdict::Stop,
    world::{CLIENT, Names, NotNames, Seen, State, World, addresses, aspect, lacks, pod_spec},
};

/// Where a name leads: `pods "web-0" and "web-1"`, `the address of Service "web"`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "goal",
    regex = r#"pods? "[^"]+"(?:(?:, | and | to )"[^"]+")*|the address of Service "[^"]*""#
)]
enum Goal {
    Pods(Names),
    Service(String),
}

impl FromStr for Goal {
    type Err = NotNames;

    fn from_str(text: &str) -> Result<Self, NotNames> {
        let quoted = text.find('"').map_or("", |at| &text[at..]);
        Ok(match text.starts_with("pod") {
            true => Self::Pods(quoted.parse()?),
            false => Self::Service(quoted.trim_matches('"').to_owned()),
        })
    }
}

#[then(expr = "the name {string} leads to {goal}")]
async fn leads_to(world: &mut World, name: String, goal: Goal) -> Result<(), Stop> {
    match goal {
        Goal::Pods(pods) => leads_to_pods(world, name, pods).await,
        Goal::Service(service) => leads_to_service(world, name, service).await,
    }
}

async fn leads_to_pods(world: &mut World, name: String, pods: Names) -> Result<(), Stop> {
    let expected = format!("is exactly the addresses of {}", pods.0.join(", "));
    let fits = |seen: &Seen<'_>, answer: &crate::evidence::DnsAnswer| {
        let wanted = addresses(seen, &pods.0);
        wanted.len() == pods.0.len() && answer.addresses == wanted
    };
    world.answers(&name, RecordType::A, &expected, fits).await
}

async fn leads_to_service(world: &mut World, name: String, service: String) -> Result<(), Stop> {
    let fits = |seen: &Seen<'_>, answer: &crate::evidence::DnsAnswer| {
        let address = super::services::address_of(seen, &service);
        let address = address.and_then(|text| text.parse::<std::net::IpAddr>().ok());
        address.is_some_and(|address| answer.addresses == [address])
    };
    world
        .answers(
            &name,
            RecordType::A,
            "is the one address of the Service",
            fits,
        )
        .await
}

#[given(expr = "the name {string} does not exist")]
#[then(expr = "the name {string} does not exist")]
async fn does_not_exist(world: &mut World, name: String) -> Result<(), Stop> {
    world
        .answers(
            &name,
            RecordType::A,
            "does not exist (NXDOMAIN)",
            |_, answer| answer.code == "NXDomain",
        )
        .await
}

#[then(expr = "the name {string} exists without a record of type {word}")]
async fn exists_without(world: &mut World, name: String, record: String) -> Result<(), Stop> {
    let record: RecordType = record
        .parse()
        .map_err(|_| Stop::Inconclusive(format!("{record} is no type of record")))?;
    let empty = |_: &Seen<'_>, answer: &crate::evidence::DnsAnswer| {
        answer.code == "NoError" && answer.addresses.is_empty() && answer.others.is_empty()
    };
    world
        .answers(&name, record, "is NoError without data", empty)
        .await
}

#[then(expr = "the name {string} comes with the text {string}")]
async fn has_text(world: &mut World, name: String, text: String) -> Result<(), Stop> {
    let expected = format!("says {text:?}");
    let fits = |_: &Seen<'_>, answer: &crate::evidence::DnsAnswer| {
        let mut texts = answer.others.iter();
        texts.any(|other| other.trim_matches('"') == text)
    };
    world.answers(&name, RecordType::TXT, &expected, fits).await
}

#[then(expr = "no answer of DNS is good for more than {int} seconds")]
async fn is_good_for(world: &mut World, seconds: u32) -> Result<(), Stop> {
    if world.answers.is_empty() {
        return Err(Stop::Inconclusive("DNS was not asked".into()));
    }
    let mut answers = world.answers.iter();
    match answers.find(|answer| answer.ttl_seconds > seconds) {
        None => Ok(()),
        Some(answer) => Err(Stop::Fail(format!(
            "expected: no answer is good for more than {seconds} s; seen: {} {} for {} s",
            answer.record, answer.name, answer.ttl_seconds
        ))),
    }
}

#[then(expr = "the port {string} of Service {string} is found at pod(s) {names}")]
async fn port_is_found(
    world: &mut World,
    port: String,
    service: String,
    pods: Names,
) -> Result<(), Stop> {
    let mut wanted = Vec::new();
    for pod in &pods.0 {
        wanted.push(world.absolute(&format!("{pod}.{service}"))?);
    }
    wanted.sort_unstable();
    let expected = format!("names exactly {}", wanted.join(", "));
    let name = format!("_{port}._tcp.{service}");
    let fits = |_: &Seen<'_>, answer: &crate::evidence::DnsAnswer| {
        let mut targets: Vec<&str> = answer
            .others
            .iter()
            .filter_map(|record| record.split_once(' '))
            .map(|(_, target)| target)
            .collect();
        targets.sort_unstable();
        targets == wanted
    };
    world.answers(&name, RecordType::SRV, &expected, fits).await
}

#[then(expr = "the port {string} of Service {string} is told to be {int}")]
async fn port_is_told(
    world: &mut World,
    port: String,
    service: String,
    number: u16,
) -> Result<(), Stop> {
    let expected = format!("names port {number} everywhere");
    let name = format!("_{port}._tcp.{service}");
    let number = number.to_string();
    let fits = |_: &Seen<'_>, answer: &crate::evidence::DnsAnswer| {
        let mut ports = answer
            .others
            .iter()
            .filter_map(|record| record.split(' ').next());
        !answer.others.is_empty() && ports.all(|port| port == number)
    };
    world.answers(&name, RecordType::SRV, &expected, fits).await
}

/// In a name `$address` stands for the pod's address with dashes.
#[then(expr = "the address of pod {string} leads back to the name(s) {names}")]
async fn leads_back(world: &mut World, pod: String, names: Names) -> Result<(), Stop> {
    let address = addressed(world, &pod).await?;
    let dashed = address.to_string().replace(['.', ':'], "-");
    let mut wanted = Vec::new();
    for name in &names.0 {
        wanted.push(world.absolute(&name.replace("$address", &dashed))?);
    }
    wanted.sort_unstable();
    let reverse = Name::from(address).to_ascii();
    let expected = format!("is exactly {}", wanted.join(", "));
    let fits = |_: &Seen<'_>, answer: &crate::evidence::DnsAnswer| answer.others == wanted;
    world
        .answers(&reverse, RecordType::PTR, &expected, fits)
        .await
}

/// The address of a pod, once it has one.
async fn addressed(world: &World, pod: &str) -> Result<std::net::IpAddr, Stop> {
    let expected = format!("pod {pod:?} has an address");
    let limit = world.scene.deadlines.one_step;
    let names = [pod.to_owned()];
    world
        .comes(limit, &expected, |seen| {
            addresses(seen, &names).first().copied()
        })
        .await
}

#[then(expr = "the slices of Service {string} tell of pod {string}")]
async fn slices_tell(
    world: &mut World,
    service: String,
    pod: String,
    #[step] step: &Step,
) -> Result<(), Stop> {
    let wanted = super::sets::described(step)?;
    let expected = format!("one entry for pod {pod:?} of Service {service:?} reads {wanted}");
    let tells = |seen: &Seen<'_>| {
        let uid = seen.pod(&pod)?.metadata.uid.clone()?;
        let slices = seen.all(Kind::EndpointSlice).into_iter();
        let own = slices.filter(|slice| {
            let labels = slice.meta().labels.as_ref();
            let label = labels.and_then(|labels| labels.get("kubernetes.io/service-name"));
            label == Some(&service)
        });
        let entries = own.filter_map(|object| match object {
            Object::EndpointSlice(slice) => Some(slice),
            _ => None,
        });
        let mut entries = entries.flat_map(|slice| slice.endpoints.iter().flatten());
        let found = entries.find(|entry| {
            let target = entry.target_ref.as_ref();
            target.and_then(|target| target.uid.as_ref()) == Some(&uid)
        })?;
        let found = serde_json::to_value(found).ok()?;
        lacks("", &wanted, Some(&found)).is_none().then_some(())
    };
    let limit = world.scene.deadlines.one_step;
    world.comes(limit, &expected, tells).await
}

#[then(expr = "inside pod {string} the name {string} leads to pod {string}")]
async fn leads_inside(
    world: &mut World,
    from: String,
    name: String,
    to: String,
) -> Result<(), Stop> {
    if from == CLIENT {
        world.client_pod().await?;
    }
    let address = addressed(world, &to).await?;
    let found = world.look_up(&from, &name, &[address]).await?;
    if found == [address] {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: inside pod {from:?} the name {name:?} leads to {to} at {address}; seen: {found:?}"
    )))
}

#[then(expr = "inside a pod of another namespace the name {string} leads to {word}")]
async fn leads_elsewhere(world: &mut World, name: String, to: String) -> Result<(), Stop> {
    let wanted = match to.as_str() {
        "nowhere" => Vec::new(),
        pod => vec![addressed(world, pod).await?],
    };
    let name = world.spelled(&name)?;
    let home = world.here.clone();
    let other = format!("{}-other", world.scene.namespace);
    if !world.namespaces.contains(&other) {
        world.make_namespace(&other).await?;
    }
    world.here = other;
    world.client_pod().await?;
    let found = world.look_up(CLIENT, &name, &wanted).await;
    world.here = home;
    let found = found?;
    if found == wanted {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: inside a pod of another namespace the name {name:?} leads to {to}; seen: {found:?}"
    )))
}

/// What a process can ask its host.
#[derive(Clone, Debug, cucumber::Parameter)]
#[param(name = "query", regex = "host name|full host name|variable [A-Z]+")]
struct Query(String);

impl FromStr for Query {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "host name" => "hostname".to_owned(),
            "full host name" => "hostname -f".to_owned(),
            text => format!("echo ${}", text.trim_start_matches("variable ")),
        }))
    }
}

#[then(expr = "the {query} inside pod {string} is {string}")]
async fn inside_is(
    world: &mut World,
    query: Query,
    pod: String,
    value: String,
) -> Result<(), Stop> {
    let value = world.spelled(&value)?;
    let Query(command) = query;
    let found = world.exec(&pod, &["sh", "-c", &command]).await?;
    if found == value {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: {command:?} inside pod {pod:?} prints {value:?}; seen: {found:?}"
    )))
}

#[then(expr = "the resolver of pod {string} searches {names}")]
async fn searches(world: &mut World, pod: String, suffixes: Names) -> Result<(), Stop> {
    let mut wanted = Vec::new();
    for suffix in &suffixes.0 {
        wanted.push(world.spelled(suffix)?);
    }
    let resolver = world.resolver(&pod).await?;
    // A node may add suffixes of its own after those of the cluster.
    if resolver.search.starts_with(&wanted) && resolver.ndots == 5 {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: pod {pod:?} searches {} with ndots 5; seen: {} with ndots {}",
        wanted.join(", "),
        resolver.search.join(", "),
        resolver.ndots
    )))
}

#[given(expr = "a one-off pod {string} runs")]
#[when(expr = "a one-off pod {string} runs")]
async fn one_off_runs(world: &mut World, name: String) -> Result<(), Stop> {
    let spec = pod_spec(world.scene.cluster.capabilities());
    world
        .create(
            Kind::Pod,
            json!({ "metadata": { "name": name }, "spec": spec }),
        )
        .await?;
    let expected = format!("pod {name:?} runs");
    world
        .comes_true(&expected, |seen| seen.is(&name, State::Running))
        .await
}

#[then(expr = "the name {string} never leads to the old address of pod {string} again")]
async fn never_again(world: &mut World, name: String, pod: String) -> Result<(), Stop> {
    let absolute = world.absolute(&name)?;
    let old = world.see(|seen| {
        seen.old_pod(&pod)
            .map(|pod| aspect(&pod, crate::world::Aspect::Address))
    });
    let old = old.unwrap_or_default();
    let expected = format!("{name} stops leading to {old}");
    world
        .answers(&name, RecordType::A, &expected, |_, answer| {
            !answer
                .addresses
                .iter()
                .any(|address| address.to_string() == old)
        })
        .await?;
    let since = world.answers.len();
    for _ in 0..20 {
        world.rest().await;
        world
            .ask(CLIENT, &absolute, RecordType::A)
            .await
            .map_err(|error| Stop::Inconclusive(format!("DNS did not answer: {error}")))?;
    }
    let again = world.answers[since..].iter().any(|answer| {
        answer
            .addresses
            .iter()
            .any(|address| address.to_string() == old)
    });
    if again {
        return Err(Stop::Fail(format!(
            "expected: {absolute} never leads to {old} again; seen: it did"
        )));
    }
    Ok(())
}
