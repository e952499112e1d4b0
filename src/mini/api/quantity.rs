//! Quantities: `100m`, `1Gi`, `1e3`.
//!
//! A quantity is an integer multiple of 10⁻⁹ written with a decimal, binary or exponent suffix. An `i128` holds every
//! value that Kubernetes can represent.

use std::cmp::Ordering;

use super::{Cause, Status};

const UNIT: i128 = 1_000_000_000;
const MOST: i128 = i64::MAX as i128 * UNIT;

/// How a quantity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// A parsed quantity. Equality and order are those of its amount.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

impl Quantity {
    /// Nothing, as decimals are written.
    pub const ZERO: Self = Self {
        nano: 0,
        format: Format::Decimal,
    };

    /// The amount, rounded up to a whole number.
    pub fn ceil(self) -> i128 {
        self.nano.div_euclid(UNIT) + i128::from(self.nano.rem_euclid(UNIT) != 0)
    }

    /// The amount in thousandths, rounded up.
    pub fn milli(self) -> i128 {
        let step = UNIT / 1000;
        self.nano.div_euclid(step) + i128::from(self.nano.rem_euclid(step) != 0)
    }

    /// Less than nothing.
    pub fn is_negative(self) -> bool {
        self.nano < 0
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

/// A text that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", if *.suffix { SUFFIX } else { FORM })]
pub struct Error {
    suffix: bool,
}

const FORM: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX: &str = "unable to parse quantity's suffix";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// Reads a quantity.
///
/// Fractions of 10⁻⁹ are rounded up, amounts above 2⁶³-1 become 2⁶³-1.
///
/// # Errors
///
/// A text of another form, or with an unknown suffix.
pub fn parse(text: &str) -> Result<Quantity, Error> {
    const BAD: Error = Error { suffix: false };
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(BAD);
    }
    let (format, scale) = scale(suffix)?;
    let mut nano: i128 = 0;
    let mut rest = false;
    let (multiplier, tens) = match scale {
        Scale::Two(power) => (1i128 << power, 0),
        Scale::Ten(power) => (1, power),
    };
    // The value is digits * 10^(tens - fraction.len()) * multiplier; in 10⁻⁹ the power grows by 9.
    for digit in whole.bytes().chain(fraction.bytes()) {
        nano = nano
            .saturating_mul(10)
            .saturating_add(i128::from(digit - b'0'));
    }
    nano = nano.saturating_mul(multiplier);
    let mut power = 9 + tens - i32::try_from(fraction.len()).unwrap_or(i32::MAX / 2);
    while power > 0 && nano != 0 && nano < MOST {
        nano = nano.saturating_mul(10);
        power -= 1;
    }
    while power < 0 && nano != 0 {
        rest |= nano % 10 != 0;
        nano /= 10;
        power += 1;
    }
    nano = (nano + i128::from(rest)).min(MOST);
    if text.starts_with('-') {
        nano = -nano;
    }
    Ok(Quantity { nano, format })
}

enum Scale {
    Two(u32),
    Ten(i32),
}

fn scale(suffix: &str) -> Result<(Format, Scale), Error> {
    let decimal = |power| Ok((Format::Decimal, Scale::Ten(power)));
    let binary = |power| Ok((Format::Binary, Scale::Two(power)));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let power = suffix
                .strip_prefix(['e', 'E'])
                .and_then(|power| power.parse::<i8>().ok())
                .ok_or(Error {
                    suffix: suffix
                        .chars()
                        .all(|c| "eEinumkKMGTP+-".contains(c) || c.is_ascii_digit()),
                })?;
            Ok((Format::Exponent, Scale::Ten(i32::from(power))))
        }
    }
}

impl std::fmt::Display for Quantity {
    /// The canonical form: no fraction, the largest suffix that leaves none.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.nano % UNIT == 0;
        // Amounts below 1024, and fractions, are never written with a binary suffix.
        if self.format == Format::Binary && whole && self.nano.abs() >= 1024 * UNIT {
            let (mut amount, mut step) = (self.nano / UNIT, 0);
            while amount % 1024 == 0 && step < 6 {
                amount /= 1024;
                step += 1;
            }
            return write!(
                out,
                "{amount}{}",
                ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][step]
            );
        }
        let (mut amount, mut power) = (self.nano, -9);
        while amount != 0 && amount % 1000 == 0 && power < 18 {
            amount /= 1000;
            power += 3;
        }
        if amount == 0 {
            return out.write_str("0");
        }
        if self.format == Format::Exponent {
            return match power {
                0 => write!(out, "{amount}"),
                _ => write!(out, "{amount}e{power}"),
            };
        }
        let suffix = match power {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            18 => "E",
            _ => "",
        };
        write!(out, "{amount}{suffix}")
    }
}

/// The canonical form of a quantity: `0.1` becomes `100m`.
///
/// # Errors
///
/// A text that is no quantity.
pub fn canonical(text: &str) -> Result<String, Error> {
    parse(text).map(|quantity| quantity.to_string())
}

/// The canonical form of a quantity with a finer fraction than thousandths, rounded up to them; absent for others.
pub fn rounded_up(text: &str) -> Option<String> {
    let quantity = parse(text).ok()?;
    let fine = quantity.nano % (UNIT / 1000) != 0;
    fine.then(|| {
        let nano = quantity.milli() * (UNIT / 1000);
        let format = quantity.format;
        Quantity { nano, format }.to_string()
    })
}

/// The sum, written in the first one's format unless that is zero.
pub fn add(one: Quantity, other: Quantity) -> Quantity {
    Quantity {
        nano: (one.nano + other.nano).clamp(-MOST, MOST),
        format: if one.nano == 0 {
            other.format
        } else {
            one.format
        },
    }
}

/// Compares two quantities as texts.
///
/// # Errors
///
/// If one of them is no quantity.
pub fn compare(one: &str, other: &str) -> Result<Ordering, Error> {
    Ok(parse(one)?.cmp(&parse(other)?))
}

/// The fault of a field that should hold a quantity, if it is one that no server accepts.
pub fn fault(field: &str, text: &str) -> Option<Cause> {
    parse(text)
        .err()
        .map(|error| Cause::invalid(field, &text.into(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quantity_has_one_canonical_form() {
        for (text, expected) in [
            ("0.1", "100m"),
            ("1000m", "1"),
            ("1", "1"),
            ("0", "0"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1Ki", "1Ki"),
            ("128974848", "128974848"),
            ("129e6", "129e6"),
            ("1e3", "1e3"),
            ("123Mi", "123Mi"),
            ("-1.5", "-1500m"),
            ("100000n", "100u"),
            ("0.0000000001", "1n"),
            ("+5", "5"),
            (".5", "500m"),
            ("5.", "5"),
            ("1E", "1E"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "-", "1x", "1 Gi", "Gi", "1..2", "1.2.3", "1KiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn suffixes_do_not_matter_for_order_and_sums() {
        assert_eq!(compare("1Gi", "1024Mi"), Ok(Ordering::Equal));
        assert_eq!(compare("0.5", "501m"), Ok(Ordering::Less));
        assert_eq!(compare("1e3", "1k"), Ok(Ordering::Equal));
        let sum = add(parse("1Gi").expect("valid"), parse("512Mi").expect("valid"));
        assert_eq!(sum.to_string(), "1536Mi");
        assert_eq!(
            add(Quantity::ZERO, parse("1Ki").expect("valid")).to_string(),
            "1Ki"
        );
        assert_eq!(parse("1500m").expect("valid").ceil(), 2);
    }
}
