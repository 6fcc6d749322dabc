//! [`from_members`]: deserializes an application's type from an object whose members have been located.
//!
//! This file reads four things: the object itself, strings without escapes, lists of such strings, and values
//! that the type ignores. `serde_json` reads every other value. When this file returns an error, the caller
//! has `serde_json` read the whole text, so `serde_json` always has the last word.
//!
//! What it saves, by `cargo bench -p tollgate --bench instructions`, 2026-11: without this file and without
//! the spans that [`Members`] keeps for it, `serde_json::from_str` of the payload makes
//! `verify_and_read_claims` cost 33 % more, and `verify` and `admit_uncached` 4 % less. Without the part for
//! lists (`Elements`) `verify_and_read_claims` costs 4 % more. Either can be deleted at that cost; no answer
//! changes.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Error;
use serde_json::de::StrRead;

use super::members::Member;
use super::names::RESERVED;
use super::{JsonError, Members, Scanner};

/// Deserializes a `T` from `text`, an object of strict JSON with these members.
///
/// # Errors
/// Returns an error when the text does not fit the type, or may not fit it. The caller then uses `serde_json`.
pub(crate) fn from_members<T: DeserializeOwned>(text: &str, members: &Members) -> Result<T, Error> {
    match members.of(text) {
        Some(members) => T::deserialize(Object { members, value: None }),
        None => serde_json::from_str(text),
    }
}

#[cold]
fn unusual() -> Error {
    Error::custom("left to serde_json")
}

/// Implements the methods for types that are not objects.
macro_rules! unusual {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* _visitor: V) -> Result<V::Value, Error> {
            Err(unusual())
        })*
    };
}

/// Reads all of `json` with `serde_json`. It is read to its end, because some types accept the start of a number.
#[inline(never)]
fn read<'de, T>(
    json: &'de str,
    read: impl FnOnce(&mut serde_json::Deserializer<StrRead<'de>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let made = read(&mut reader)?;
    reader.end()?;
    Ok(made)
}

/// A deserializer of an object, with the members that have not been read yet.
struct Object<'de, M> {
    members: M,
    /// The value of the member whose name was read last.
    value: Option<Value<'de>>,
}

impl<'de, M: Iterator<Item = Member<'de>>> Deserializer<'de> for Object<'de, M> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let made = visitor.visit_map(&mut self)?;
        // A type that stops before the end expected fewer members.
        if self.members.next().is_none() { Ok(made) } else { Err(unusual()) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name.starts_with(RESERVED) { Err(unusual()) } else { self.deserialize_map(visitor) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name.starts_with(RESERVED) { Err(unusual()) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    unusual! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128() deserialize_f32()
        deserialize_f64() deserialize_char() deserialize_str() deserialize_string() deserialize_identifier()
        deserialize_bytes() deserialize_byte_buf() deserialize_unit() deserialize_seq()
        deserialize_unit_struct(_name: &'static str)
        deserialize_tuple(_len: usize)
        deserialize_tuple_struct(_name: &'static str, _len: usize)
        deserialize_enum(_name: &'static str, _variants: &'static [&'static str])
    }
}

impl<'de, M: Iterator<Item = Member<'de>>> MapAccess<'de> for &mut Object<'de, M> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(member) = self.members.next() else { return Ok(None) };
        let text = member.value.get(1..member.value.len().saturating_sub(1));
        self.value = Some(match text {
            Some(text) if member.is_plain_text => Value::Text(text),
            _ => Value::Json(member.value),
        });
        seed.deserialize(Value::Text(member.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value.take().ok_or_else(unusual)?)
    }
}

/// A member's name, its value, or an element of a list.
enum Value<'de> {
    /// A string without escapes, which is written between its quotes as it reads.
    Text(&'de str),
    /// Any value as it is written, with its quotes if it is a string.
    Json(&'de str),
}

/// Methods that expect a string.
macro_rules! text {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                Self::Text(text) => visitor.visit_borrowed_str(text),
                Self::Json(json) => read(json, |reader| reader.$method(visitor)),
            }
        })*
    };
}

/// Methods that expect something else than a string.
macro_rules! read {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Error> {
            match self {
                Self::Text(_) => Err(unusual()),
                Self::Json(json) => read(json, |reader| reader.$method($($argument,)* visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if matches!(self, Self::Json("null")) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name.starts_with(RESERVED) { Err(unusual()) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(variant) => visitor.visit_enum(BorrowedStrDeserializer::new(variant)),
            Self::Json(json) => read(json, |reader| reader.deserialize_enum(name, variants, visitor)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self::Json(json) = self else { return Err(unusual()) };
        let mut elements = Elements { scanner: Scanner::new(json), is_first: true };
        elements.scanner.open(b'[').map_err(to_unusual)?;
        let made = visitor.visit_seq(&mut elements)?;
        elements.scanner.leave(b']').map_err(to_unusual)?;
        Ok(made)
    }

    text! { deserialize_any deserialize_str deserialize_string deserialize_char deserialize_identifier }
    read! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128() deserialize_f32()
        deserialize_f64() deserialize_bytes() deserialize_byte_buf() deserialize_unit() deserialize_map()
        deserialize_unit_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }
}

/// The elements of a list that have not been read.
struct Elements<'de> {
    scanner: Scanner<'de>,
    is_first: bool,
}

impl<'de> SeqAccess<'de> for &mut Elements<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.scanner.peek() == Some(b']') {
            return Ok(None);
        }
        if !std::mem::replace(&mut self.is_first, false) {
            self.scanner.expect(b',').map_err(to_unusual)?;
        }
        match self.scanner.plain_text() {
            Some(text) => seed.deserialize(Value::Text(text)).map(Some),
            None => {
                let json = self.scanner.raw().map_err(to_unusual)?;
                read(json, |reader| seed.deserialize(reader)).map(Some)
            }
        }
    }
}

fn to_unusual(_error: JsonError) -> Error {
    unusual()
}

#[cfg(test)]
mod tests;
