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

fn too_long(text: &str, most: usize) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} bytes"))
}

fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(lower)
        && bytes.last().copied().is_some_and(lower)
        && bytes.iter().all(|&c| lower(c) || c == b'-')
}

/// A DNS label (RFC 1123).
pub fn dns_label(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 63));
    if !is_label(text) {
        faults.push(match dns_subdomain(text).is_empty() {
            true => "must not contain dots".to_owned(),
            false => LABEL.to_owned(),
        });
    }
    faults
}

/// A DNS label that starts with a letter (RFC 1035).
pub fn dns_1035_label(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 63));
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        faults.push(LABEL_1035.to_owned());
    }
    faults
}

/// A DNS subdomain (RFC 1123): labels joined by dots.
pub fn dns_subdomain(text: &str) -> Faults {
    let mut faults = Vec::from_iter(too_long(text, 253));
    if !text.split('.').all(is_label) {
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
    let mut faults = Vec::from_iter(too_long(text, 63));
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
                let prefixed = dns_subdomain(prefix);
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
    } else if let Some(fault) = too_long(name, 63) {
        faults.push(format!("name part {fault}"));
    }
    if !is_word(name) {
        faults.push(NAME_PART.to_owned());
    }
    faults
}
