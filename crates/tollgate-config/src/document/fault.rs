//! [`Fault`]: an error while a document is read, before its place is complete.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::path::Segment;
use super::suggestion::nearest;
use super::tree::Origin;

/// What is wrong with a value. The path and the place are added on the way out of the document.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The path, from the innermost segment.
    pub(crate) path: Vec<Segment>,
    pub(crate) origin: Option<Origin>,
    pub(crate) problem: String,
    pub(crate) mend: Option<String>,
}

impl Fault {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), origin: None, problem: problem.into(), mend: None }
    }

    pub(crate) fn with_mend(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    /// Sets the place, unless an inner value has set it.
    pub(crate) fn at(mut self, origin: &Origin) -> Self {
        self.origin.get_or_insert_with(|| origin.clone());
        self
    }

    /// Adds the segment that leads to the value.
    pub(crate) fn under(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Fault {}

/// The texts of serde's errors. None of them shows the value, because it can be a secret.
impl de::Error for Fault {
    /// Splits the text at the first `; `: the mend is after it.
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        match text.split_once("; ") {
            Some((problem, mend)) => Self::new(problem).with_mend(mend),
            None => Self::new(text),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("is {}", kind(&found))).with_mend(format!("write {}", expectation(expected)))
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("has a value that is not allowed").with_mend(format!("write {expected}"))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("has {length} elements")).with_mend(format!("write {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new("has a value that is not allowed").with_mend(suggestion("write", variant, expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let longer: Vec<&str> =
            expected.iter().copied().filter(|name| begins_with_word(name, field)).collect();
        Self::new("is not a member that exists").with_mend(
            match (nearest(field, expected), longer.as_slice()) {
                (Some(name), _) => format!("did you mean `{name}`?"),
                (None, []) => format!("the members here are {}", list(expected)),
                (None, longer) => format!("did you mean {}?", format_args!("`{}`", longer.join("` or `"))),
            },
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("needs the member `{field}`"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("has the member `{field}` twice")).with_mend("remove one")
    }
}

/// Returns whether `name` is `word` and more words, as `secret_file` is for `secret`.
fn begins_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| rest.starts_with('_'))
}

/// Returns what serde expects in the words of TOML.
fn expectation(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        "u64" | "usize" => "a whole number".to_owned(),
        _ if text.starts_with("struct ") => "a table".to_owned(),
        _ => text,
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "of another type",
    }
}

fn suggestion(verb: &str, found: &str, names: &[&str]) -> String {
    match nearest(found, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("{verb} one of {}", list(names)),
    }
}

/// Returns the names as text: `a`, `b`, `c`.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
