//! Reads serde types from [`Node`]s. Every error gets the path and the place of the innermost value.

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};

use super::fault::{Fault, list};
use super::path::Segment;
use super::tree::{Entry, Node, Structured, Text, Value};

/// Reads a number of the type that the visitor wants, from an integer or the text of a variable.
macro_rules! numbers {
    ($($method:ident $type:ty => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = match &self.value {
                Value::Integer(integer) => <$type>::try_from(*integer).ok(),
                Value::Variable(text) => text.text.trim().parse().ok(),
                _ => return self.deserialize_any(visitor),
            };
            let result = match number {
                Some(number) => visitor.$visit(number),
                None => Err(Fault::new("is not a number in the allowed range").with_mend(format!(
                    "write a whole number from {} to {}", <$type>::MIN, <$type>::MAX))),
            };
            result.map_err(|fault: Fault| fault.at(&self.origin))
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match &self.value {
            Value::String(text) => visitor.visit_str(text),
            Value::Integer(integer) => match (u64::try_from(*integer), i64::try_from(*integer)) {
                (Ok(unsigned), _) => visitor.visit_u64(unsigned),
                (_, Ok(signed)) => visitor.visit_i64(signed),
                _ => Err(Fault::new("is a number of more than 64 bits")),
            },
            Value::Float(float) => visitor.visit_f64(*float),
            Value::Boolean(boolean) => visitor.visit_bool(*boolean),
            Value::Datetime => Err(Fault::new("is a date or time").with_mend("write it in quotes")),
            Value::Array(nodes) => visitor.visit_seq(Elements { nodes: nodes.iter(), next: 0 }),
            Value::Table(entries) => visitor
                .visit_map(Members { entries: entries.iter(), current: None })
                .map_err(|fault: Fault| fault.of_table(entries)),
            Value::Variable(Text { structured: Structured::Is(node), .. }) => node.deserialize_any(visitor),
            Value::Variable(Text { structured: Structured::Broken(problem), .. }) => {
                Err(Fault::new(problem).with_mend("write a list or a table as in TOML"))
            }
            Value::Variable(Text { text, .. }) => match text.trim() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => visitor.visit_str(text).map_err(Fault::in_variable),
            },
        };
        result.map_err(|fault: Fault| fault.at(&self.origin))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    numbers!(
        deserialize_i8 i8 => visit_i8, deserialize_i16 i16 => visit_i16, deserialize_i32 i32 => visit_i32,
        deserialize_i64 i64 => visit_i64, deserialize_u8 u8 => visit_u8, deserialize_u16 u16 => visit_u16,
        deserialize_u32 u32 => visit_u32, deserialize_u64 u64 => visit_u64
    );

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            // A string keeps its brackets.
            Value::Variable(text) => {
                visitor.visit_str::<Fault>(&text.text).map_err(|fault| fault.at(&self.origin))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    /// Documents have no null: a member that is there has a value.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Reads the name of a variant without data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (Value::String(text) | Value::Variable(Text { text, .. })) = &self.value else {
            let wrong = Fault::new("is not a string").with_mend(format!("write one of {}", list(variants)));
            return Err(wrong.at(&self.origin));
        };
        let name: StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
        visitor.visit_enum(name).map_err(|fault| fault.at(&self.origin))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// The elements of a list.
struct Elements<'de> {
    nodes: std::slice::Iter<'de, Node>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.nodes.next() else { return Ok(None) };
        let at = self.next;
        self.next = at.saturating_add(1);
        seed.deserialize(node).map(Some).map_err(|fault| fault.at(&node.origin).under(Segment::Index(at)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

/// The members of a table.
struct Members<'de> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.entries.next();
        let Some(entry) = self.current else { return Ok(None) };
        let key: StrDeserializer<'_, Fault> = (*entry.key).into_deserializer();
        let key = seed.deserialize(key).map_err(|fault| fault.at(&entry.origin).under(entry.segment()))?;
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.current else { return Err(de::Error::custom("has no value")) };
        seed.deserialize(&entry.node).map_err(|fault| fault.at(&entry.node.origin).under(entry.segment()))
    }
}

impl Entry {
    fn segment(&self) -> Segment {
        Segment::Member(self.key.clone())
    }
}
