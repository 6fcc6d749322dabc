//! [`Fault`]: an error while a document is read, before its place is complete.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::path::Segment;
use super::suggestion::did_you_mean;
use super::tree::{Entry, Node, Origin};

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

    /// Words the mend for a variable, whose value is the text itself.
    pub(crate) fn in_variable(self) -> Self {
        let mend = self.mend.map(|mend| match mend.split_once(" in quotes") {
            Some((before, after)) => format!("{before}{}", after.replace('"', "")),
            None => mend,
        });
        Self { mend, ..self }
    }

    /// Blames a variable for an error of a table that names members, if the variable has set one of them.
    pub(crate) fn of_table(self, entries: &[Entry]) -> Self {
        if !self.path.is_empty() || self.origin.is_some() {
            return self;
        }
        let names = self.problem.split('`').skip(1).step_by(2);
        let named: Vec<&Entry> =
            names.filter_map(|name| entries.iter().find(|entry| *entry.key == *name)).collect();
        let set = named.iter().find(|entry| matches!(entry.node.origin, Origin::Variable(_)));
        let Some(set) = set else { return self };
        let mend = match named.iter().find(|entry| entry.key != set.key) {
            Some(other) if other.node.origin == set.node.origin => return self,
            Some(Entry { node: Node { origin: Origin::Variable(other), .. }, .. }) => {
                format!("unset it or {other}")
            }
            Some(other) => format!("unset it, or remove `{}` from the document", other.key),
            None => "unset it".to_owned(),
        };
        let origin = set.node.origin.clone();
        self.with_mend(mend).at(&origin)
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
        let mend = did_you_mean(variant, expected);
        Self::new("has a value that is not allowed")
            .with_mend(mend.unwrap_or_else(|| format!("write one of {}", list(expected))))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mend = did_you_mean(field, expected);
        Self::new(UNKNOWN_MEMBER)
            .with_mend(mend.unwrap_or_else(|| format!("the members here are {}", list(expected))))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("needs the member `{field}`"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("has the member `{field}` twice")).with_mend("remove one")
    }
}

/// The problem of a member that does not exist.
pub(crate) const UNKNOWN_MEMBER: &str = "is not a member that exists";

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

/// Returns the names as text: `a`, `b`, `c`.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
