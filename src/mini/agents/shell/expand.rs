//! From words to arguments: variables, command output, arithmetic, splitting, file names.

use futures::future::BoxFuture;

use super::{
    arithmetic::evaluate,
    files,
    interpret::Shell,
    pipe::Io,
    syntax::{Part, Word},
};

/// Whether a text fits a pattern of `*`, `?`, `[...]`; a backslash takes a character's meaning away.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    fits_from(&pattern, &text)
}

fn fits_from(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([], _) => false,
        (['*', rest @ ..], _) => (0..=text.len()).any(|skip| fits_from(rest, &text[skip..])),
        (['\\', char, rest @ ..], [first, tail @ ..]) => char == first && fits_from(rest, tail),
        (['?', rest @ ..], [_, tail @ ..]) => fits_from(rest, tail),
        (['[', inside @ ..], [first, tail @ ..]) => {
            match inside.iter().skip(1).position(|char| *char == ']') {
                Some(end) => {
                    let (set, rest) = (&inside[..=end], &inside[end + 2..]);
                    in_set(set, *first) && fits_from(rest, tail)
                }
                None => *first == '[' && fits_from(inside, tail),
            }
        }
        ([char, rest @ ..], [first, tail @ ..]) => char == first && fits_from(rest, tail),
        (_, []) => false,
    }
}

fn in_set(set: &[char], char: char) -> bool {
    let (negated, set) = match set {
        ['!' | '^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut found = false;
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            found |= set[at] <= char && char <= set[at + 2];
            at += 3;
        } else {
            found |= set[at] == char;
            at += 1;
        }
    }
    found != negated
}

/// An argument being put together.
#[derive(Default)]
struct Field {
    text: String,
    /// The same with quoted special characters marked.
    pattern: String,
    /// A special character stands unquoted.
    special: bool,
}

#[derive(Default)]
struct Fields {
    done: Vec<Field>,
    open: Option<Field>,
}

impl Fields {
    fn add(&mut self, text: &str, quoted: bool) {
        let field = self.open.get_or_insert_with(Field::default);
        for char in text.chars() {
            let special = "*?[\\".contains(char);
            if quoted && special {
                field.pattern.push('\\');
            }
            field.special |= special && !quoted && char != '\\';
            field.text.push(char);
            field.pattern.push(char);
        }
    }

    fn close(&mut self) {
        self.done.extend(self.open.take());
    }

    /// The value of an unquoted expansion: blanks end arguments.
    fn split(&mut self, text: &str, separators: &str) {
        let is_separator = |char: char| separators.contains(char);
        if text.starts_with(is_separator) {
            self.close();
        }
        let mut first = true;
        for word in text.split(is_separator).filter(|word| !word.is_empty()) {
            if !first {
                self.close();
            }
            first = false;
            self.add(word, false);
        }
        if !first && text.ends_with(is_separator) {
            self.close();
        }
    }
}

/// An expansion that failed, with what to print.
pub(super) type Expanded<T> = Result<T, String>;

impl Shell {
    /// Words to arguments.
    pub(super) fn expand<'a>(
        &'a mut self,
        words: &'a [Word],
        io: &'a Io,
    ) -> BoxFuture<'a, Expanded<Vec<String>>> {
        Box::pin(async move {
            let mut arguments = Vec::new();
            for word in words {
                let mut fields = Fields::default();
                self.parts(word, &mut fields, true, io).await?;
                fields.close();
                for field in fields.done {
                    let names = match field.special {
                        true => self.matching(&field.pattern),
                        false => Vec::new(),
                    };
                    match names.is_empty() {
                        true => arguments.push(field.text),
                        false => arguments.extend(names),
                    }
                }
            }
            Ok(arguments)
        })
    }

    /// A word to one text, without splitting: an assignment's value, a redirection's target.
    pub(super) async fn expand_text(&mut self, word: &Word, io: &Io) -> Expanded<String> {
        let mut fields = Fields::default();
        self.parts(word, &mut fields, false, io).await?;
        fields.close();
        Ok(fields.done.into_iter().map(|field| field.text).collect())
    }

    /// A word to a pattern.
    pub(super) async fn expand_pattern(&mut self, word: &Word, io: &Io) -> Expanded<String> {
        let mut fields = Fields::default();
        self.parts(word, &mut fields, false, io).await?;
        fields.close();
        Ok(fields.done.into_iter().map(|field| field.pattern).collect())
    }

    fn parts<'a>(
        &'a mut self,
        word: &'a Word,
        fields: &'a mut Fields,
        split: bool,
        io: &'a Io,
    ) -> BoxFuture<'a, Expanded<()>> {
        Box::pin(async move {
            let separators = self.variable("IFS").unwrap_or_else(|| " \t\n".to_owned());
            for (at, part) in word.iter().enumerate() {
                match part {
                    Part::Text(text, quoted) => {
                        let tilde = at == 0 && !quoted && (text == "~" || text.starts_with("~/"));
                        if tilde {
                            let home = self.variable("HOME").unwrap_or_else(|| "/root".to_owned());
                            fields.add(&home, true);
                        }
                        fields.add(if tilde { &text[1..] } else { text }, *quoted);
                    }
                    Part::Variable { name, quoted, .. } if name == "@" && *quoted && split => {
                        let arguments = self.arguments().to_vec();
                        for (at, argument) in arguments.iter().enumerate() {
                            if at > 0 {
                                fields.close();
                            }
                            fields.add(argument, true);
                        }
                        // "$@" without arguments is no word at all.
                        if arguments.is_empty()
                            && fields
                                .open
                                .as_ref()
                                .is_some_and(|field| field.text.is_empty())
                        {
                            fields.open = None;
                        }
                    }
                    Part::Variable {
                        name,
                        change,
                        quoted,
                    } => {
                        let value = self.value(name, change.as_ref(), io).await?;
                        match *quoted || !split {
                            true => fields.add(&value, *quoted),
                            false => fields.split(&value, &separators),
                        }
                    }
                    Part::Output(script, quoted) => {
                        let output = self.output(script, io).await;
                        let output = output.trim_end_matches('\n');
                        match *quoted || !split {
                            true => fields.add(output, *quoted),
                            false => fields.split(output, &separators),
                        }
                    }
                    Part::Arithmetic(word) => {
                        let text = self.expand_text(word, io).await?;
                        let value_of = |name: &str| self.variable(name).unwrap_or_default();
                        let value = evaluate(&text, &value_of)?;
                        fields.add(&value.to_string(), true);
                    }
                }
            }
            Ok(())
        })
    }

    async fn value(
        &mut self,
        name: &str,
        change: Option<&(String, Word)>,
        io: &Io,
    ) -> Expanded<String> {
        let value = self.variable(name);
        let Some((operator, word)) = change else {
            return match value {
                None if self.strict && !matches!(name, "@" | "*") => {
                    Err(format!("{name}: parameter not set"))
                }
                value => Ok(value.unwrap_or_default()),
            };
        };
        let missing = match operator.starts_with(':') {
            true => value.as_deref().is_none_or(str::is_empty),
            false => value.is_none(),
        };
        let value = value.unwrap_or_default();
        match operator.trim_start_matches(':') {
            "length" => Ok(value.chars().count().to_string()),
            "-" if missing => self.expand_text(word, io).await,
            "=" if missing => {
                let text = self.expand_text(word, io).await?;
                self.set(name, text.clone());
                Ok(text)
            }
            "?" if missing => {
                let text = self.expand_text(word, io).await?;
                let why = if text.is_empty() {
                    "parameter not set"
                } else {
                    &text
                };
                Err(format!("{name}: {why}"))
            }
            "+" if missing => Ok(String::new()),
            "+" => self.expand_text(word, io).await,
            "#" | "##" | "%" | "%%" => {
                let pattern = self.expand_pattern(word, io).await?;
                Ok(cut(&value, &pattern, operator))
            }
            _ => Ok(value),
        }
    }

    /// The paths that fit a pattern, in order.
    fn matching(&self, pattern: &str) -> Vec<String> {
        let absolute = pattern.starts_with('/');
        let mut found = vec![if absolute {
            "/".to_owned()
        } else {
            String::new()
        }];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for base in &found {
                let directory = files::plain(&self.directory, base);
                for name in self.machine.files.list(&directory).unwrap_or_default() {
                    let hidden = name.starts_with('.') && !part.starts_with('.');
                    if !hidden && fits(part, &name) {
                        let slash = if base.is_empty() || base.ends_with('/') {
                            ""
                        } else {
                            "/"
                        };
                        next.push(format!("{base}{slash}{name}"));
                    }
                }
            }
            found = next;
        }
        found
    }
}

/// A value without what fits the pattern at its beginning (`#`) or end (`%`); doubled, as much as possible.
fn cut(value: &str, pattern: &str, operator: &str) -> String {
    let mut ends: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| at)
        .chain([value.len()])
        .collect();
    let from_start = operator.starts_with('#');
    // The shortest fit comes first: short beginnings, or late ends.
    if from_start == (operator.len() == 2) {
        ends.reverse();
    }
    for at in ends {
        let (start, end) = value.split_at(at);
        match from_start {
            true if fits(pattern, start) => return end.to_owned(),
            false if fits(pattern, end) => return start.to_owned(),
            _ => {}
        }
    }
    value.to_owned()
}
