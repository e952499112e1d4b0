//! Label selectors: `app=web,tier in (a, b),!old`.

use std::fmt;

use serde_json::Value;

use crate::mini::api::{Status, validate::names};

/// How a requirement relates a label to its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// One of the values; also written `=` with one value.
    In,
    /// None of the values, or no such label; also written `!=`.
    NotIn,
    /// There is such a label.
    Exists,
    /// There is no such label.
    DoesNotExist,
    /// An integer above the value.
    GreaterThan,
    /// An integer below the value.
    LessThan,
}

/// A condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what; sorted, each once.
    pub values: Vec<String>,
    /// Written with `=` or `!=`.
    exact: bool,
}

/// Conditions that an object's labels must all satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Absent: nothing is selected, as by an absent LabelSelector.
    requirements: Option<Vec<Requirement>>,
}

impl Labels {
    /// Selects everything.
    pub fn everything() -> Self {
        Self {
            requirements: Some(Vec::new()),
        }
    }

    /// Selects nothing.
    pub fn nothing() -> Self {
        Self { requirements: None }
    }

    /// Reads a selector as it stands in a query.
    ///
    /// # Errors
    ///
    /// 400 for a text of another form, keys or values that no label can have.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let mut parser = Parser {
            tokens: lex(text),
            at: 0,
        };
        let mut requirements = parser.selector().map_err(|fault| {
            Status::bad_request(match fault {
                Fault::Bare(text) => text,
                Fault::Requirement(text) => format!("unable to parse requirement: {text}"),
            })
        })?;
        requirements.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(Self {
            requirements: Some(requirements),
        })
    }

    /// The selector that a LabelSelector stands for: an absent one selects nothing, an empty one everything.
    ///
    /// # Errors
    ///
    /// 400 for an unknown operator, keys or values that no label can have.
    pub fn of(selector: &Value) -> Result<Self, Status> {
        if selector.is_null() {
            return Ok(Self::nothing());
        }
        let mut requirements = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            requirements.push(requirement(key, Operator::In, vec![value], true)?);
        }
        for expression in selector["matchExpressions"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let operator = match expression["operator"].as_str().unwrap_or_default() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(Status::bad_request(format!(
                        "{other:?} is not a valid label selector operator"
                    )));
                }
            };
            let values = expression["values"].as_array().into_iter().flatten();
            let values = values
                .map(|value| value.as_str().unwrap_or_default().to_owned())
                .collect();
            let key = expression["key"].as_str().unwrap_or_default();
            requirements.push(requirement(key, operator, values, false)?);
        }
        requirements.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(Self {
            requirements: Some(requirements),
        })
    }

    /// Selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether the object's labels satisfy all conditions.
    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&object["metadata"]["labels"])
    }

    /// Whether these labels, an object or null, satisfy all conditions.
    pub fn matches_labels(&self, labels: &Value) -> bool {
        let Some(requirements) = &self.requirements else {
            return false;
        };
        requirements.iter().all(|requirement| {
            let actual = labels.get(&requirement.key).and_then(Value::as_str);
            requirement.matches(actual)
        })
    }
}

impl Requirement {
    fn matches(&self, actual: Option<&str>) -> bool {
        let among = |actual: &str| self.values.iter().any(|value| value == actual);
        let number = |text: &str| text.parse::<i64>().ok();
        let compared = |holds: fn(&i64, &i64) -> bool| {
            let bound = self.values.first().and_then(|value| number(value));
            actual
                .and_then(number)
                .zip(bound)
                .is_some_and(|(actual, bound)| holds(&actual, &bound))
        };
        match self.operator {
            Operator::In => actual.is_some_and(among),
            Operator::NotIn => !actual.is_some_and(among),
            Operator::Exists => actual.is_some(),
            Operator::DoesNotExist => actual.is_none(),
            Operator::GreaterThan => compared(i64::gt),
            Operator::LessThan => compared(i64::lt),
        }
    }
}

impl fmt::Display for Labels {
    /// As `status.selector` of a Scale carries it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().flatten().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            write!(out, "{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let values = self.values.join(",");
        match self.operator {
            Operator::In if self.exact => write!(out, "{key}={values}"),
            Operator::NotIn if self.exact => write!(out, "{key}!={values}"),
            Operator::In => write!(out, "{key} in ({values})"),
            Operator::NotIn => write!(out, "{key} notin ({values})"),
            Operator::Exists => out.write_str(key),
            Operator::DoesNotExist => write!(out, "!{key}"),
            Operator::GreaterThan => write!(out, "{key}>{values}"),
            Operator::LessThan => write!(out, "{key}<{values}"),
        }
    }
}

fn requirement(
    key: &str,
    operator: Operator,
    mut values: Vec<String>,
    exact: bool,
) -> Result<Requirement, Status> {
    check(key, operator, &values).map_err(Status::bad_request)?;
    values.sort();
    values.dedup();
    Ok(Requirement {
        key: key.to_owned(),
        operator,
        values,
        exact,
    })
}

/// What is wrong with a requirement, in the words of an aggregated field error.
fn check(key: &str, operator: Operator, values: &[String]) -> Result<(), String> {
    let mut faults = Vec::new();
    let key_faults = names::label_key(key);
    if !key_faults.is_empty() {
        faults.push(format!(
            "key: Invalid value: {key:?}: {}",
            key_faults.join("; ")
        ));
    }
    match operator {
        Operator::In | Operator::NotIn if values.is_empty() => faults.push(
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
                .to_owned(),
        ),
        Operator::Exists | Operator::DoesNotExist if !values.is_empty() => faults.push(format!(
            "values: Invalid value: {}: values set must be empty for exists and does not exist",
            serde_json::json!(values)
        )),
        Operator::GreaterThan | Operator::LessThan => {
            for (at, value) in values.iter().enumerate() {
                if value.parse::<i64>().is_err() {
                    faults.push(format!(
                        "values[{at}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                    ));
                }
            }
        }
        _ => {}
    }
    for (at, value) in values.iter().enumerate() {
        let value_faults = names::label_value(value);
        if !value_faults.is_empty() {
            faults.push(format!(
                "values[{at}][{key}]: Invalid value: {value:?}: {}",
                value_faults.join("; ")
            ));
        }
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err(faults.remove(0)),
        _ => Err(format!("[{}]", faults.join(", "))),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    End,
    Close,
    Comma,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
    Open,
    Word(String),
}

impl Token {
    fn text(&self) -> String {
        match self {
            Self::End => "",
            Self::Close => ")",
            Self::Comma => ",",
            Self::Not => "!",
            Self::Equals => "=",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Open => "(",
            Self::Word(text) => text,
        }
        .to_owned()
    }
}

fn lex(text: &str) -> Vec<Token> {
    let special = |c: char| "=!(),<>".contains(c);
    let blank = |c: char| " \t\r\n".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(blank);
    while let Some(first) = rest.chars().next() {
        let end = match first {
            // Operators are read as long as they have one: `==`, `!=`.
            '=' if rest.starts_with("==") => 2,
            '!' if rest.starts_with("!=") => 2,
            _ if special(first) => 1,
            _ => rest.find(|c| special(c) || blank(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        tokens.push(match token {
            ")" => Token::Close,
            "," => Token::Comma,
            "!" => Token::Not,
            "=" | "==" => Token::Equals,
            "!=" => Token::NotEquals,
            ">" => Token::Greater,
            "<" => Token::Less,
            "(" => Token::Open,
            word => Token::Word(word.to_owned()),
        });
        rest = after.trim_start_matches(blank);
    }
    tokens.push(Token::End);
    tokens
}

/// Faults that stand without "unable to parse requirement" are returned by `selector` itself.
enum Fault {
    Bare(String),
    Requirement(String),
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, Fault> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(requirements),
                Token::Word(_) | Token::Not => {}
                other => {
                    return Err(Fault::Bare(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        other.text()
                    )));
                }
            }
            requirements.push(self.requirement().map_err(Fault::Requirement)?);
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Comma if matches!(self.peek(), Token::Word(_) | Token::Not) => {}
                Token::Comma => {
                    return Err(Fault::Bare(format!(
                        "found '{}', expected: identifier after ','",
                        self.peek().text()
                    )));
                }
                other => {
                    return Err(Fault::Bare(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        other.text()
                    )));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next();
        let negated = token == Token::Not;
        if negated {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        let faults = names::label_key(&key);
        if !faults.is_empty() {
            return Err(format!(
                "<nil>: Invalid value: {key:?}: {}",
                faults.join("; ")
            ));
        }
        let (operator, values, exact) = if negated {
            (Operator::DoesNotExist, Vec::new(), false)
        } else if matches!(self.peek(), Token::End | Token::Comma) {
            (Operator::Exists, Vec::new(), false)
        } else {
            self.comparison()?
        };
        requirement(&key, operator, values, exact).map_err(|status| status.message)
    }

    fn comparison(&mut self) -> Result<(Operator, Vec<String>, bool), String> {
        let token = self.next();
        let (operator, exact) = match &token {
            Token::Word(word) if word == "in" => (Operator::In, false),
            Token::Word(word) if word == "notin" => (Operator::NotIn, false),
            Token::Equals => (Operator::In, true),
            Token::NotEquals => (Operator::NotIn, true),
            Token::Greater => (Operator::GreaterThan, true),
            Token::Less => (Operator::LessThan, true),
            other => {
                return Err(format!(
                    "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                    other.text()
                ));
            }
        };
        let values = if exact {
            vec![self.value()?]
        } else {
            self.values()?
        };
        Ok((operator, values, exact))
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.next() {
            Token::Word(word) => Ok(word),
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    /// `(a, b)`; nothing between commas is the empty value.
    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Open => {}
            other => return Err(format!("found '{}' expected: '('", other.text())),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(word) => {
                    values.push(word);
                    match self.next() {
                        Token::Comma => {}
                        Token::Close => return Ok(values),
                        other => {
                            return Err(format!("found '{}', expected: ',' or ')'", other.text()));
                        }
                    }
                }
                Token::Comma => values.push(String::new()),
                Token::Close => {
                    values.push(String::new());
                    return Ok(values);
                }
                other if values.is_empty() => {
                    return Err(format!(
                        "found '{}', expected: ',', ')' or identifier",
                        other.text()
                    ));
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: ',', or identifier",
                        other.text()
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_form_selects_what_it_says() {
        let object = json!({"metadata": {"labels": {"app": "web", "n": "3", "empty": ""}}});
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app = web , n", true),
            ("app!=web", false),
            ("other!=x", true),
            ("app in (a, web)", true),
            ("app notin (a,web)", false),
            ("other notin (a)", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("n>2", true),
            ("n<3", false),
            ("empty=", true),
            ("empty in ()", true),
            ("empty in (,a)", true),
            ("in in (in)", false),
        ] {
            let labels = Labels::parse(text).expect(text);
            assert_eq!(labels.matches(&object), expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_selector_is_refused_with_the_place() {
        for (text, expected) in [
            (
                "a in (b",
                "unable to parse requirement: found '', expected: ',' or ')'",
            ),
            (
                "a in b",
                "unable to parse requirement: found 'b' expected: '('",
            ),
            (
                "a b",
                "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            ),
            (
                "=b",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            ("a,", "found '', expected: identifier after ','"),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ] {
            assert_eq!(
                Labels::parse(text).expect_err(text).message,
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_label_selector_without_conditions_selects_everything_and_an_absent_one_nothing() {
        let object = json!({"metadata": {"labels": {"app": "web"}}});
        assert!(Labels::of(&json!({})).expect("valid").matches(&object));
        assert!(!Labels::of(&Value::Null).expect("valid").matches(&object));
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]});
        let labels = Labels::of(&selector).expect("valid");
        assert!(labels.matches(&object));
        assert_eq!(labels.to_string(), "app=web,!old");
        assert!(Labels::of(&json!({"matchExpressions": [{"key": "a", "operator": "X"}]})).is_err());
    }
}
