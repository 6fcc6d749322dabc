//! The issuer and the audience that tokens must have.

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess};

use super::claims::PathSetting;
use super::union::{Union, deserialize_union, only_one, without};

/// The issuers whose tokens belong to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IssuerSetting {
    Exact(Box<str>),
    Template {
        template: Box<str>,
        values: Vec<Box<str>>,
    },
    /// Tokens without `iss`, or with this one.
    SubjectPrefix {
        prefix: Box<str>,
        issuer: Option<Box<str>>,
    },
    InsecureAbsent,
}

impl<'de> Union<'de> for IssuerSetting {
    const FORMS: &'static str =
        "the issuer as a string, or a table with `template`, `subject_prefix` or `insecure_absent`";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Ok(Self::Exact(text.into()))
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let table = IssuerTable::deserialize(MapAccessDeserializer::new(table))?;
        without("values", table.values.is_some() && table.template.is_none(), "`template`")?;
        without("issuer", table.issuer.is_some() && table.subject_prefix.is_none(), "`subject_prefix`")?;
        let issuer = table.issuer;
        let values = match (&table.template, table.values) {
            (Some(_), None) => return Err(de::Error::missing_field("values")),
            (_, values) => values.unwrap_or_default(),
        };
        only_one(
            [
                table.template.map(|template| ("template", Self::Template { template, values })),
                table.subject_prefix.map(|prefix| ("subject_prefix", Self::SubjectPrefix { prefix, issuer })),
                table.insecure_absent.map(|True| ("insecure_absent", Self::InsecureAbsent)),
            ],
            &["template", "subject_prefix", "insecure_absent"],
        )
    }
}
deserialize_union!(IssuerSetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerTable {
    template: Option<Box<str>>,
    values: Option<Vec<Box<str>>>,
    subject_prefix: Option<Box<str>>,
    issuer: Option<Box<str>>,
    insecure_absent: Option<True>,
}

/// A setting that can only be switched on. `false` would look like a setting, and be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct True;

impl<'de> Union<'de> for True {
    const FORMS: &'static str = "`true`, or leave the member out";

    fn from_boolean<E: de::Error>(boolean: bool) -> Result<Self, E> {
        match boolean {
            true => Ok(Self),
            false => Err(E::custom(format!("is false; write {}", Self::FORMS))),
        }
    }
}
deserialize_union!(True);

/// The audiences of an entry. A token has to meet one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AudienceSetting {
    pub(crate) rules: Vec<AudienceRuleSetting>,
    /// Whether the rules are written as a list, for the path of an error.
    pub(crate) is_list: bool,
}

impl<'de> Union<'de> for AudienceSetting {
    const FORMS: &'static str = "the audience as a string, a list of audiences, or a table with `claim`, `header_member` or `insecure_absent`";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        AudienceRuleSetting::from_text(text).map(Self::one)
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let rules = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Self { rules, is_list: true })
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        AudienceRuleSetting::from_table(table).map(Self::one)
    }
}
deserialize_union!(AudienceSetting);

impl AudienceSetting {
    fn one(rule: AudienceRuleSetting) -> Self {
        Self { rules: vec![rule], is_list: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AudienceRuleSetting {
    Audience(Box<str>),
    Claim { claim: PathSetting, values: Vec<Box<str>> },
    HeaderMember { name: Box<str>, values: Vec<Box<str>> },
    InsecureAbsent(Binding),
}

/// What binds a token without an audience to this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Binding {
    DedicatedKey,
    DedicatedIssuer,
}

impl<'de> Union<'de> for AudienceRuleSetting {
    const FORMS: &'static str =
        "the audience as a string, or a table with `claim`, `header_member` or `insecure_absent`";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Ok(Self::Audience(text.into()))
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let table = AudienceTable::deserialize(MapAccessDeserializer::new(table))?;
        let takes_values = table.claim.is_some() || table.header_member.is_some();
        without("values", table.values.is_some() && !takes_values, "`claim` and `header_member`")?;
        let values = match (takes_values, table.values) {
            (true, None) => return Err(de::Error::missing_field("values")),
            (_, values) => values.unwrap_or_default(),
        };
        only_one(
            [
                table.claim.map(|claim| ("claim", Self::Claim { claim, values: values.clone() })),
                table.header_member.map(|name| ("header_member", Self::HeaderMember { name, values })),
                table.insecure_absent.map(|binding| ("insecure_absent", Self::InsecureAbsent(binding))),
            ],
            &["claim", "header_member", "insecure_absent"],
        )
    }
}
deserialize_union!(AudienceRuleSetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AudienceTable {
    claim: Option<PathSetting>,
    header_member: Option<Box<str>>,
    values: Option<Vec<Box<str>>>,
    insecure_absent: Option<Binding>,
}
