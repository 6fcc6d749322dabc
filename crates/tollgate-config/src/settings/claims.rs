//! Where claims are, and how scopes and roles are written in them.

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess};
use std::collections::BTreeMap;

use super::union::{Union, deserialize_union, only_one, without};

/// The path of a claim: a text that is split at dots unless it is a URL, or a list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathSetting {
    Text(Box<str>),
    Names(Vec<Box<str>>),
}

impl<'de> Union<'de> for PathSetting {
    const FORMS: &'static str = "a path such as \"realm_access.roles\", or a list of names";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Ok(Self::Text(text.into()))
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Self::Names)
    }
}
deserialize_union!(PathSetting);

/// A claim with scopes or roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantSetting {
    pub(crate) path: PathSetting,
    pub(crate) shape: GrantShape,
    pub(crate) renamed: Option<BTreeMap<Box<str>, Box<str>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GrantShape {
    Strings,
    Separated(char),
    Keys,
    Member(Box<str>),
}

impl<'de> Union<'de> for GrantSetting {
    const FORMS: &'static str = "the path of a claim, or a table with `path`, `keys_of` or `member_of`";

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let path = PathSetting::from_list(list)?;
        Ok(Self { path, shape: GrantShape::Strings, renamed: None })
    }

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Ok(Self { path: PathSetting::Text(text.into()), shape: GrantShape::Strings, renamed: None })
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        GrantTable::deserialize(MapAccessDeserializer::new(table))?.into_setting()
    }
}
deserialize_union!(GrantSetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantTable {
    path: Option<PathSetting>,
    separated_by: Option<char>,
    keys_of: Option<PathSetting>,
    member_of: Option<PathSetting>,
    member: Option<Box<str>>,
    renamed: Option<BTreeMap<Box<str>, Box<str>>>,
}

impl GrantTable {
    fn into_setting<E: de::Error>(self) -> Result<GrantSetting, E> {
        let (has_path, has_member_of) = (self.path.is_some(), self.member_of.is_some());
        without("separated_by", self.separated_by.is_some() && !has_path, "`path`")?;
        without("member", self.member.is_some() && !has_member_of, "`member_of`")?;
        let at = self.separated_by.map_or(GrantShape::Strings, GrantShape::Separated);
        let member = match (has_member_of, self.member) {
            (true, None) => return Err(E::missing_field("member")),
            (_, member) => GrantShape::Member(member.unwrap_or_default()),
        };
        let (path, shape) = only_one(
            [
                self.path.map(|path| ("path", (path, at))),
                self.keys_of.map(|path| ("keys_of", (path, GrantShape::Keys))),
                self.member_of.map(|path| ("member_of", (path, member))),
            ],
            &["path", "keys_of", "member_of"],
        )?;
        Ok(GrantSetting { path, shape, renamed: self.renamed })
    }
}
