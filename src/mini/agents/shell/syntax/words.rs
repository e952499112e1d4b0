//! Words: quotes, variables, and what stands in their place.

use super::{Parsed, Parser, Part, SyntaxError, Word, parse};

impl Parser {
    /// The word that comes next, if one does.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
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
    pub(super) fn double(&mut self, parts: &mut Word, end: Option<char>) -> Parsed<()> {
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
                            push(parts, char, true);
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
    pub(super) fn dollar(&mut self, parts: &mut Word, quoted: bool) -> Parsed<()> {
        self.inside(|parser| parser.dollar_inside(parts, quoted))
    }

    fn dollar_inside(&mut self, parts: &mut Word, quoted: bool) -> Parsed<()> {
        if self.take("`") {
            let mut text = String::new();
            loop {
                match self.next().ok_or(SyntaxError::Incomplete)? {
                    '`' => break,
                    '\\' if matches!(self.peek(), Some('`' | '\\' | '$')) => {
                        text.extend(self.next());
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

    pub(super) fn variable_name(&mut self) -> String {
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

    pub(super) fn braced(&mut self, parts: &mut Word, quoted: bool) -> Parsed<()> {
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
pub(super) fn quoted(text: &str) -> Parsed<Word> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        skips: Vec::new(),
        depth: 0,
    };
    let mut parts = Vec::new();
    parser.double(&mut parts, None)?;
    Ok(parts)
}

pub(super) fn push(parts: &mut Word, char: char, quoted: bool) {
    match parts.last_mut() {
        Some(Part::Text(text, known)) if *known == quoted => text.push(char),
        _ => parts.push(Part::Text(char.to_string(), quoted)),
    }
}
