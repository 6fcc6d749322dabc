//! [`Node`]: a value of a document, with its place.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::path::Segment;

/// A value and its place. It has no `Debug`, because it can hold a secret.
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

pub(crate) enum Value {
    String(Zeroizing<String>),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    /// A date or a time, which no member is.
    Datetime,
    Array(Vec<Node>),
    Table(Vec<Entry>),
    Variable(Text),
}

/// The text of an environment variable, whose type depends on the member that reads it.
pub(crate) struct Text {
    pub(crate) text: Zeroizing<String>,
    pub(crate) structured: Structured,
}

/// The list or table in the text of a variable.
pub(crate) enum Structured {
    /// The text does not start with `[` or `{`.
    None,
    Is(Box<Node>),
    /// The text starts like a list or a table, and is not TOML for the reason in the text.
    Broken(String),
}

/// A member of a table.
pub(crate) struct Entry {
    pub(crate) key: Box<str>,
    pub(crate) origin: Origin,
    pub(crate) node: Node,
}

/// The place of a value, without the name of the document's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Document { line: usize, column: usize },
    Variable(Arc<str>),
}

impl Node {
    pub(crate) fn empty_table(origin: Origin) -> Self {
        Self { value: Value::Table(Vec::new()), origin }
    }

    /// Returns the value at this path.
    pub(crate) fn get<P: AsRef<str>>(&self, path: &[P]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let first = first.as_ref();
        let child = match &self.value {
            Value::Array(nodes) => first.parse::<usize>().ok().and_then(|at| nodes.get(at)),
            Value::Table(entries) => {
                entries.iter().find(|entry| *entry.key == *first).map(|entry| &entry.node)
            }
            Value::Variable(Text { structured: Structured::Is(node), .. }) => return node.get(path),
            _ => None,
        };
        child.and_then(|child| child.get(rest))
    }

    /// Returns the places of this value and all values below it, without the values.
    pub(crate) fn places(&self) -> Places {
        let children = match &self.value {
            Value::Array(nodes) => {
                nodes.iter().enumerate().map(|(at, node)| (Segment::Index(at), node.places())).collect()
            }
            Value::Table(entries) => entries
                .iter()
                .map(|entry| (Segment::Member(entry.key.clone()), entry.node.places()))
                .collect(),
            Value::Variable(Text { structured: Structured::Is(node), .. }) => node.places().children,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Variable(_) => Vec::new(),
        };
        Places { origin: self.origin.clone(), children }
    }
}

/// The places of the values of a document.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    origin: Origin,
    children: Vec<(Segment, Self)>,
}

impl Places {
    /// Returns the place of the value at `path`, or of the nearest value around it.
    pub(crate) fn find(&self, path: &[Segment]) -> &Origin {
        let Some((first, rest)) = path.split_first() else { return &self.origin };
        let child = self.children.iter().find(|(segment, _)| segment == first);
        child.map_or(&self.origin, |(_, places)| places.find(rest))
    }
}
