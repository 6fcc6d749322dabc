//! The keys that verify the tokens of an issuer.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess};
use tollgate::JwkTolerance;

use super::rules::True;
use super::union::{Union, deserialize_union, only_one, without};
use super::units::Secret;

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeysSetting {
    /// The metadata of the issuer names the URL of its keys.
    Discover {
        tolerate: Vec<KeyTolerance>,
    },
    JwkSetUrl {
        url: Box<str>,
        tolerate: Vec<KeyTolerance>,
    },
    JwkSetFile {
        path: PathBuf,
        tolerate: Vec<KeyTolerance>,
    },
    /// Each key is a PEM document at this URL followed by its ID.
    PemPerKeyUrl {
        url: Box<str>,
        algorithm: AlgorithmName,
    },
    PemFile {
        path: PathBuf,
        algorithm: AlgorithmName,
        key_id: Option<Box<str>>,
    },
    Secret(SecretSetting),
}

/// A secret that the issuer shares with this API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretSetting {
    pub(crate) source: SecretSource,
    pub(crate) encoding: Encoding,
    pub(crate) algorithm: AlgorithmName,
    pub(crate) key_id: Option<Box<str>>,
    pub(crate) insecure_weak: bool,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    File(PathBuf),
    Variable(Box<str>),
    /// In the document itself.
    Insecure(Secret),
}

/// How the bytes of a secret are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Base64,
    Base64url,
    /// The text itself is the secret.
    Utf8,
}

/// The name of an algorithm (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlgorithmName(pub(crate) tollgate::Algorithm);

impl<'de> Deserialize<'de> for AlgorithmName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name: String = Deserialize::deserialize(deserializer)?;
        let found = tollgate::Algorithm::from_name(&name);
        found.map(Self).ok_or_else(|| {
            let names: Vec<&str> =
                tollgate::Algorithm::ALL.into_iter().map(tollgate::Algorithm::name).collect();
            de::Error::custom(format!("is not a supported algorithm; write one of {}", names.join(", ")))
        })
    }
}

/// A deviation of a key set from the specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyTolerance {
    CoordinateLengths,
    JwtSvidUse,
}

impl KeysSetting {
    /// Adds the tolerances of the document to those of the provider.
    pub(crate) fn tolerance(&self, provider: JwkTolerance) -> JwkTolerance {
        let (Self::Discover { tolerate }
        | Self::JwkSetUrl { tolerate, .. }
        | Self::JwkSetFile { tolerate, .. }) = self
        else {
            return provider;
        };
        tolerate.iter().fold(provider, |tolerance, wanted| match wanted {
            KeyTolerance::CoordinateLengths => tolerance.coordinate_lengths(),
            KeyTolerance::JwtSvidUse => tolerance.jwt_svid_use(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysTable {
    discover: Option<True>,
    jwk_set_url: Option<Box<str>>,
    jwk_set_file: Option<PathBuf>,
    pem_per_key_url: Option<Box<str>>,
    pem_file: Option<PathBuf>,
    secret_file: Option<PathBuf>,
    secret_env: Option<Box<str>>,
    insecure_secret: Option<Secret>,
    algorithm: Option<AlgorithmName>,
    encoding: Option<Encoding>,
    key_id: Option<Box<str>>,
    insecure_weak: Option<True>,
    tolerate: Option<Vec<KeyTolerance>>,
}

impl<'de> Union<'de> for KeysSetting {
    const FORMS: &'static str = "a table such as { discover = true }";

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        KeysTable::deserialize(MapAccessDeserializer::new(table))?.into_setting()
    }
}
deserialize_union!(KeysSetting);

impl KeysTable {
    fn into_setting<E: de::Error>(self) -> Result<KeysSetting, E> {
        self.check_companions()?;
        let source = self.secret_source();
        let Self { algorithm, encoding, key_id, .. } = self;
        let algorithm = || algorithm.ok_or_else(|| E::missing_field("algorithm"));
        if let Some(source) = source {
            return Ok(KeysSetting::Secret(SecretSetting {
                source,
                encoding: encoding.ok_or_else(|| E::missing_field("encoding"))?,
                algorithm: algorithm()?,
                key_id,
                insecure_weak: self.insecure_weak.is_some(),
            }));
        }
        if let Some(path) = self.pem_file {
            return Ok(KeysSetting::PemFile { path, algorithm: algorithm()?, key_id });
        }
        if let Some(url) = self.pem_per_key_url {
            return Ok(KeysSetting::PemPerKeyUrl { url, algorithm: algorithm()? });
        }
        let tolerate = self.tolerate.unwrap_or_default();
        Ok(match (self.jwk_set_file, self.jwk_set_url) {
            (Some(path), _) => KeysSetting::JwkSetFile { path, tolerate },
            (None, Some(url)) => KeysSetting::JwkSetUrl { url, tolerate },
            (None, None) => KeysSetting::Discover { tolerate },
        })
    }

    fn has_secret(&self) -> bool {
        self.secret_file.is_some() || self.secret_env.is_some() || self.insecure_secret.is_some()
    }

    fn secret_source(&self) -> Option<SecretSource> {
        let file = self.secret_file.clone().map(SecretSource::File);
        file.or_else(|| self.secret_env.clone().map(SecretSource::Variable))
            .or_else(|| self.insecure_secret.clone().map(SecretSource::Insecure))
    }

    fn check_companions<E: de::Error>(&self) -> Result<(), E> {
        const NAMES: [&str; 8] = [
            "discover",
            "jwk_set_url",
            "jwk_set_file",
            "pem_per_key_url",
            "pem_file",
            "secret_file",
            "secret_env",
            "insecure_secret",
        ];
        let given = [
            self.discover.is_some(),
            self.jwk_set_url.is_some(),
            self.jwk_set_file.is_some(),
            self.pem_per_key_url.is_some(),
            self.pem_file.is_some(),
            self.secret_file.is_some(),
            self.secret_env.is_some(),
            self.insecure_secret.is_some(),
        ];
        only_one(
            NAMES.into_iter().zip(given).map(|(name, is_given)| is_given.then_some((name, ()))),
            &NAMES,
        )?;
        let is_single = self.has_secret() || self.pem_file.is_some();
        let has_algorithm = is_single || self.pem_per_key_url.is_some();
        without("algorithm", self.algorithm.is_some() && !has_algorithm, "PEM and secrets")?;
        without("key_id", self.key_id.is_some() && !is_single, "`pem_file` and secrets")?;
        without("encoding", self.encoding.is_some() && !self.has_secret(), "secrets")?;
        without("insecure_weak", self.insecure_weak.is_some() && !self.has_secret(), "secrets")?;
        without("tolerate", self.tolerate.is_some() && has_algorithm, "JWK Sets")
    }
}
