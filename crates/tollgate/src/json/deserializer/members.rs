//! [`from_members`]: deserializes an object whose members have been located, without parsing it again.

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::{Name, Reader, Unusual, from_str};
use crate::json::members::Member;
use crate::json::names::RESERVED;
use crate::json::{Members, Scanner};

/// Deserializes a `T` from `text`, an object of strict JSON with these members.
///
/// # Errors
/// [`Unusual`] when the text does not fit the type, or may not fit it.
pub(crate) fn from_members<T: DeserializeOwned>(text: &str, members: &Members) -> Result<T, Unusual> {
    match members.of(text) {
        Some(members) => T::deserialize(Object { members, value: None }),
        None => from_str(text),
    }
}

/// Implements methods that the fast path does not handle, because the value is an object.
macro_rules! unusual {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unusual> {
            Err(Unusual)
        })*
    };
}

/// The remaining members of the object.
struct Object<'de, M> {
    members: M,
    /// The value of the member whose name was read last.
    value: Option<Value<'de>>,
}

impl<'de, M: Iterator<Item = Member<'de>>> Deserializer<'de> for Object<'de, M> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unusual> {
        let made = visitor.visit_map(&mut self)?;
        // A visitor that stops before the end expected fewer members.
        if self.members.next().is_none() { Ok(made) } else { Err(Unusual) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name.starts_with(RESERVED) { Err(Unusual) } else { self.deserialize_map(visitor) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name.starts_with(RESERVED) { Err(Unusual) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _visitor: V,
    ) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        _visitor: V,
    ) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    unusual! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_identifier
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_seq
    }
}

impl<'de, M: Iterator<Item = Member<'de>>> MapAccess<'de> for &mut Object<'de, M> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unusual> {
        let Some(member) = self.members.next() else { return Ok(None) };
        self.value = Some(Value { json: member.value, is_plain_text: member.is_plain_text });
        seed.deserialize(Name(member.name.into())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        seed.deserialize(self.value.take().ok_or(Unusual)?)
    }
}

/// Implements methods for any value.
macro_rules! read {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
            Reader(&mut self.again()).$method(visitor)
        })*
    };
}

/// Implements methods that can use plain text.
macro_rules! text {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
            match self.plain_text() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => Reader(&mut self.again()).$method(visitor),
            }
        })*
    };
}

/// A deserializer of the value of a member.
struct Value<'de> {
    json: &'de str,
    is_plain_text: bool,
}

impl<'de> Value<'de> {
    /// Returns the string between its quotes.
    fn plain_text(&self) -> Option<&'de str> {
        let text = self.json.get(1..self.json.len().saturating_sub(1));
        text.filter(|_| self.is_plain_text)
    }

    fn again(&self) -> Scanner<'de> {
        Scanner::again(self.json)
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Unusual;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.json == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
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
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        Reader(&mut self.again()).deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Unusual> {
        Reader(&mut self.again()).deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        Reader(&mut self.again()).deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        Reader(&mut self.again()).deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        Reader(&mut self.again()).deserialize_enum(name, variants, visitor)
    }

    text! { deserialize_any deserialize_str deserialize_string deserialize_char deserialize_identifier }
    read! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map
    }
}
