use hickory_proto::{
    op::{Query, ResponseCode},
    rr::{Name, RecordType},
};
use serde_json::json;

use super::*;

fn zone() -> Zone {
    Zone {
        domain: "cluster.local".to_owned(),
        server: DNS_ADDRESS,
    }
}

fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Arc<T> {
    Arc::new(serde_json::from_value(value).expect("a valid object"))
}

fn service(name: &str, spec: serde_json::Value) -> Arc<Service> {
    from(json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec}))
}

fn slice(
    service: &str,
    ports: serde_json::Value,
    endpoints: serde_json::Value,
) -> Arc<EndpointSlice> {
    let labels = json!({"kubernetes.io/service-name": service});
    let metadata =
        json!({"name": format!("{service}-x"), "namespace": "default", "labels": labels});
    from(
        json!({"metadata": metadata, "addressType": "IPv4", "ports": ports, "endpoints": endpoints}),
    )
}

fn endpoint(address: &str, hostname: Option<&str>, ready: bool) -> serde_json::Value {
    json!({"addresses": [address], "hostname": hostname, "conditions": {"ready": ready}})
}

/// web-0 is ready and web-1 is not; `nginx` is headless, `all` also tells who is not ready, `front` has an address of
/// its own over the same pods, `quiet` is headless with nobody ready, `away` is a name elsewhere.
fn data() -> Data {
    let web = [
        endpoint("10.244.1.6", Some("web-0"), true),
        endpoint("10.244.1.7", Some("web-1"), false),
    ];
    let bare = [endpoint("10.244.1.6", None, true)];
    let ports = json!([{"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "", "port": 9}]);
    Data {
        services: vec![
            service(
                "nginx",
                json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}),
            ),
            service(
                "all",
                json!({"clusterIP": "None", "publishNotReadyAddresses": true}),
            ),
            service(
                "front",
                json!({"clusterIP": "10.96.1.1", "ports": [{"name": "http", "port": 80}]}),
            ),
            service("quiet", json!({"clusterIP": "None"})),
            service(
                "away",
                json!({"type": "ExternalName", "externalName": "front.default.svc.cluster.local"}),
            ),
        ],
        slices: vec![
            slice("nginx", ports, json!(web)),
            slice("all", json!([]), json!(web)),
            slice(
                "front",
                json!([{"name": "http", "port": 8080}]),
                json!(bare),
            ),
            slice(
                "quiet",
                json!([]),
                json!([endpoint("10.244.1.7", Some("web-1"), false)]),
            ),
        ],
        namespaces: ["default".to_owned()].into(),
    }
}

fn ask(name: &str, kind: RecordType) -> Message {
    let mut request = Message::query();
    request.metadata.id = 7;
    request.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    answer(&zone(), &data(), &request)
}

/// `NXDOMAIN`, `NODATA`, or the answers' data.
fn told(name: &str, kind: RecordType) -> String {
    let reply = ask(name, kind);
    let answers: Vec<_> = reply
        .answers
        .iter()
        .map(|record| record.data.to_string())
        .collect();
    match (reply.metadata.response_code, answers.is_empty()) {
        (ResponseCode::NoError, true) => "NODATA".to_owned(),
        (ResponseCode::NoError, false) => answers.join(", "),
        (code, _) => match code {
            ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
            other => other.to_string(),
        },
    }
}

#[test]
fn names_and_what_they_answer() {
    use RecordType::{A, AAAA, CNAME, MX, PTR, SOA, SRV, TXT};
    let table = [
        ("nginx.default.svc.cluster.local.", A, "10.244.1.6"),
        ("NGINX.Default.svc.Cluster.local.", A, "10.244.1.6"),
        ("web-0.nginx.default.svc.cluster.local.", A, "10.244.1.6"),
        ("web-0.nginx.default.svc.cluster.local.", AAAA, "NODATA"),
        ("web-0.nginx.default.svc.cluster.local.", MX, "NODATA"),
        ("web-1.nginx.default.svc.cluster.local.", A, "NXDOMAIN"),
        ("web-9.nginx.default.svc.cluster.local.", A, "NXDOMAIN"),
        ("web-1.all.default.svc.cluster.local.", A, "10.244.1.7"),
        (
            "all.default.svc.cluster.local.",
            A,
            "10.244.1.6, 10.244.1.7",
        ),
        ("quiet.default.svc.cluster.local.", A, "NXDOMAIN"),
        ("missing.default.svc.cluster.local.", A, "NXDOMAIN"),
        ("nginx.other.svc.cluster.local.", A, "NXDOMAIN"),
        ("front.default.svc.cluster.local.", A, "10.96.1.1"),
        ("front.default.svc.cluster.local.", TXT, "NODATA"),
        ("web-0.front.default.svc.cluster.local.", A, "NXDOMAIN"),
        (
            "10-244-1-6.front.default.svc.cluster.local.",
            A,
            "10.244.1.6",
        ),
        ("10-244-1-9.default.pod.cluster.local.", A, "10.244.1.9"),
        ("default.svc.cluster.local.", A, "NODATA"),
        ("other.svc.cluster.local.", A, "NXDOMAIN"),
        ("svc.cluster.local.", A, "NODATA"),
        ("ns.dns.cluster.local.", A, "10.96.0.10"),
        ("dns-version.cluster.local.", TXT, "1.1.0"),
        (
            "away.default.svc.cluster.local.",
            A,
            "front.default.svc.cluster.local., 10.96.1.1",
        ),
        (
            "away.default.svc.cluster.local.",
            CNAME,
            "front.default.svc.cluster.local.",
        ),
        (
            "_http._tcp.nginx.default.svc.cluster.local.",
            SRV,
            "0 100 8080 web-0.nginx.default.svc.cluster.local.",
        ),
        (
            "_http._tcp.front.default.svc.cluster.local.",
            SRV,
            "0 100 80 front.default.svc.cluster.local.",
        ),
        (
            "_http._udp.nginx.default.svc.cluster.local.",
            SRV,
            "NXDOMAIN",
        ),
        ("_http._tcp.nginx.default.svc.cluster.local.", A, "NODATA"),
        ("_tcp.nginx.default.svc.cluster.local.", A, "NODATA"),
        (
            "_ftp._tcp.nginx.default.svc.cluster.local.",
            SRV,
            "NXDOMAIN",
        ),
        ("all.default.svc.cluster.local.", SRV, "NODATA"),
        (
            "6.1.244.10.in-addr.arpa.",
            PTR,
            "10-244-1-6.front.default.svc.cluster.local., web-0.all.default.svc.cluster.local., \
             web-0.nginx.default.svc.cluster.local.",
        ),
        (
            "7.1.244.10.in-addr.arpa.",
            PTR,
            "web-1.all.default.svc.cluster.local.",
        ),
        (
            "1.1.96.10.in-addr.arpa.",
            PTR,
            "front.default.svc.cluster.local.",
        ),
        ("9.9.9.10.in-addr.arpa.", PTR, "NXDOMAIN"),
        ("example.com.", A, "NXDOMAIN"),
        ("notcluster.local.", SOA, "NXDOMAIN"),
    ];
    for (name, kind, expected) in table {
        assert_eq!(told(name, kind), expected, "{name} {kind}");
    }
}

#[test]
fn a_negative_answer_says_how_long_it_is_good() {
    for name in [
        "web-9.nginx.default.svc.cluster.local.",
        "svc.cluster.local.",
    ] {
        let reply = ask(name, RecordType::A);
        let ttls: Vec<_> = reply.authorities.iter().map(|record| record.ttl).collect();
        assert_eq!(ttls, [30]);
        assert!(reply.metadata.authoritative);
    }
    assert!(ask("example.com.", RecordType::A).authorities.is_empty());
}

#[test]
fn a_positive_answer_repeats_id_question_and_spelling() {
    let reply = ask("Web-0.nginx.default.svc.cluster.local.", RecordType::A);
    assert_eq!(reply.metadata.id, 7);
    assert_eq!(reply.queries.len(), 1);
    assert_eq!(reply.answers[0].ttl, 5);
    let spelled = reply.answers[0].name.to_ascii();
    assert_eq!(spelled, "Web-0.nginx.default.svc.cluster.local.");
}

#[test]
fn the_address_of_a_target_comes_along() {
    let reply = ask(
        "_http._tcp.nginx.default.svc.cluster.local.",
        RecordType::SRV,
    );
    let extra: Vec<_> = reply
        .additionals
        .iter()
        .map(|record| record.data.to_string())
        .collect();
    assert_eq!(extra, ["10.244.1.6"]);
}
