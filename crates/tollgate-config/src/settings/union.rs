//! [`Union`]: a member with several forms, such as a string or a table.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{self, MapAccess, SeqAccess, Unexpected, Visitor};

/// A type that is read from a string, a boolean, a list or a table. Each form decides by itself, so an error keeps the
/// path and the place of its member, which serde's untagged enums lose.
pub(crate) trait Union<'de>: Sized {
    /// The forms, after "write".
    const FORMS: &'static str;

    fn from_text<E: de::Error>(_text: &str) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Str(""), &Self::FORMS))
    }

    fn from_boolean<E: de::Error>(boolean: bool) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Bool(boolean), &Self::FORMS))
    }

    fn from_list<A: SeqAccess<'de>>(_list: A) -> Result<Self, A::Error> {
        Err(de::Error::invalid_type(Unexpected::Seq, &Self::FORMS))
    }

    fn from_table<A: MapAccess<'de>>(_table: A) -> Result<Self, A::Error> {
        Err(de::Error::invalid_type(Unexpected::Map, &Self::FORMS))
    }
}

pub(crate) fn read<'de, T: Union<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Forms(PhantomData))
}

struct Forms<T>(PhantomData<T>);

impl<'de, T: Union<'de>> Visitor<'de> for Forms<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::FORMS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text)
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<T, E> {
        T::from_boolean(boolean)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<T, A::Error> {
        T::from_table(table)
    }
}

/// Implements `Deserialize` for a [`Union`].
macro_rules! deserialize_union {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::settings::union::read(deserializer)
            }
        }
    };
}
pub(crate) use deserialize_union;

/// Returns the only one of the alternatives that is given. `names` are those of all alternatives.
pub(crate) fn only_one<T, E: de::Error>(
    given: impl IntoIterator<Item = Option<(&'static str, T)>>,
    names: &[&str],
) -> Result<T, E> {
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some((_, only)), None) => Ok(only),
        (None, _) => Err(E::custom(format!("needs one of {}", crate::document::list(names)))),
        (Some((first, _)), Some((second, _))) => {
            Err(E::custom(format!("has both `{first}` and `{second}`; remove one")))
        }
    }
}

/// Returns an error if a companion of another alternative is given.
pub(crate) fn without<E: de::Error>(companion: &'static str, is_given: bool, owners: &str) -> Result<(), E> {
    if !is_given {
        return Ok(());
    }
    Err(E::custom(format!("has `{companion}`, which belongs to {owners}; remove it")))
}
