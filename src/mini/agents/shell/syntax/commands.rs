//! Lists, pipelines and commands.

use std::sync::Arc;

use super::{
    Command, Item, Join, Kind, Parsed, Parser, Part, Pipeline, Redirect, Script, SyntaxError,
    Target, Word, words::quoted,
};

const RESERVED: [&str; 14] = [
    "if", "then", "elif", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "{",
    "}",
];

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let char = self.peek();
        self.at += usize::from(char.is_some());
        char
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(ahead, char)| self.peek_at(ahead) == Some(char));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    pub(super) fn unexpected(&self) -> SyntaxError {
        match self.peek() {
            None => SyntaxError::Incomplete,
            Some('\n') => SyntaxError::Unexpected("newline".to_owned()),
            Some(char) if self.reserved().is_empty() => SyntaxError::Unexpected(char.to_string()),
            Some(_) => SyntaxError::Unexpected(self.reserved()),
        }
    }

    /// The plain word that comes next, if it could be reserved.
    pub(super) fn reserved(&self) -> String {
        let rest = self.chars[self.at.min(self.chars.len())..].iter();
        let word: String = rest
            .take_while(|char| !" \t\n;&|()<>'\"$`\\".contains(**char))
            .collect();
        match RESERVED.contains(&word.as_str()) {
            true => word,
            false => String::new(),
        }
    }

    pub(super) fn blanks(&mut self) {
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

    pub(super) fn newline(&mut self) -> bool {
        if self.peek() != Some('\n') {
            return false;
        }
        let skip = self.skips.iter().find(|(from, _)| *from == self.at);
        self.at = skip.map_or(self.at + 1, |(_, to)| *to);
        true
    }

    pub(super) fn newlines(&mut self) {
        loop {
            self.blanks();
            if !self.newline() {
                return;
            }
        }
    }

    /// Commands up to the end, a closing bracket, or a reserved word that ends a part.
    pub(super) fn list(&mut self) -> Parsed<Script> {
        self.inside(Self::list_inside)
    }

    fn list_inside(&mut self) -> Parsed<Script> {
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
            let case_ends = self.peek() == Some(';') && self.peek_at(1) == Some(';');
            if !background && !case_ends {
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
    pub(super) fn part(&mut self, ends: &[&str]) -> Parsed<(Script, String)> {
        let list = self.list()?;
        let word = self.reserved();
        if list.is_empty() || !ends.contains(&word.as_str()) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok((list, word))
    }

    pub(super) fn pipeline(&mut self) -> Parsed<Pipeline> {
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

    pub(super) fn command(&mut self) -> Parsed<Command> {
        self.inside(Self::command_inside)
    }

    fn command_inside(&mut self) -> Parsed<Command> {
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
    pub(super) fn bracketed(&mut self) -> Parsed<Script> {
        let list = self.list()?;
        match self.take(")") {
            true => Ok(list),
            false => Err(self.unexpected()),
        }
    }

    pub(super) fn conditional(&mut self) -> Parsed<Kind> {
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

    pub(super) fn plain_word(&mut self) -> Parsed<String> {
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

    pub(super) fn each(&mut self) -> Parsed<Kind> {
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

    pub(super) fn choice(&mut self) -> Parsed<Kind> {
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

    pub(super) fn simple(&mut self) -> Parsed<Command> {
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

    pub(super) fn assignment(&mut self) -> Parsed<Option<(String, Word)>> {
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

    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
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
    pub(super) fn here(&mut self, stream: u8) -> Parsed<Redirect> {
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
}
