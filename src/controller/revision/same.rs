//! Whether two data say the same in other words: what an older version wrote of a template that has not changed since.

use serde_json::{Value, json};

use super::{data, defaults, encode};

/// Whether old data, with today's defaults filled in, is the wanted data.
pub fn says_the_same(old: &Value, wanted: &Value) -> bool {
    let normal = |template: &Value| {
        let mut template = template.clone();
        prune(&mut template);
        defaults::fill(&mut template);
        if template["metadata"].is_null() {
            template["metadata"] = json!({});
        }
        prune(&mut template);
        encode(&data(template))
    };
    let (old, wanted) = (&old["spec"]["template"], &wanted["spec"]["template"]);
    old.is_object() && normal(old) == normal(wanted)
}

/// Takes out what a typed reader would not write again (nulls, empty maps and lists) and writes amounts so that equal
/// ones are equal texts.
fn prune(template: &mut Value) {
    match template {
        Value::Object(fields) => {
            fields.values_mut().for_each(prune);
            fields.retain(|key, field| match field {
                Value::Null => false,
                Value::Array(items) => !items.is_empty(),
                Value::Object(inner) => !inner.is_empty() || !MAPS.contains(&key.as_str()),
                _ => true,
            });
            for amounts in ["limits", "requests"] {
                if let Some(Value::Object(amounts)) = fields.get_mut(amounts) {
                    amounts.values_mut().for_each(canonical);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// Fields of a pod template that are maps, left out when empty; other empty objects mean something.
const MAPS: [&str; 8] = [
    "annotations",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "overhead",
    "requests",
    "volumeAttributes",
];

fn canonical(amount: &mut Value) {
    let text = match &*amount {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(exact) = exact(&text) {
        *amount = exact.into();
    }
}

/// An amount in billionths, and whether it is written in powers of two or of ten; None of a text that is no amount.
///
/// `0.1` is `100m`, and `1024Mi` is `1Gi`; but `1Gi` is not `1073741824`: a server writes them as it was told.
fn exact(text: &str) -> Option<String> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !".+-".contains(c))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let binary = BINARY
        .iter()
        .zip(1..)
        .find(|(name, _)| **name == suffix)
        .map(|(_, step)| step);
    let power = match binary {
        Some(_) => 0,
        None => match DECIMAL.iter().find(|(name, _)| *name == suffix) {
            Some((_, power)) => *power,
            None => suffix.strip_prefix(['e', 'E'])?.parse().ok()?,
        },
    };
    let power = power + 9 - i32::try_from(fraction.len()).ok()?;
    let scale = 10i128.checked_pow(power.unsigned_abs())?;
    let amount = digits.checked_mul(1 << (10 * binary.unwrap_or(0)))?;
    let nano = if power < 0 {
        amount / scale
    } else {
        amount.checked_mul(scale)?
    };
    let is_binary = binary.is_some() && nano % 1_000_000_000 == 0 && nano >= 1024 * 1_000_000_000;
    let is_exponent = binary.is_none() && suffix.len() > 1;
    Some(format!(
        "{nano} {}",
        match (is_binary, is_exponent) {
            (true, _) => "binary",
            (_, true) => "exponent",
            _ => "decimal",
        }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_amounts_are_equal_texts_and_others_are_not() {
        for (one, other, equal) in [
            ("0.1", "100m", true),
            ("1000m", "1", true),
            ("1024Mi", "1Gi", true),
            ("1.5Gi", "1536Mi", true),
            ("0.5Ki", "512", true),
            ("1Gi", "1073741824", false),
            ("1e3", "1k", false),
            ("1", "2", false),
            ("1k", "1000", true),
        ] {
            assert_eq!(exact(one) == exact(other), equal, "{one} {other}");
        }
        assert_eq!(exact("many"), None);
    }
}
