//! What names, labels and their like may look like. Each rule answers with the texts of the faults it found.

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
    end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
    must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
    character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
    '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
    must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const QUALIFIED: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
    an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

/// The faults of a text, none if it keeps the rule.
pub type Faults = Vec<String>;

fn lower(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Labels of objects say "bytes" here, names "characters".
fn too_long(text: &str, most: usize, unit: &str) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} {unit}"))
}

fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(lower)
        && bytes.last().copied().is_some_and(lower)
        && bytes.iter().all(|&c| lower(c) || c == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A DNS label (RFC 1123).
pub fn dns_label(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 63, "characters"));
    if !is_label(text) {
        faults.push(match is_subdomain(text) {
            true => "must not contain dots".to_owned(),
            false => LABEL.to_owned(),
        });
    }
    faults
}

/// A DNS label that starts with a letter (RFC 1035).
pub fn dns_1035_label(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 63, "characters"));
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        faults.push(LABEL_1035.to_owned());
    }
    faults
}

/// A DNS subdomain (RFC 1123): labels joined by dots.
pub fn dns_subdomain(text: &str) -> Faults {
    subdomain(text, "characters")
}

fn subdomain(text: &str, unit: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 253, unit));
    if !is_subdomain(text) {
        faults.push(SUBDOMAIN.to_owned());
    }
    faults
}

fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

/// The value of a label.
pub fn label_value(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 63, "bytes"));
    if !text.is_empty() && !is_word(text) {
        faults.push(LABEL_VALUE.to_owned());
    }
    faults
}

/// The key of a label or an annotation: a name with an optional prefix.
pub fn label_key(text: &str) -> Faults {
    let mut faults = Faults::new();
    let name = match text.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                let prefixed = subdomain(prefix, "bytes");
                faults.extend(
                    prefixed
                        .into_iter()
                        .map(|fault| format!("prefix part {fault}")),
                );
            }
            *name
        }
        _ => {
            faults.push(QUALIFIED.to_owned());
            return faults;
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if let Some(fault) = too_long(name, 63, "bytes") {
        faults.push(format!("name part {fault}"));
    }
    if !is_word(name) {
        faults.push(NAME_PART.to_owned());
    }
    faults
}

/// What may come before a generated suffix: a dash at the end is no fault.
pub fn prefix(text: &str, rule: fn(&str) -> Faults) -> Faults {
    match text.strip_suffix('-') {
        // Kubernetes replaces the last two characters, so that the length counts as one less.
        Some(rest) if !rest.is_empty() => rule(&format!("{}a", &rest[..rest.len() - 1])),
        _ => rule(text),
    }
}

/// A name that can be part of a URL's path.
pub fn path_segment(text: &str) -> Faults {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    let bad = ["/", "%"].into_iter().filter(|bad| text.contains(bad));
    bad.map(|bad| format!("may not contain '{bad}'")).collect()
}

/// The name of a port (IANA service name).
pub fn port_name(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 15, "characters"));
    let mut fault = |holds: bool, text: &str| {
        if !holds {
            faults.push(text.to_owned());
        }
    };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    fault(
        !text.is_empty() && text.chars().all(good),
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    );
    fault(
        text.chars().any(|c| c.is_ascii_lowercase()),
        "must contain at least one letter (a-z)",
    );
    fault(!text.contains("--"), "must not contain consecutive hyphens");
    fault(
        !text.starts_with('-') && !text.ends_with('-'),
        "must not begin or end with a hyphen",
    );
    faults
}

/// The name of an environment variable.
pub fn variable(text: &str) -> Faults {
    let mut faults = Faults::new();
    if text.is_empty() {
        faults.push("environment variable name must be non-empty".to_owned());
    }
    if !text.chars().all(|c| (' '..='~').contains(&c) && c != '=') {
        let fault = "a valid environment variable name must consist only of printable ASCII characters other than '='";
        faults.push(fault.to_owned());
    }
    faults
}

/// A key of a ConfigMap or a Secret.
pub fn config_key(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 253, "characters"));
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if text.is_empty() || !text.chars().all(good) {
        let fault = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
            'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
        faults.push(fault.to_owned());
    }
    if text == "." || text == ".." {
        faults.push(format!("must not be '{text}'"));
    } else if text.starts_with("..") {
        faults.push("must not start with '..'".to_owned());
    }
    faults
}

/// A percentage: `10%`.
pub fn percent(text: &str) -> Option<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    let good = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    (!good).then(|| {
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for \
         validation is '[0-9]+%')"
            .to_owned()
    })
}

/// An IP address of either family.
pub fn ip(text: &str) -> Option<String> {
    let good = text.parse::<std::net::IpAddr>().is_ok();
    (!good).then(|| "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned())
}

/// An IP address that packets from other machines can be sent to.
pub fn endpoint_ip(text: &str) -> Faults {
    let Ok(address) = text.parse::<std::net::IpAddr>() else {
        return vec!["must be a valid IP address".to_owned()];
    };
    let (link_local, link_multicast) = match address {
        std::net::IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        std::net::IpAddr::V6(v6) => (
            v6.is_unicast_link_local(),
            v6.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    let mut faults = Faults::new();
    if address.is_unspecified() {
        faults.push(format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        faults.push("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned());
    }
    if link_local {
        faults.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned());
    }
    if link_multicast {
        faults.push(
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        );
    }
    faults
}
