//! The grammar of the shell: from text to commands.

use std::sync::Arc;

/// A list of commands.
pub type Script = Vec<Item>;

/// One entry of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Pipelines with how each is joined to the one before.
    pub pipelines: Vec<(Join, Pipeline)>,
    /// It was followed by `&`.
    pub background: bool,
    /// As it was written.
    pub text: String,
}

/// When a pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// It is the first.
    Always,
    /// `&&`
    IfSucceeded,
    /// `||`
    IfFailed,
}

/// Commands whose output is the next one's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// `!` stood before it.
    pub negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What it does.
    pub kind: Kind,
    /// In the order they were written.
    pub redirects: Vec<Redirect>,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Assignments, then a program or builtin with its arguments.
    Simple(Vec<(String, Word)>, Vec<Word>),
    /// `{ ...; }`
    Group(Script),
    /// `( ... )`
    Subshell(Script),
    /// Conditions with their branches, and what else.
    If(Vec<(Script, Script)>, Script),
    /// `while`, or `until` where the flag is set.
    Loop(bool, Script, Script),
    /// A name, the words (None: the arguments), the body.
    For(String, Option<Vec<Word>>, Script),
    /// A word, and patterns with their branches.
    Case(Word, Vec<(Vec<Word>, Script)>),
    /// A function's name and body.
    Function(String, Arc<Command>),
}

/// A redirection of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// The stream's number.
    pub stream: u8,
    /// Where it goes.
    pub to: Target,
}

/// Where a stream is redirected.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `< file`
    Read(Word),
    /// `> file`
    Write(Word),
    /// `>> file`
    Append(Word),
    /// `2>&1`, `>&-`
    Copy(Word),
    /// The text of a here-document.
    Text(Word),
}

/// A word before expansion.
pub type Word = Vec<Part>;

/// A part of a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text, and whether it was quoted.
    Text(String, bool),
    /// `$name` or `${name...}`.
    Variable {
        /// Its name, or a special one: `?`, `#`, `@`, `1`.
        name: String,
        /// What is done to its value.
        change: Option<(String, Word)>,
        /// It stood in double quotes.
        quoted: bool,
    },
    /// `$( ... )` and whether it stood in double quotes.
    Output(Script, bool),
    /// `$(( ... ))`
    Arithmetic(Word),
}

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// More has to come.
    #[error("syntax error: unexpected end of file")]
    Incomplete,
    /// This should not be there.
    #[error("syntax error: unexpected \"{0}\"")]
    Unexpected(String),
}

type Parsed<T> = Result<T, SyntaxError>;

/// Parses a whole script.
///
/// # Errors
/// It is not complete, or something stands where it must not.
pub fn parse(text: &str) -> Parsed<Script> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        skips: Vec::new(),
    };
    let script = parser.list()?;
    match parser.peek() {
        None => Ok(script),
        Some(_) => Err(parser.unexpected()),
    }
}

const RESERVED: [&str; 14] = [
    "if", "then", "elif", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "{",
    "}",
];

struct Parser {
    chars: Vec<char>,
    at: usize,
    /// Here-documents already read: from the line end before to the line after.
    skips: Vec<(usize, usize)>,
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek();
        self.at += usize::from(char.is_some());
        char
    }

    fn take(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(ahead, char)| self.peek_at(ahead) == Some(char));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn unexpected(&self) -> SyntaxError {
        match self.peek() {
            None => SyntaxError::Incomplete,
            Some('\n') => SyntaxError::Unexpected("newline".to_owned()),
            Some(char) if self.reserved().is_empty() => SyntaxError::Unexpected(char.to_string()),
            Some(_) => SyntaxError::Unexpected(self.reserved()),
        }
    }

    /// The plain word that comes next, if it could be reserved.
    fn reserved(&self) -> String {
        let rest = self.chars[self.at.min(self.chars.len())..].iter();
        let word: String = rest
            .take_while(|char| !" \t\n;&|()<>'\"$`\\".contains(**char))
            .collect();
        match RESERVED.contains(&word.as_str()) {
            true => word,
            false => String::new(),
        }
    }

    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.peek_at(1) == Some('\n') => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|char| char != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn newline(&mut self) -> bool {
        if self.peek() != Some('\n') {
            return false;
        }
        let skip = self.skips.iter().find(|(from, _)| *from == self.at);
        self.at = skip.map_or(self.at + 1, |(_, to)| *to);
        true
    }

    fn newlines(&mut self) {
        loop {
            self.blanks();
            if !self.newline() {
                return;
            }
        }
    }

    /// Commands up to the end, a closing bracket, or a reserved word that ends a part.
    fn list(&mut self) -> Parsed<Script> {
        let mut items = Vec::new();
        loop {
            self.newlines();
            let ends = matches!(
                self.reserved().as_str(),
                "then" | "elif" | "else" | "fi" | "do" | "done" | "esac" | "}"
            );
            let case_ends = self.peek() == Some(';') && self.peek_at(1) == Some(';');
            if ends || case_ends || matches!(self.peek(), None | Some(')')) {
                return Ok(items);
            }
            let from = self.at;
            let mut pipelines = vec![(Join::Always, self.pipeline()?)];
            loop {
                self.blanks();
                let join = match () {
                    () if self.take("&&") => Join::IfSucceeded,
                    () if self.take("||") => Join::IfFailed,
                    () => break,
                };
                self.newlines();
                pipelines.push((join, self.pipeline()?));
            }
            let text: String = self.chars[from..self.at].iter().collect();
            let background = self.take("&");
            if !background && !(self.peek() == Some(';') && self.peek_at(1) == Some(';')) {
                self.take(";");
            }
            let text = text.trim().to_owned();
            items.push(Item {
                pipelines,
                background,
                text,
            });
        }
    }

    /// A list that must not be empty, and the reserved word that ends it.
    fn part(&mut self, ends: &[&str]) -> Parsed<(Script, String)> {
        let list = self.list()?;
        let word = self.reserved();
        if list.is_empty() || !ends.contains(&word.as_str()) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok((list, word))
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        self.blanks();
        let mut negated = false;
        while self.peek() == Some('!') && matches!(self.peek_at(1), Some(' ' | '\t')) {
            self.at += 1;
            self.blanks();
            negated = !negated;
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.peek() != Some('|') || self.peek_at(1) == Some('|') {
                return Ok(Pipeline { negated, commands });
            }
            self.at += 1;
            self.newlines();
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.blanks();
        let word = self.reserved();
        let kind = match word.as_str() {
            "if" => {
                self.at += 2;
                self.conditional()?
            }
            "while" | "until" => {
                self.at += 5;
                let (condition, _) = self.part(&["do"])?;
                let (body, _) = self.part(&["done"])?;
                Kind::Loop(word == "until", condition, body)
            }
            "for" => {
                self.at += 3;
                self.each()?
            }
            "case" => {
                self.at += 4;
                self.choice()?
            }
            "{" => {
                self.at += 1;
                Kind::Group(self.part(&["}"])?.0)
            }
            "" if self.peek() == Some('(') => {
                self.at += 1;
                Kind::Subshell(self.bracketed()?)
            }
            "" => return self.simple(),
            _ => return Err(self.unexpected()),
        };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(Command { kind, redirects }),
            }
        }
    }

    /// A list and the bracket that closes it.
    fn bracketed(&mut self) -> Parsed<Script> {
        let list = self.list()?;
        match self.take(")") {
            true => Ok(list),
            false => Err(self.unexpected()),
        }
    }

    fn conditional(&mut self) -> Parsed<Kind> {
        let mut branches = Vec::new();
        loop {
            let (condition, _) = self.part(&["then"])?;
            let (branch, end) = self.part(&["elif", "else", "fi"])?;
            branches.push((condition, branch));
            match end.as_str() {
                "elif" => {}
                "else" => return Ok(Kind::If(branches, self.part(&["fi"])?.0)),
                _ => return Ok(Kind::If(branches, Vec::new())),
            }
        }
    }

    fn plain_word(&mut self) -> Parsed<String> {
        self.blanks();
        let rest = self.chars[self.at..].iter();
        let word: String = rest
            .take_while(|char| !" \t\n;&|()<>'\"$`\\".contains(**char))
            .collect();
        if word.is_empty() {
            return Err(self.unexpected());
        }
        self.at += word.chars().count();
        Ok(word)
    }

    fn each(&mut self) -> Parsed<Kind> {
        let name = self.plain_word()?;
        self.newlines();
        let mut words = None;
        if self.take("in ") || self.take("in\t") || self.take("in\n") || self.take("in;") {
            self.at -= 1;
            let mut list = Vec::new();
            loop {
                self.blanks();
                match self.word()? {
                    Some(word) => list.push(word),
                    None => break,
                }
            }
            words = Some(list);
        }
        self.blanks();
        self.take(";");
        self.newlines();
        if !self.take("do") {
            return Err(self.unexpected());
        }
        Ok(Kind::For(name, words, self.part(&["done"])?.0))
    }

    fn choice(&mut self) -> Parsed<Kind> {
        self.blanks();
        let word = self.word()?.ok_or_else(|| self.unexpected())?;
        self.newlines();
        if !self.take("in") {
            return Err(self.unexpected());
        }
        let mut branches = Vec::new();
        loop {
            self.newlines();
            if self.take("esac") {
                return Ok(Kind::Case(word, branches));
            }
            self.take("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(self.word()?.ok_or_else(|| self.unexpected())?);
                self.blanks();
                if self.take(")") {
                    break;
                }
                if !self.take("|") {
                    return Err(self.unexpected());
                }
            }
            branches.push((patterns, self.list()?));
            if !self.take(";;") && self.reserved() != "esac" {
                return Err(self.unexpected());
            }
        }
    }

    fn simple(&mut self) -> Parsed<Command> {
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                assignments.push(assignment);
                continue;
            }
            match self.word()? {
                Some(word) => words.push(word),
                None => break,
            }
            if let [word] = words.as_slice()
                && let [Part::Text(name, false)] = word.as_slice()
                && is_name(name)
                && assignments.is_empty()
                && self.take("()")
            {
                let name = name.clone();
                self.newlines();
                let body = Arc::new(self.command()?);
                let kind = Kind::Function(name, body);
                return Ok(Command { kind, redirects });
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        let kind = Kind::Simple(assignments, words);
        Ok(Command { kind, redirects })
    }

    fn assignment(&mut self) -> Parsed<Option<(String, Word)>> {
        let rest = self.chars[self.at..].iter();
        let name: String = rest
            .take_while(|char| char.is_ascii_alphanumeric() || **char == '_')
            .collect();
        if !is_name(&name) || self.peek_at(name.len()) != Some('=') {
            return Ok(None);
        }
        self.at += name.len() + 1;
        let value = self.word()?.unwrap_or_default();
        Ok(Some((name, value)))
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let start = self.at;
        let digit = self.peek().and_then(|char| char.to_digit(10));
        if digit.is_some() {
            self.at += 1;
        }
        if !matches!(self.peek(), Some('<' | '>')) {
            self.at = start;
            return Ok(None);
        }
        let reads = self.peek() == Some('<');
        let usual = if reads { 0 } else { 1 };
        let stream = digit.map_or(usual, |digit| u8::try_from(digit).unwrap_or(usual));
        let target: fn(Word) -> Target = match () {
            () if self.take("<<") => return self.here(stream).map(Some),
            () if self.take(">>") => Target::Append,
            () if self.take(">&") || self.take("<&") => Target::Copy,
            () if self.take(">|") || self.take(">") => Target::Write,
            () => {
                self.at += 1;
                Target::Read
            }
        };
        self.blanks();
        let word = self.word()?.ok_or_else(|| self.unexpected())?;
        let to = target(word);
        Ok(Some(Redirect { stream, to }))
    }

    /// A here-document: its text starts on the next line, which is then skipped.
    fn here(&mut self, stream: u8) -> Parsed<Redirect> {
        let indented = self.take("-");
        self.blanks();
        let from = self.at;
        let word = self.word()?.ok_or_else(|| self.unexpected())?;
        let literal = self.chars[from..self.at]
            .iter()
            .any(|char| "'\"\\".contains(*char));
        let texts = word.iter().map(|part| match part {
            Part::Text(text, _) => text.as_str(),
            _ => "",
        });
        let end: String = texts.collect();
        let rest = &self.chars[self.at..];
        let line_end = rest
            .iter()
            .position(|char| *char == '\n')
            .ok_or(SyntaxError::Incomplete)?
            + self.at;
        let known = self.skips.iter().find(|(from, _)| *from == line_end);
        let mut at = known.map_or(line_end + 1, |(_, to)| *to);
        let mut text = String::new();
        loop {
            if at >= self.chars.len() {
                return Err(SyntaxError::Incomplete);
            }
            let line: String = self.chars[at..]
                .iter()
                .take_while(|char| **char != '\n')
                .collect();
            at = self.chars.len().min(at + line.chars().count() + 1);
            let line = if indented {
                line.trim_start_matches('\t')
            } else {
                &line
            };
            if line == end {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        self.skips.retain(|(from, _)| *from != line_end);
        self.skips.push((line_end, at));
        let word = if literal {
            vec![Part::Text(text, true)]
        } else {
            quoted(&text)?
        };
        let to = Target::Text(word);
        Ok(Redirect { stream, to })
    }

    /// The word that comes next, if one does.
    fn word(&mut self) -> Parsed<Option<Word>> {
        let mut parts: Word = Vec::new();
        let start = self.at;
        while let Some(char) = self.peek() {
            match char {
                ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    self.at += 1;
                    let mut text = String::new();
                    loop {
                        match self.next().ok_or(SyntaxError::Incomplete)? {
                            '\'' => break,
                            char => text.push(char),
                        }
                    }
                    parts.push(Part::Text(text, true));
                }
                '"' => {
                    self.at += 1;
                    parts.push(Part::Text(String::new(), true));
                    self.double(&mut parts, Some('"'))?;
                }
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') => {}
                        Some(char) => push(&mut parts, char, true),
                        None => push(&mut parts, '\\', true),
                    }
                }
                '$' | '`' => self.dollar(&mut parts, false)?,
                char => {
                    self.at += 1;
                    push(&mut parts, char, false);
                }
            }
        }
        Ok((self.at > start).then_some(parts))
    }

    /// Text in double quotes, or of a here-document where no end is given.
    fn double(&mut self, parts: &mut Word, end: Option<char>) -> Parsed<()> {
        loop {
            match self.peek() {
                None if end.is_none() => return Ok(()),
                None => return Err(SyntaxError::Incomplete),
                char if char == end => {
                    self.at += 1;
                    return Ok(());
                }
                Some('$' | '`') => self.dollar(parts, true)?,
                Some('\\') => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') => {}
                        Some(char) if "$`\\".contains(char) || Some(char) == end => {
                            push(parts, char, true)
                        }
                        Some(char) => {
                            push(parts, '\\', true);
                            push(parts, char, true);
                        }
                        None => push(parts, '\\', true),
                    }
                }
                Some(char) => {
                    self.at += 1;
                    push(parts, char, true);
                }
            }
        }
    }

    /// What a `$` or a backquote starts.
    fn dollar(&mut self, parts: &mut Word, quoted: bool) -> Parsed<()> {
        if self.take("`") {
            let mut text = String::new();
            loop {
                match self.next().ok_or(SyntaxError::Incomplete)? {
                    '`' => break,
                    '\\' if matches!(self.peek(), Some('`' | '\\' | '$')) => {
                        text.extend(self.next())
                    }
                    char => text.push(char),
                }
            }
            parts.push(Part::Output(parse(&text)?, quoted));
            return Ok(());
        }
        self.at += 1;
        if self.take("((") {
            let from = self.at;
            let mut depth = 0;
            loop {
                match self.next().ok_or(SyntaxError::Incomplete)? {
                    '(' => depth += 1,
                    ')' if depth == 0 && self.take(")") => break,
                    ')' => depth -= 1,
                    _ => {}
                }
            }
            let text: String = self.chars[from..self.at - 2].iter().collect();
            parts.push(Part::Arithmetic(self::quoted(&text)?));
            return Ok(());
        }
        if self.take("(") {
            let list = self.bracketed()?;
            parts.push(Part::Output(list, quoted));
            return Ok(());
        }
        if self.take("{") {
            return self.braced(parts, quoted);
        }
        let name = self.variable_name();
        match name.is_empty() {
            true => push(parts, '$', quoted),
            false => parts.push(Part::Variable {
                name,
                change: None,
                quoted,
            }),
        }
        Ok(())
    }

    fn variable_name(&mut self) -> String {
        match self.peek() {
            Some(char) if "?#@*$!-".contains(char) || char.is_ascii_digit() => {
                self.at += 1;
                char.to_string()
            }
            _ => {
                let rest = self.chars[self.at..].iter();
                let name: String = rest
                    .take_while(|char| char.is_ascii_alphanumeric() || **char == '_')
                    .collect();
                self.at += name.len();
                name
            }
        }
    }

    fn braced(&mut self, parts: &mut Word, quoted: bool) -> Parsed<()> {
        let length = self.peek() == Some('#') && self.peek_at(1) != Some('}');
        if length {
            self.at += 1;
        }
        let mut name = self.variable_name();
        while name.chars().all(|char| char.is_ascii_digit())
            && self.peek().is_some_and(|char| char.is_ascii_digit())
        {
            name.extend(self.next());
        }
        let mut change = length.then(|| ("length".to_owned(), Vec::new()));
        let operators = [
            ":-", ":=", ":?", ":+", "##", "%%", "-", "=", "?", "+", "#", "%",
        ];
        if let Some(operator) = operators.into_iter().find(|operator| self.take(operator)) {
            let mut word: Word = Vec::new();
            loop {
                match self.peek().ok_or(SyntaxError::Incomplete)? {
                    '}' => break,
                    '\'' if !quoted => {
                        self.at += 1;
                        loop {
                            match self.next().ok_or(SyntaxError::Incomplete)? {
                                '\'' => break,
                                char => push(&mut word, char, true),
                            }
                        }
                    }
                    '"' => {
                        self.at += 1;
                        word.push(Part::Text(String::new(), true));
                        self.double(&mut word, Some('"'))?;
                    }
                    '\\' => {
                        self.at += 1;
                        let char = self.next().ok_or(SyntaxError::Incomplete)?;
                        push(&mut word, char, true);
                    }
                    '$' | '`' => self.dollar(&mut word, quoted)?,
                    char => {
                        self.at += 1;
                        push(&mut word, char, false);
                    }
                }
            }
            change = Some((operator.to_owned(), word));
        }
        if name.is_empty() || !self.take("}") {
            return match self.peek() {
                None => Err(SyntaxError::Incomplete),
                Some(_) => Err(SyntaxError::Unexpected("bad substitution".to_owned())),
            };
        }
        parts.push(Part::Variable {
            name,
            change,
            quoted,
        });
        Ok(())
    }
}

/// A text in which only `$` and backquotes mean something.
fn quoted(text: &str) -> Parsed<Word> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        skips: Vec::new(),
    };
    let mut parts = Vec::new();
    parser.double(&mut parts, None)?;
    Ok(parts)
}

fn push(parts: &mut Word, char: char, quoted: bool) {
    match parts.last_mut() {
        Some(Part::Text(text, known)) if *known == quoted => text.push(char),
        _ => parts.push(Part::Text(char.to_string(), quoted)),
    }
}
