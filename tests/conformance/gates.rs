//! The gates that the cases run against.

use std::sync::Arc;
use std::time::Duration;

use tollgate::{
    Algorithm, Audience, AudienceRule, ClaimPaths, CrossSite, Gate, Issuer, IssuerRule, KeyRefresh,
    KeyRequest, KeySet, KeySource, KeysUnavailable, Policy, ResourceMetadata, RevocationList, Revocations,
    RevocationsUnavailable, TokenBinding, TokenSource, UnixTime, Verified, Verifier, VerifierSource,
};
use tollgate_testing::{Forge, ManualClock, keys};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const OTHER_ISSUER: &str = "https://other.example";
pub(crate) const AUDIENCE: &str = "api://demo";
const NOW: i64 = 1_700_000_000;

/// The gate in front of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// HS256, bearer tokens, realm and resource metadata.
    Plain,
    /// Every token source.
    Sources,
    /// Two issuers with keys of the same key id.
    TwoIssuers,
    /// No keys are available.
    NoKeys,
    /// Keys that arrive with the first refresh.
    LateKeys,
    /// The revocation store is unavailable.
    NoRevocations,
    /// The strict profile of RFC 9068, with one token revoked.
    Strict,
    /// As `Plain`, with issuers beside it that give up every check.
    PlainBesideLoose,
    /// As `Sources`, with such issuers beside it.
    SourcesBesideLoose,
    /// As `Strict`, with such issuers beside it.
    StrictBesideLoose,
    /// Tokens and locations of tokens that real issuers and clients use.
    RealWorld,
    /// A policy on how and when the user authenticated.
    StepUp,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Plain,
        Self::Sources,
        Self::TwoIssuers,
        Self::NoKeys,
        Self::LateKeys,
        Self::NoRevocations,
        Self::Strict,
        Self::PlainBesideLoose,
        Self::SourcesBesideLoose,
        Self::StrictBesideLoose,
        Self::RealWorld,
        Self::StepUp,
    ];
}

/// The gates, and the forges whose tokens they accept. Their clock stands still.
pub(crate) struct Gates {
    clock: ManualClock,
    pub(crate) forge: Forge,
    pub(crate) other_forge: Forge,
}

impl Gates {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(NOW);
        let forge = Forge::new(ISSUER, AUDIENCE).with_clock(&clock);
        let other_key = keys::signing(Algorithm::Es256).with_key_id("k1").expect("a key id");
        let other_forge = Forge::new(OTHER_ISSUER, AUDIENCE).with_clock(&clock).with_key(other_key);
        Self { clock, forge, other_forge }
    }

    pub(crate) fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    pub(crate) fn gate(&self, kind: Kind) -> Gate {
        let hs256 = || keys::verifying(Algorithm::Hs256);
        let verifier =
            || Verifier::new(hs256(), Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
        let gate = match kind {
            Kind::PlainBesideLoose => beside_loose(self.gate(Kind::Plain)),
            Kind::SourcesBesideLoose => beside_loose(self.gate(Kind::Sources)),
            Kind::StrictBesideLoose => beside_loose(self.gate(Kind::Strict)),
            Kind::RealWorld => crate::real_world::gate(),
            Kind::StepUp => {
                let recent = Policy::authenticated_within(Duration::from_secs(300));
                Gate::new(verifier()).with_policy(Policy::acr(["phr", "mfa"]).expect("values") & recent)
            }
            Kind::Plain => {
                Gate::new(verifier()).with_realm("orders").expect("a realm").with_resource_metadata(
                    &ResourceMetadata::new("https://api.example/v1").expect("a resource"),
                )
            }
            Kind::Sources => Gate::new(verifier()).with_sources(sources()).unwrap().with_cross_site(
                CrossSite::new().with_trusted_origin("https://app.example").expect("an origin"),
            ),
            Kind::TwoIssuers => {
                let named = |algorithm| keys::verifying(algorithm).with_key_id("k1").expect("a key id");
                let first = Verifier::new(
                    named(Algorithm::Hs256),
                    Issuer::new(ISSUER).unwrap(),
                    Audience::new(AUDIENCE).unwrap(),
                );
                let second = Verifier::new(
                    named(Algorithm::Es256),
                    Issuer::new(OTHER_ISSUER).unwrap(),
                    Audience::new(AUDIENCE).unwrap(),
                );
                Gate::new(first).with_verifier(second).expect("two issuers")
            }
            Kind::NoKeys => Gate::new(Verifier::new(
                NoKeys,
                Issuer::new(ISSUER).unwrap(),
                Audience::new(AUDIENCE).unwrap(),
            )),
            Kind::LateKeys => Gate::new(Verifier::new(
                LateKeys::default(),
                Issuer::new(ISSUER).unwrap(),
                Audience::new(AUDIENCE).unwrap(),
            )),
            Kind::NoRevocations => Gate::new(verifier()).with_revocations(NoRevocations),
            Kind::Strict => {
                let revoked = RevocationList::new();
                revoked.revoke(ISSUER, "revoked", UnixTime::from_secs(NOW + 600));
                Gate::new(verifier().with_rfc9068_profile()).with_revocations(revoked)
            }
        };
        gate.with_clock(self.clock.clone())
    }
}

/// Adds issuers that give up every check. Their key is another one.
fn beside_loose(gate: Gate) -> Gate {
    let key = || keys::verifying(Algorithm::Es256).with_key_id("k1").expect("a key id");
    let unbound = || AudienceRule::insecure_absent(TokenBinding::DedicatedKey);
    let template = IssuerRule::template_where("https://tenants.example/{tid}", |_| true).expect("a template");
    let prefix = IssuerRule::subject_prefix("spiffe://example.org/", None).expect("a prefix");
    let exact = IssuerRule::from(Issuer::new(OTHER_ISSUER).expect("an issuer"));
    let loose = [exact, template, prefix, IssuerRule::insecure_absent()].map(|issuer| {
        let paths = ClaimPaths::default()
            .with_scopes_at(["scope", "groups", "sub"])
            .with_implied_scopes("a", ["read:items"])
            .with_implied_roles("user", ["admin"]);
        Verifier::new(key(), issuer, unbound())
            .with_audience(AudienceRule::claim("client_id", ["app"]).expect("a rule"))
            .tolerate_id_tokens()
            .tolerate_id_token_claim("events")
            .tolerate_missing_type()
            .tolerate_numeric_subject()
            .tolerate_padding()
            .with_leeway(Duration::from_secs(300))
            .expect("a leeway")
            .with_max_token_bytes(64 * 1024)
            .with_claim_paths(paths)
    });
    gate.with_verifiers(loose).expect("rules without overlaps").with_verifier_source(NoIssuers)
}

/// A source of verifiers that knows no issuer.
#[derive(Debug)]
struct NoIssuers;

impl VerifierSource for NoIssuers {
    fn verifier(&self, _issuer: &str) -> Option<Arc<Verifier>> {
        None
    }

    fn lookup(&self, _issuer: &str, _now: UnixTime) -> Option<KeyRefresh> {
        None
    }
}

fn sources() -> [TokenSource; 4] {
    [
        TokenSource::bearer(),
        TokenSource::cookie("__Host-Http-at").expect("a cookie name"),
        TokenSource::header("x-token").expect("a field name"),
        TokenSource::insecure_query("access_token").expect("a parameter name"),
    ]
}

/// An issuer that cannot be reached.
#[derive(Debug)]
struct NoKeys;

impl KeySource for NoKeys {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Err(KeysUnavailable::new("the issuer cannot be reached", Duration::from_secs(7)))
    }

    fn refresh(&self, _wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        Some(KeyRefresh::new(tokio::task::yield_now()))
    }
}

/// An issuer whose new key arrives with the first refresh.
#[derive(Debug, Default)]
struct LateKeys(Arc<std::sync::OnceLock<KeySet>>);

impl KeySource for LateKeys {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Ok(self.0.get().cloned().unwrap_or_else(|| keys::verifying(Algorithm::Es384).into()))
    }

    fn refresh(&self, wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        assert!(wanted.is_some(), "the source has keys, so a refresh names the wanted one");
        let keys = Arc::clone(&self.0);
        Some(KeyRefresh::new(async move {
            tokio::task::yield_now().await;
            keys.get_or_init(|| keys::verifying(Algorithm::Hs256).into());
        }))
    }
}

/// A revocation store that cannot be reached.
#[derive(Debug)]
struct NoRevocations;

impl Revocations for NoRevocations {
    fn is_revoked(&self, _token: &Verified, _now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        Err(RevocationsUnavailable::new("the store cannot be reached", Duration::from_secs(3)))
    }
}
