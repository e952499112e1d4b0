//! The words of the specification are few, and no two say one thing.

use std::collections::{BTreeMap, BTreeSet};

use cucumber::{
    codegen::{StepConstructor, WorldInventory, inventory},
    feature::Ext as _,
    gherkin::{Feature, GherkinEnv, Step, StepType},
};
use include_dir::{Dir, include_dir};
use regex::Regex;

use crate::world::World;

static STEPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/steps");

/// Every phrasing, with the files it is in.
fn phrasings() -> BTreeMap<String, BTreeSet<String>> {
    let attribute =
        Regex::new(r##"#\[(?:given|when|then)\(\s*(?:expr|regex) = r?#?"(.*?)"#?\s*\)\]"##)
            .expect("a pattern");
    let mut phrasings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in STEPS.files() {
        let name = file.path().display().to_string();
        let text = file.contents_utf8().unwrap_or_default();
        for found in attribute.captures_iter(text) {
            phrasings
                .entry(found[1].to_owned())
                .or_default()
                .insert(name.clone());
        }
    }
    phrasings.retain(|_, files| !files.contains("vocabulary.rs"));
    phrasings
}

#[test]
fn the_phrasings_are_fewer_than_150() {
    let phrasings = phrasings();
    assert!(phrasings.len() > 50, "the phrasings were not found");
    assert!(phrasings.len() < 150, "{} phrasings", phrasings.len());
}

/// The words that carry the meaning, without parameters and forms.
fn bones(phrasing: &str) -> BTreeSet<String> {
    const FORMS: [&str; 12] = [
        "the", "a", "an", "is", "are", "its", "of", "it", "to", "in", "by", "at",
    ];
    let bare = Regex::new(r"\{\w+\}|\(s\)|/\w+")
        .expect("a pattern")
        .replace_all(phrasing, " ")
        .into_owned();
    let words = bare
        .split(|letter: char| !letter.is_alphanumeric())
        .map(str::to_lowercase);
    words
        .filter(|word| !word.is_empty() && !FORMS.contains(&word.as_str()))
        .collect()
}

#[test]
fn no_two_phrasings_say_one_thing() {
    let phrasings: Vec<(String, BTreeSet<String>)> = phrasings()
        .into_keys()
        .map(|phrasing| (phrasing.clone(), bones(&phrasing)))
        .collect();
    let mut twins = Vec::new();
    for (index, (one, words)) in phrasings.iter().enumerate() {
        for (other, others) in &phrasings[index + 1..] {
            let parameters = |text: &str| text.matches('{').count();
            if words == others && parameters(one) == parameters(other) && !words.is_empty() {
                twins.push(format!("{one}  |  {other}"));
            }
        }
    }
    assert_eq!(twins, Vec::<String>::new());
}

static FEATURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/features");

/// Every feature, with its path.
fn features() -> Vec<(String, Feature)> {
    let mut features = Vec::new();
    let chapters = FEATURES.dirs().flat_map(Dir::files);
    for file in chapters.filter(|file| file.path().extension().is_some_and(|end| end == "feature"))
    {
        let path = file.path().display().to_string();
        let text = file.contents_utf8().unwrap_or_default();
        let feature = Feature::parse(text, GherkinEnv::default())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        features.push((path, feature.expand_examples().expect("rows that fit")));
    }
    features
}

fn steps_of(feature: &Feature) -> Vec<&Step> {
    let backgrounds = feature.background.iter().chain(
        feature
            .rules
            .iter()
            .filter_map(|rule| rule.background.as_ref()),
    );
    let scenarios = feature
        .scenarios
        .iter()
        .chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
    let told = scenarios.flat_map(|scenario| &scenario.steps);
    backgrounds
        .flat_map(|background| &background.steps)
        .chain(told)
        .collect()
}

type Found = BTreeMap<&'static str, Vec<Regex>>;

fn patterns() -> Found {
    fn all<S: inventory::Collect + StepConstructor<World>>() -> Vec<Regex> {
        inventory::iter::<S>
            .into_iter()
            .map(|step| step.inner().1())
            .collect()
    }
    BTreeMap::from([
        ("Given", all::<<World as WorldInventory>::Given>()),
        ("When", all::<<World as WorldInventory>::When>()),
        ("Then", all::<<World as WorldInventory>::Then>()),
    ])
}

#[test]
fn every_sentence_means_one_thing() {
    let patterns = patterns();
    let mut faults = Vec::new();
    for (path, feature) in features() {
        for step in steps_of(&feature) {
            let word = match step.ty {
                StepType::Given => "Given",
                StepType::When => "When",
                StepType::Then => "Then",
            };
            let count = patterns[word]
                .iter()
                .filter(|pattern| pattern.is_match(&step.value))
                .count();
            if count != 1 {
                faults.push(format!(
                    "{path}:{}: {count} meanings of {word} {}",
                    step.position.line, step.value
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_phrasing_is_used() {
    let features = features();
    let sentences: Vec<&str> = features
        .iter()
        .flat_map(|(_, feature)| steps_of(feature))
        .map(|step| step.value.as_str())
        .collect();
    let mut unused = BTreeSet::new();
    for patterns in patterns().values() {
        for pattern in patterns {
            if !sentences.iter().any(|sentence| pattern.is_match(sentence)) {
                unused.insert(pattern.as_str().to_owned());
            }
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}
