//! Arithmetic of `$(( ))` and `expr`: whole numbers, the operators of C in their order.

/// The value of an expression; names stand for what `value_of` says.
pub(super) fn evaluate(text: &str, value_of: &dyn Fn(&str) -> String) -> Result<i64, String> {
    let mut at = Evaluation {
        rest: text.trim(),
        value_of,
    };
    if at.rest.is_empty() {
        return Ok(0);
    }
    let value = at.level(0)?;
    match at.rest.trim() {
        "" => Ok(value),
        rest => Err(format!("arithmetic syntax error near `{rest}`")),
    }
}

struct Evaluation<'a> {
    rest: &'a str,
    value_of: &'a dyn Fn(&str) -> String,
}

/// From the loosest to the tightest; a longer operator comes before its own beginning.
const LEVELS: [&[&str]; 8] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["+", "-"],
];
const TIGHTEST: [&str; 3] = ["*", "/", "%"];

impl Evaluation<'_> {
    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.rest = self.rest.trim_start();
        let found = operators.iter().find(|operator| {
            let doubled =
                matches!(**operator, "|" | "&") && self.rest.starts_with(&operator.repeat(2));
            self.rest.starts_with(**operator) && !doubled
        })?;
        self.rest = &self.rest[found.len()..];
        Some(found)
    }

    fn level(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.product();
        };
        let mut value = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let other = self.level(level + 1)?;
            value = match operator {
                "||" => i64::from(value != 0 || other != 0),
                "&&" => i64::from(value != 0 && other != 0),
                "|" => value | other,
                "^" => value ^ other,
                "&" => value & other,
                "==" => i64::from(value == other),
                "!=" => i64::from(value != other),
                "<=" => i64::from(value <= other),
                ">=" => i64::from(value >= other),
                "<" => i64::from(value < other),
                ">" => i64::from(value > other),
                "+" => value.wrapping_add(other),
                _ => value.wrapping_sub(other),
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<i64, String> {
        let mut value = self.single()?;
        while let Some(operator) = self.operator(&TIGHTEST) {
            let other = self.single()?;
            value = match operator {
                "*" => value.wrapping_mul(other),
                _ if other == 0 => return Err("divide by zero".to_owned()),
                "/" => value.wrapping_div(other),
                _ => value.wrapping_rem(other),
            };
        }
        Ok(value)
    }

    fn single(&mut self) -> Result<i64, String> {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            let value = self.level(0)?;
            let closed = self.rest.trim_start().strip_prefix(')');
            self.rest = closed.ok_or("arithmetic syntax error: expected `)`")?;
            return Ok(value);
        }
        for (sign, change) in [("-", -1), ("+", 1)] {
            if let Some(rest) = self.rest.strip_prefix(sign) {
                self.rest = rest;
                return Ok(self.single()? * change);
            }
        }
        if let Some(rest) = self.rest.strip_prefix('!') {
            self.rest = rest;
            return Ok(i64::from(self.single()? == 0));
        }
        let end = self
            .rest
            .find(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word.parse() {
            Ok(number) => Ok(number),
            Err(_) if word.is_empty() => Err("arithmetic syntax error".to_owned()),
            Err(_) if word.starts_with(|first: char| first.is_ascii_digit()) => {
                Err(format!("arithmetic syntax error near `{word}`"))
            }
            Err(_) => Ok((self.value_of)(word).trim().parse().unwrap_or(0)),
        }
    }
}
