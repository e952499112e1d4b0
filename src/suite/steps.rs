//! The sentences that features may use.

use cucumber::{
    Parameter as _,
    codegen::{StepConstructor, WorldInventory, inventory::Collect, inventory::iter},
};

use regex::Regex;

use crate::{
    report::ListedStep,
    world::{Aspect, Attribute, Names, Quoted, State, World},
};

/// Every sentence, by keyword and then by its words.
pub fn steps() -> Vec<ListedStep> {
    let mut all = of::<<World as WorldInventory>::Given>("Given");
    all.extend(of::<<World as WorldInventory>::When>("When"));
    all.extend(of::<<World as WorldInventory>::Then>("Then"));
    all.sort();
    all
}

fn of<T: Collect + StepConstructor<World>>(keyword: &'static str) -> Vec<ListedStep> {
    (iter::<T>.into_iter())
        .map(|step| {
            let (place, regex, _) = step.inner();
            ListedStep {
                keyword,
                sentence: sentence(regex().as_str()),
                place: format!("{}:{}", place.path.replace('\\', "/"), place.line),
            }
        })
        .collect()
}

/// What a regular expression that cucumber made of a sentence was made of.
fn sentence(regex: &str) -> String {
    let quoted = r#"(?:"([^"\\]*(?:\\.[^"\\]*)*)"|'([^'\\]*(?:\\.[^'\\]*)*)')"#;
    let own = [
        (Names::REGEX, Names::NAME),
        (State::REGEX, State::NAME),
        (Aspect::REGEX, Aspect::NAME),
        (Attribute::REGEX, Attribute::NAME),
        (Quoted::REGEX, Quoted::NAME),
    ];
    let own = own.map(|(pattern, name)| (format!("({pattern})"), format!("{{{name}}}")));
    let built_in = [
        (quoted, "{string}"),
        (r"((?:-?\d+)|(?:\d+))", "{int}"),
        (r"([^\s]+)", "{word}"),
    ];
    let built_in = built_in.map(|(pattern, name)| (pattern.to_owned(), name.to_owned()));
    let groups = Regex::new(r"\?P<__\d+_\d+>").expect("it is a regular expression");
    let mut text = groups
        .replace_all(regex, "")
        .trim_start_matches('^')
        .trim_end_matches('$')
        .to_owned();
    for (pattern, name) in own.into_iter().chain(built_in) {
        text = text.replace(&pattern, &name);
    }
    // An optional end, as in `pod(s)`, and words of which any one will do, as in `is/are`.
    let optional = Regex::new(r"\(\?:([\w ]+)\)\?").expect("it is a regular expression");
    let either = Regex::new(r"\(\?:([\w ]+(?:\|[\w ]+)+)\)").expect("it is a regular expression");
    let text = optional.replace_all(&text, "($1)");
    let text = either.replace_all(&text, |found: &regex::Captures<'_>| {
        found[1].replace('|', "/")
    });
    text.replace(r"\.", ".")
        .replace(r"\(", "(")
        .replace(r"\)", ")")
        .replace(r"\-", "-")
}

#[cfg(test)]
mod tests {
    use cucumber::codegen::Expression;

    use super::sentence;

    #[test]
    fn a_sentence_comes_back_from_its_expression() {
        let text = "the set {string} has/gets {int} replica(s) in {word}";
        let regex = Expression::regex(text).expect("an expression");
        assert_eq!(sentence(regex.as_str()), text);
    }

    #[test]
    fn no_sentence_of_ours_shows_its_expression() {
        let odd: Vec<_> = super::steps()
            .into_iter()
            .filter(|step| {
                ["(?P", "(?:\""]
                    .iter()
                    .any(|part| step.sentence.contains(part))
            })
            .collect();
        assert!(odd.is_empty(), "{odd:#?}");
    }
}
