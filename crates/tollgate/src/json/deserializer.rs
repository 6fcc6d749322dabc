//! [`from_str`]: deserializes an application's type from JSON that was parsed before.
//!
//! This fast path takes half the time of `serde_json`, and handles only cases where the two cannot differ. For
//! all other cases it returns [`Unusual`], and the caller uses `serde_json`.

mod members;

use std::borrow::Cow;
use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::names::RESERVED;
use super::{JsonError, Scanner};
pub(crate) use members::from_members;

/// Deserializes a `T` from `text`, which must be one value of strict JSON without duplicate names.
///
/// # Errors
/// [`Unusual`] when the text does not fit the type, or may not fit it.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Unusual> {
    T::deserialize(Reader(&mut Scanner::again(text)))
}

/// The fast path does not handle this case. `serde_json` reports the details.
#[derive(Debug)]
pub(crate) struct Unusual;

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left to serde_json")
    }
}

impl std::error::Error for Unusual {}

impl de::Error for Unusual {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

impl From<JsonError> for Unusual {
    fn from(_error: JsonError) -> Self {
        Self
    }
}

/// Implements methods that the fast path does not handle.
macro_rules! unusual {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unusual> {
            Err(Unusual)
        })*
    };
}

/// Implements methods that do the same as another one.
macro_rules! same {
    ($to:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
            self.$to(visitor)
        })*
    };
}

/// A deserializer of the next value.
struct Reader<'r, 'de>(&'r mut Scanner<'de>);

impl<'de> Reader<'_, 'de> {
    /// Deserializes numbers that fit a `u64` or an `i64`. `serde_json` rounds fractions in its own way, so they
    /// are left to it.
    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let number = self.0.number()?.ok_or(Unusual)?;
        if let Ok(integer) = number.parse() {
            return visitor.visit_u64(integer);
        }
        match number.parse() {
            Ok(integer @ ..0) => visitor.visit_i64(integer),
            _ => Err(Unusual),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.0.peek() {
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'n') => self.deserialize_unit(visitor),
            _ => self.integer(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        visit_text(self.0.text()?.ok_or(Unusual)?, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let truth = match self.0.peek() {
            Some(b't') => true,
            Some(b'f') => false,
            _ => return Err(Unusual),
        };
        self.0.skip()?;
        visitor.visit_bool(truth)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.0.null()? { visitor.visit_unit() } else { Err(Unusual) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.0.null()? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.0.open(b'[')?;
        let value = visitor.visit_seq(Rest { scanner: &mut *self.0, is_first: true })?;
        self.0.leave(b']')?;
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.0.open(b'{')?;
        let value = visitor.visit_map(Rest { scanner: &mut *self.0, is_first: true })?;
        self.0.leave(b'}')?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.0.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name.starts_with(RESERVED) { Err(Unusual) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Unusual> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name.starts_with(RESERVED) { Err(Unusual) } else { self.deserialize_map(visitor) }
    }

    /// Deserializes a variant without content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        match self.0.text()? {
            Some(Cow::Borrowed(variant)) => visitor.visit_enum(BorrowedStrDeserializer::new(variant)),
            _ => Err(Unusual),
        }
    }

    same! { deserialize_str: deserialize_string deserialize_char deserialize_identifier }
    same! { integer:
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }
    unusual! { deserialize_i128 deserialize_u128 deserialize_bytes deserialize_byte_buf }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, Unusual> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_str(&text),
    }
}

/// The remaining elements of an array, or members of an object.
struct Rest<'r, 'de> {
    scanner: &'r mut Scanner<'de>,
    is_first: bool,
}

impl Rest<'_, '_> {
    /// Returns whether another element comes before `closing`.
    fn goes_on(&mut self, closing: u8) -> Result<bool, Unusual> {
        if self.scanner.peek() == Some(closing) {
            return Ok(false);
        }
        if !std::mem::replace(&mut self.is_first, false) {
            self.scanner.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Rest<'_, 'de> {
    type Error = Unusual;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unusual> {
        if !self.goes_on(b']')? {
            return Ok(None);
        }
        seed.deserialize(Reader(&mut *self.scanner)).map(Some)
    }
}

impl<'de> MapAccess<'de> for Rest<'_, 'de> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unusual> {
        if !self.goes_on(b'}')? {
            return Ok(None);
        }
        seed.deserialize(Name(self.scanner.name()?)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        self.scanner.expect(b':')?;
        seed.deserialize(Reader(&mut *self.scanner))
    }
}

/// The name of a member. `serde_json` also parses numbers and other types from names; the fast path does not.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        visit_text(self.0, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name.starts_with(RESERVED) { Err(Unusual) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    forward_to_deserialize_any! { char str string identifier ignored_any unit unit_struct seq tuple tuple_struct map struct }
    unusual! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_bytes deserialize_byte_buf deserialize_option
    }
}

#[cfg(test)]
mod tests;
