//! From a question to a message.

use std::net::IpAddr;

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RData, Record, RecordType},
};

use super::{Data, Zone};

/// How many aliases are followed.
const ALIASES: usize = 8;

/// Answers a request from what is known at this moment.
///
/// A name that does not exist is NXDOMAIN; one that exists, but has no record of the type asked for, has an answer
/// without records. Either carries the zone's SOA record. Names compare without regard to case, and records repeat the
/// name as it was asked for. What is outside the zone and no address is NXDOMAIN: this server forwards to nobody.
pub fn answer(zone: &Zone, data: &Data, request: &Message) -> Message {
    let id = request.metadata.id;
    let mut reply = Message::new(id, MessageType::Response, request.metadata.op_code);
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_queries(request.queries.iter().cloned());
    reply.edns.clone_from(&request.edns);
    match (request.metadata.op_code, request.queries.as_slice()) {
        (OpCode::Query, [question]) => fill(&mut reply, zone, data, question),
        (OpCode::Query, _) => reply.metadata.response_code = ResponseCode::FormErr,
        _ => reply.metadata.response_code = ResponseCode::NotImp,
    }
    reply
}

fn fill(reply: &mut Message, zone: &Zone, data: &Data, question: &Query) {
    let (name, kind) = (question.name(), question.query_type());
    let labels = zone.labels(name);
    let found = match &labels {
        Some(labels) => zone.records(data, name, labels),
        None => address_in(name).and_then(|address| zone.names(data, name, address)),
    };
    reply.metadata.authoritative = labels.is_some() || found.is_some();
    let Some(records) = found else {
        reply.metadata.response_code = ResponseCode::NXDomain;
        reply.add_authorities(labels.map(|_| zone.authority()));
        return;
    };
    let answers = choose(zone, data, records, kind);
    if answers.is_empty() {
        reply.add_authority(zone.authority());
    }
    if kind == RecordType::SRV {
        reply.add_additionals(targets(zone, data, &answers));
    }
    reply.add_answers(answers);
}

/// The address in a name of the reverse tree.
fn address_in(name: &Name) -> Option<IpAddr> {
    let net = name.parse_arpa_name().ok()?;
    (net.prefix_len() == net.max_prefix_len()).then(|| net.addr())
}

/// The records of the type asked for; an alias is followed as far as this zone goes.
fn choose(zone: &Zone, data: &Data, records: Vec<Record>, kind: RecordType) -> Vec<Record> {
    let mut answers = Vec::new();
    let mut records = records;
    for _ in 0..ALIASES {
        let fits = |record: &Record| {
            kind == RecordType::ANY
                || record.record_type() == kind
                || record.record_type() == RecordType::CNAME
        };
        answers.extend(records.into_iter().filter(fits));
        let target = match answers.last().map(|record| &record.data) {
            Some(RData::CNAME(target)) if kind != RecordType::CNAME => target.0.clone(),
            _ => break,
        };
        let labels = zone.labels(&target);
        match labels.and_then(|labels| zone.records(data, &target, &labels)) {
            Some(next) => records = next,
            None => break,
        }
    }
    answers
}

/// The addresses of what SRV records lead to.
fn targets(zone: &Zone, data: &Data, answers: &[Record]) -> Vec<Record> {
    let mut found: Vec<Record> = Vec::new();
    for answer in answers {
        let RData::SRV(service) = &answer.data else {
            continue;
        };
        let labels = zone.labels(&service.target).unwrap_or_default();
        let records = zone
            .records(data, &service.target, &labels)
            .into_iter()
            .flatten();
        let records = records.filter(|record| matches!(record.data, RData::A(_) | RData::AAAA(_)));
        for record in records {
            if !found.contains(&record) {
                found.push(record);
            }
        }
    }
    found
}
