//! Parses TOML into [`Node`]s.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::tree::{Entry, Node, Origin, Value};

/// Parses a document.
pub(crate) fn document(text: &str) -> Result<Node, Fault> {
    let source = Source::Document(text);
    let table = DeTable::parse(text).map_err(|error| syntax(&error, &source))?;
    let span = table.span();
    Ok(Node { value: members(table.into_inner(), &source)?, origin: source.origin(&span) })
}

/// Parses the text of a variable as one TOML value.
pub(crate) fn variable(text: &str, name: &Arc<str>) -> Result<Node, Fault> {
    let source = Source::Variable(name);
    let value = DeValue::parse(text).map_err(|error| syntax(&error, &source))?;
    node(value, &source)
}

fn syntax(error: &toml::de::Error, source: &Source<'_>) -> Fault {
    let origin = source.origin(&error.span().unwrap_or_default());
    let message: Vec<&str> = error.message().lines().collect();
    Fault::new(format!("is not TOML: {}", message.join(", "))).at(&origin)
}

/// Finds the place of a range of bytes.
enum Source<'a> {
    Document(&'a str),
    Variable(&'a Arc<str>),
}

impl Source<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        match self {
            Self::Document(text) => {
                let before = text.get(..span.start).unwrap_or_default();
                let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
                let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
                let column = before.get(start..).unwrap_or_default().chars().count().saturating_add(1);
                Origin::Document { line, column }
            }
            Self::Variable(name) => Origin::Variable(Arc::clone(name)),
        }
    }
}

fn node(value: Spanned<DeValue<'_>>, source: &Source<'_>) -> Result<Node, Fault> {
    let origin = source.origin(&value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::String(Zeroizing::new(text.into_owned())),
        DeValue::Integer(integer) => {
            Value::Integer(read_integer(&integer).ok_or_else(|| Fault::new("is not a number").at(&origin))?)
        }
        DeValue::Float(float) => {
            let float = float.as_str().replace('_', "");
            Value::Float(float.parse().map_err(|_cause| Fault::new("is not a number").at(&origin))?)
        }
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Datetime(_) => Value::Datetime,
        DeValue::Array(nodes) => {
            Value::Array(nodes.into_iter().map(|value| node(value, source)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => members(table, source)?,
    };
    Ok(Node { value, origin })
}

fn read_integer(integer: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

/// Converts a table. The members keep the order in which they are written.
fn members(table: DeTable<'_>, source: &Source<'_>) -> Result<Value, Fault> {
    let mut written: Vec<_> = table.into_iter().collect();
    written.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (Spanned<_>, _)| {
        let origin = source.origin(&key.span());
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        Ok(Entry { key: key.into(), origin, node: node(value, source)? })
    };
    written.into_iter().map(entry).collect::<Result<_, _>>().map(Value::Table)
}
