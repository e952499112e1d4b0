//! The grammar of the shell: from text to commands.

mod commands;
mod words;

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
        depth: 0,
    };
    let script = parser.list()?;
    match parser.peek() {
        None => Ok(script),
        Some(_) => Err(parser.unexpected()),
    }
}

/// Reads a text from its beginning to its end.
struct Parser {
    chars: Vec<char>,
    at: usize,
    /// Here-documents already read: from the line end before to the line after.
    skips: Vec<(usize, usize)>,
    /// How many commands and substitutions it is inside of.
    depth: usize,
}

/// How deep commands and substitutions may lie in each other: whoever writes more exhausts the stack.
const DEEPEST: usize = 100;

impl Parser {
    /// Reads what lies inside of something.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return Err(self.unexpected());
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }
}
