//! The verifier of an entry of `[[issuers]]`.

use std::time::Duration;

use tollgate::providers::{KeyLocation, Provider};
use tollgate::{
    Algorithm, Audience, AudienceRule, ConfigError, Issuer, IssuerRule, JwkTolerance, KeyRefresh, KeyRequest,
    KeySet, KeySource, KeysUnavailable, TokenBinding, UnixTime, Verifier, VerifierKeys,
};

use super::at::At;
use super::checks::{self, claim_path};
use super::files::Files;
use super::keys;
use super::network;
use super::provider;
use super::remote::{RemoteKeys, RemoteLocation, RemotePlaces, RemoteSettings, Start};
use crate::error::DocumentError;
use crate::settings::issuer::IssuerEntry;
use crate::settings::keys::KeysSetting;
use crate::settings::rules::{AudienceRuleSetting, AudienceSetting, Binding, IssuerSetting};

/// An entry that was checked as far as that is possible without the network.
pub(crate) struct Prepared<'a> {
    at: At<'a>,
    entry: &'a IssuerEntry,
    kind: Kind,
    keys: Keys,
}

enum Kind {
    Provider(Box<Provider>),
    Own { issuer: IssuerRule, audiences: Vec<AudienceRule> },
}

enum Keys {
    Local(KeySet),
    Remote(Box<RemoteSettings>),
}

/// Checks an entry, and reads its files.
pub(crate) fn prepare<'a>(
    at: At<'a>,
    entry: &'a IssuerEntry,
    files: &Files,
) -> Result<Prepared<'a>, DocumentError> {
    let kind = match entry.provider {
        Some(name) => Kind::Provider(Box::new(provider::build(&at, entry, name)?)),
        None => own(&at, entry)?,
    };
    let provider = match &kind {
        Kind::Provider(provider) => provider.key_tolerance(),
        Kind::Own { .. } => JwkTolerance::default(),
    };
    let tolerance = entry.keys.as_ref().map_or(provider, |keys| keys.tolerance(provider));
    let keys = match &entry.keys {
        Some(setting) => keys::local(&at.member("keys"), setting, tolerance, files)?,
        None => None,
    };
    let keys = match keys {
        Some(keys) => {
            refuse_remote_settings(&at, entry)?;
            Keys::Local(keys)
        }
        None => Keys::Remote(Box::new(RemoteSettings {
            location: remote_location(&at, entry, &kind)?,
            refresh: entry.refresh.clone().unwrap_or_default(),
            tolerance,
            network: network::resolve(
                &at.member("network"),
                &entry.network.clone().unwrap_or_default(),
                files,
            )?,
        })),
    };
    let prepared = Prepared { at, entry, kind, keys };
    prepared.verifier(VerifierKeys::from(NoKeys))?;
    Ok(prepared)
}

impl Prepared<'_> {
    /// Returns the verifier, and its keys if they are remote.
    pub(crate) async fn finish(
        self,
        known: &[RemoteKeys],
        start: Start,
    ) -> Result<(Verifier, Option<RemoteKeys>), DocumentError> {
        match &self.keys {
            Keys::Local(keys) => Ok((self.verifier(keys.clone().into())?, None)),
            Keys::Remote(settings) => {
                let settings = RemoteSettings::clone(settings);
                let keys = RemoteKeys::find_or_start(&self.places(), settings, known, start).await?;
                Ok((self.verifier(keys.to_verify_with())?, Some(keys)))
            }
        }
    }

    /// Returns the entry, and the member that decides where its keys are.
    fn places(&self) -> RemotePlaces<'_> {
        let keys = self.at.member("keys");
        let url = match &self.entry.keys {
            Some(KeysSetting::JwkSetUrl { .. }) => keys.member("jwk_set_url"),
            Some(KeysSetting::PemPerKeyUrl { .. }) => keys.member("pem_per_key_url"),
            _ => {
                let given = self.entry.preset_members();
                let of_url = |member: &str| matches!(member, "base_url" | "instance" | "url" | "issuer");
                let member = given.into_iter().find(|(member, is_given)| *is_given && of_url(member));
                member.map_or(keys, |(member, _)| self.at.member(member))
            }
        };
        RemotePlaces { entry: &self.at, url }
    }

    fn verifier(&self, keys: VerifierKeys) -> Result<Verifier, DocumentError> {
        let verifier = match &self.kind {
            Kind::Provider(provider) => provider.verifier(keys),
            Kind::Own { issuer, audiences } => {
                let mut audiences = audiences.iter().cloned();
                let Some(first) = audiences.next() else {
                    return Err(self
                        .at
                        .member("audience")
                        .wrong("is an empty list", "add the audience of the API"));
                };
                audiences.fold(Verifier::new(keys, issuer.clone(), first), Verifier::with_audience)
            }
        };
        checks::apply(&self.at, self.entry, verifier)
    }
}

/// Keys for the check of settings before the actual keys are there. They verify nothing.
#[derive(Debug)]
struct NoKeys;

impl KeySource for NoKeys {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Err(KeysUnavailable::new("the keys are not configured yet", Duration::ZERO))
    }

    fn refresh(&self, _wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        None
    }
}

fn own(at: &At<'_>, entry: &IssuerEntry) -> Result<Kind, DocumentError> {
    let preset = entry
        .preset_members()
        .into_iter()
        .find(|(name, is_given)| *is_given && !matches!(*name, "issuer" | "audience"));
    if let Some((member, _)) = preset {
        return Err(at
            .member(member)
            .wrong("belongs to entries with `provider`", "remove it, or name the provider"));
    }
    let needs = |member: &str| {
        let mend = "add it, or name a `provider`";
        let entries = at.entries_of_document().map(|entries| format!("{mend}; {entries}"));
        at.wrong(format!("needs the member `{member}`"), entries.unwrap_or_else(|| mend.to_owned()))
    };
    let issuer = entry.issuer.as_ref().ok_or_else(|| needs("issuer"))?;
    let audience = entry.audience.as_ref().ok_or_else(|| needs("audience"))?;
    if entry.keys.is_none() {
        return Err(at.wrong("needs the member `keys`", "write `keys = { discover = true }`, for example"));
    }
    let issuer = issuer_rule(issuer).map_err(|error| at.member("issuer").refused(error))?;
    Ok(Kind::Own { issuer, audiences: audience_rules(&at.member("audience"), audience)? })
}

fn issuer_rule(setting: &IssuerSetting) -> Result<IssuerRule, ConfigError> {
    match setting {
        IssuerSetting::Exact(issuer) => Issuer::new(issuer.clone()).map(Into::into),
        IssuerSetting::Template { template, values } => {
            IssuerRule::template(template, values.iter().cloned())
        }
        IssuerSetting::SubjectPrefix { prefix, issuer } => {
            let issuer = issuer.clone().map(Issuer::new).transpose()?;
            IssuerRule::subject_prefix(prefix.clone(), issuer)
        }
        IssuerSetting::InsecureAbsent => Ok(IssuerRule::insecure_absent()),
    }
}

fn audience_rules(at: &At<'_>, setting: &AudienceSetting) -> Result<Vec<AudienceRule>, DocumentError> {
    let rules = setting.rules.iter().enumerate().map(|(index, rule)| {
        let at = if setting.is_list { at.index(index) } else { at.clone() };
        audience_rule(rule).map_err(|error| at.refused(error))
    });
    rules.collect()
}

fn audience_rule(setting: &AudienceRuleSetting) -> Result<AudienceRule, ConfigError> {
    match setting {
        AudienceRuleSetting::Audience(audience) => Audience::new(audience.clone()).map(Into::into),
        AudienceRuleSetting::Claim { claim, values } => {
            AudienceRule::claim(claim_path(claim), values.iter().cloned())
        }
        AudienceRuleSetting::HeaderMember { name, values } => {
            AudienceRule::header_member(name.clone(), values.iter().cloned())
        }
        AudienceRuleSetting::InsecureAbsent(binding) => Ok(AudienceRule::insecure_absent(match binding {
            Binding::DedicatedKey => TokenBinding::DedicatedKey,
            Binding::DedicatedIssuer => TokenBinding::DedicatedIssuer,
        })),
    }
}

/// Returns where the keys are, if the entry has none itself.
fn remote_location(at: &At<'_>, entry: &IssuerEntry, kind: &Kind) -> Result<RemoteLocation, DocumentError> {
    if let Some(KeysSetting::JwkSetUrl { url, .. }) = &entry.keys {
        return Ok(RemoteLocation::JwkSet(url.clone()));
    }
    if let Some(KeysSetting::PemPerKeyUrl { url, algorithm }) = &entry.keys {
        return Ok(RemoteLocation::PemPerKey(url.clone(), algorithm.0));
    }
    let keys = at.member("keys");
    match kind {
        Kind::Provider(provider) => match provider.keys() {
            KeyLocation::Issuer(issuer) => Ok(RemoteLocation::Issuer(issuer.as_str().into())),
            KeyLocation::JwkSet(url) if entry.keys.is_none() => Ok(RemoteLocation::JwkSet(url.clone())),
            KeyLocation::PemPerKeyId(url) if entry.keys.is_none() => {
                // AWS load balancers are the only provider of this kind.
                Ok(RemoteLocation::PemPerKey(url.clone(), Algorithm::Es256))
            }
            KeyLocation::JwkSet(_) | KeyLocation::PemPerKeyId(_) => {
                Err(keys.wrong("asks for discovery, which this provider does not have", "remove it"))
            }
            KeyLocation::Secret => Err(keys
                .wrong("is missing: this provider shares a secret", "write `secret_file` or `secret_env`")),
            _ => Err(keys.wrong("is missing: this provider does not say where its keys are", "add it")),
        },
        Kind::Own { issuer, .. } => match issuer.exact() {
            Some(issuer) => Ok(RemoteLocation::Issuer(issuer.as_str().into())),
            None => Err(keys.wrong(
                "asks for discovery, which needs an exact `issuer`",
                "write `jwk_set_url`, or another location",
            )),
        },
    }
}

/// Rejects settings that only remote keys have.
fn refuse_remote_settings(at: &At<'_>, entry: &IssuerEntry) -> Result<(), DocumentError> {
    let given = [("refresh", entry.refresh.is_some()), ("network", entry.network.is_some())];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((member, _)) => Err(at.member(member).wrong("applies to remote keys alone", "remove it")),
        None => Ok(()),
    }
}
