//! The text of the specification: compiled in, or read from a folder of one's own.

use std::{fs, io, path::Path};

use cucumber::{
    feature::Ext as _,
    gherkin::{Feature, GherkinEnv},
};
use include_dir::{Dir, include_dir};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/features");

/// One feature, read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Chapter and file, without its ending: `ordering/startup`.
    pub path: String,
    /// What it says, outlines expanded.
    pub feature: Feature,
}

/// Features that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text is not Gherkin.
    #[error(
        "{file}:{line}: this is not Gherkin here: {text}; see https://cucumber.io/docs/gherkin/reference"
    )]
    Text {
        /// The file.
        file: String,
        /// Where reading stopped.
        line: usize,
        /// What that line says.
        text: String,
    },
    /// An outline's rows do not fit it.
    #[error("{file}: {fault}")]
    Outline {
        /// The file.
        file: String,
        /// What is wrong.
        fault: String,
    },
    /// A feature lies where none belongs.
    #[error("{file}: a feature belongs into the folder of its chapter: CHAPTER/NAME.feature")]
    Misplaced {
        /// The file.
        file: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read the features of {file}: {source}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The features that are compiled in, ordered by path.
///
/// # Errors
///
/// One of them is broken, with its file and line.
pub fn embedded() -> Result<Vec<Source>, Error> {
    let mut texts = Vec::new();
    for chapter in EMBEDDED.dirs() {
        for file in chapter.files() {
            let text = file.contents_utf8().unwrap_or_default();
            texts.push((file.path().display().to_string(), text.to_owned()));
        }
    }
    read_all("features", texts)
}

/// The features of a folder that has a folder for each chapter, ordered by path.
///
/// # Errors
///
/// The folder cannot be read, or one of its features is broken.
pub fn in_folder(folder: &Path) -> Result<Vec<Source>, Error> {
    let name = folder.display().to_string();
    let unreadable = |path: &Path| {
        let file = path.display().to_string();
        move |source| Error::Unreadable { file, source }
    };
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        let files = match path.is_dir() {
            true => fs::read_dir(&path)
                .map_err(unreadable(&path))?
                .collect::<Result<Vec<_>, _>>(),
            false => Ok(Vec::new()),
        };
        let files = files
            .map_err(unreadable(&path))?
            .into_iter()
            .map(|file| file.path())
            .chain([path.clone()]);
        for file in files.filter(|file| file.is_file() && is_feature(file)) {
            let text = fs::read_to_string(&file).map_err(unreadable(&file))?;
            let within = file
                .strip_prefix(folder)
                .unwrap_or(&file)
                .display()
                .to_string();
            texts.push((within, text));
        }
    }
    read_all(&name, texts)
}

fn is_feature(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "feature")
}

fn read_all(folder: &str, mut texts: Vec<(String, String)>) -> Result<Vec<Source>, Error> {
    texts.retain(|(path, _)| is_feature(Path::new(path)));
    texts.sort();
    texts
        .iter()
        .map(|(path, text)| read(folder, path, text))
        .collect()
}

/// Reads one feature and expands its outlines; `path` is within `folder`, which only errors name.
pub(crate) fn read(folder: &str, path: &str, text: &str) -> Result<Source, Error> {
    let file = format!("{folder}/{path}");
    let place = path.trim_end_matches(".feature").to_owned();
    if place.split('/').count() != 2 {
        return Err(Error::Misplaced { file });
    }
    let feature = Feature::parse(text, GherkinEnv::default()).map_err(|error| {
        // The parser tells in its words only how far it came, which may be lines after the wrong one.
        let text_of_error = error.to_string();
        let came_to = text_of_error
            .split([' ', ':'])
            .find_map(|word| word.parse().ok());
        let line = stray_line(text)
            .or(came_to)
            .unwrap_or(1)
            .min(text.lines().count().max(1));
        let text = text
            .lines()
            .nth(line - 1)
            .unwrap_or_default()
            .trim()
            .to_owned();
        Error::Text {
            file: file.clone(),
            line,
            text,
        }
    })?;
    let feature = feature.expand_examples().map_err(|error| Error::Outline {
        file,
        fault: error.to_string(),
    })?;
    Ok(Source {
        path: place,
        feature,
    })
}

/// The first line after a step that is neither a keyword's nor part of a table or of a text in quotes.
fn stray_line(text: &str) -> Option<usize> {
    const STEPS: [&str; 6] = ["Given ", "When ", "Then ", "And ", "But ", "* "];
    const OTHERS: [&str; 4] = ["@", "#", "|", "Examples:"];
    const HEADS: [&str; 6] = [
        "Feature:",
        "Rule:",
        "Background:",
        "Scenario:",
        "Scenario Outline:",
        "Example:",
    ];
    let begins = |line: &str, with: &[&str]| with.iter().any(|word| line.starts_with(word));
    let (mut after_step, mut quoted) = (false, false);
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with("\"\"\"") {
            quoted = !quoted;
        } else if !quoted && begins(line, &STEPS) {
            after_step = true;
        } else if begins(line, &HEADS) {
            after_step = false;
        } else if after_step && !quoted && !line.is_empty() && !begins(line, &OTHERS) {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_text_is_named_by_file_and_line() {
        let text = "Feature: a\n\n  Scenario: b\n    Given c\n    Thn d\n";
        let error = read("features", "ordering/a.feature", text)
            .expect_err("it is broken")
            .to_string();
        assert!(
            error.starts_with("features/ordering/a.feature:5: this is not Gherkin here: Thn d"),
            "{error}"
        );
    }

    #[test]
    fn a_feature_outside_of_a_chapter_is_refused() {
        for path in ["a.feature", "ordering/deeper/a.feature"] {
            let error = read("features", path, "Feature: a\n")
                .expect_err("it is misplaced")
                .to_string();
            assert!(
                error.starts_with(&format!("features/{path}: a feature belongs")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_features_that_are_compiled_in_can_be_read() {
        embedded().expect("they are Gherkin");
    }
}
