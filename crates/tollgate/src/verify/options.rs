//! The settings of a [`Verifier`]. `tolerate_*` gives up a check for the tokens of this verifier alone.

use std::sync::Arc;
use std::time::Duration;

use super::Verifier;
use super::audience_rule::AudienceRule;
use super::settings::{Requirement, Types};
use crate::algorithm::Algorithm;
use crate::claims::{ClaimPath, ClaimPaths};
use crate::error::ConfigError;

impl Verifier {
    /// Accepts tokens for one more audience. A token must name one of the audiences, or meet one of the other rules.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<AudienceRule>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Restricts the accepted algorithms. By default, every algorithm that a key is bound to is accepted.
    ///
    /// An RSA key whose JWK has no `alg` is bound to RS256. Listing another RSA algorithm here accepts tokens that were
    /// signed with it and such a key.
    ///
    /// # Errors
    /// [`ConfigError::Empty`] for an empty list.
    pub fn with_algorithms(
        self,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, ConfigError> {
        let algorithms: Vec<Algorithm> = algorithms.into_iter().collect();
        if algorithms.is_empty() {
            return Err(ConfigError::Empty { what: "algorithm" });
        }
        Ok(Self { algorithms, ..self })
    }

    /// Sets how far the clocks of issuer and API may differ. The default is 60 s, the maximum
    /// [`MAX_LEEWAY`](Self::MAX_LEEWAY).
    ///
    /// # Errors
    /// [`ConfigError::Leeway`] above the maximum (RFC 7519 §4.1.4: "usually no more than a few minutes").
    pub fn with_leeway(self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > Self::MAX_LEEWAY {
            return Err(ConfigError::Leeway { secs: leeway.as_secs() });
        }
        Ok(Self { leeway, ..self })
    }

    /// Rejects tokens that were issued longer ago than `max_age`, whatever their `exp`. This makes `iat`
    /// required. By default, there is no maximum age.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age: Some(max_age), ..self }
    }

    /// Rejects tokens whose lifetime from `iat` to `exp` is longer than `max_lifetime`. This makes `iat`
    /// required. By default, there is no maximum lifetime.
    #[must_use]
    pub fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime: Some(max_lifetime), ..self }
    }

    /// Rejects tokens that are longer than this number of bytes. The default is 8 KiB.
    #[must_use]
    pub fn with_max_token_bytes(self, max_token_bytes: usize) -> Self {
        Self { max_token_bytes, ..self }
    }

    /// Restricts the accepted values of `typ`. Case and the prefix `application/` do not matter. A token
    /// without `typ` is then rejected. By default, `JWT`, `at+jwt` and a missing `typ` are accepted.
    ///
    /// # Errors
    /// [`ConfigError::Empty`] for an empty list.
    pub fn with_types<T: Into<Box<str>>>(
        self,
        types: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        Ok(Self { types: Types::named(types)?, ..self })
    }

    /// Requires the strict profile of RFC 9068: `typ` must be `at+jwt`; `sub`, `client_id`, `iat` and `jti` are
    /// required.
    #[must_use]
    pub fn with_rfc9068_profile(mut self) -> Self {
        self.types = Types::rfc9068();
        self.required.extend(Requirement::RFC9068.iter().map(|name| Requirement::string(name)));
        self
    }

    /// Requires the claim at `path` to be present and not `null`.
    #[must_use]
    pub fn with_required_claim(mut self, path: impl Into<ClaimPath>) -> Self {
        self.required.push(Requirement::present(path.into()));
        self
    }

    /// Requires the claim at `path` to have this value.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] when the value has no JSON form.
    pub fn with_required_value(
        mut self,
        path: impl Into<ClaimPath>,
        value: impl serde::Serialize,
    ) -> Result<Self, ConfigError> {
        self.required.push(Requirement::value(path.into(), value)?);
        Ok(self)
    }

    /// Accepts tokens with this claim, although it marks other kinds of tokens: `nonce`, `at_hash`, `c_hash`,
    /// `s_hash` (ID tokens) or `events` (security events). Use this for issuers that put such a claim into
    /// access tokens.
    #[must_use]
    pub fn tolerate_id_token_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.allowed_kinds.push(name.into());
        self
    }

    /// Sets the claims in which this issuer puts scopes and roles. [`ClaimPaths`] has the default.
    #[must_use]
    pub fn with_claim_paths(self, paths: ClaimPaths) -> Self {
        Self { paths: Arc::new(paths), ..self }
    }

    /// Returns the claims in which this issuer puts scopes and roles, such as those of a
    /// [provider](crate::providers), to change some of them.
    #[must_use]
    pub fn claim_paths(&self) -> &ClaimPaths {
        &self.paths
    }

    /// Requires the member `name` of the token's header to be this string.
    #[must_use]
    pub fn with_required_header_member(
        mut self,
        name: impl Into<Box<str>>,
        value: impl Into<Box<str>>,
    ) -> Self {
        self.required_header_members.push((name.into(), value.into()));
        self
    }

    /// Checks the member `issuer` of the key's JWK: the key then verifies only tokens of that issuer, which can have
    /// `{tenantid}` in place of the tenant. Entra ID publishes this member, as its tenants share key sets. A key
    /// without it is used as before.
    #[must_use]
    pub fn with_key_issuers(mut self) -> Self {
        self.key_issuers = true;
        self
    }

    /// Accepts ID tokens of this issuer: tokens with `nonce`, `at_hash`, `c_hash` or `s_hash`. Use this only where the
    /// provider wants the API to be called with ID tokens, as Firebase and Google do.
    ///
    /// # Security
    /// The audience of an ID token is the client that requested it (OpenID Connect Core §2). List only clients whose
    /// users the API is for.
    #[must_use]
    pub fn tolerate_id_tokens(mut self) -> Self {
        self.allowed_kinds.extend(["nonce", "at_hash", "c_hash", "s_hash"].map(Into::into));
        self
    }

    /// Accepts tokens without `typ`, in addition to the types of [`with_types`](Self::with_types). A later call of
    /// `with_types` takes this back.
    ///
    /// # Security
    /// A token of another kind that the issuer signs with the same key may have no `typ` either (RFC 8725 §3.11). The
    /// default accepts a missing `typ`, because most issuers write none.
    #[must_use]
    pub fn tolerate_missing_type(mut self) -> Self {
        self.types.accept_absent();
        self
    }

    /// Accepts an integer without a sign as `sub`, against RFC 7519 §4.1.2.
    /// [`Verified::subject`](crate::Verified::subject) returns its digits. Claims types of the application have to
    /// read a number.
    ///
    /// # Security
    /// The subjects `17` and `"17"` become one. Use it only for issuers that write all subjects as numbers.
    #[must_use]
    pub fn tolerate_numeric_subject(mut self) -> Self {
        self.numeric_subject = true;
        self
    }

    /// Accepts tokens whose parts are padded with `=` (RFC 4648 §3.2), against RFC 7515 §2, as AWS load balancers make
    /// them. The padding is covered by the signature, and must be exact.
    ///
    /// # Security
    /// The text of a padded signature can be changed without invalidating it: the same token has two texts. Do not use
    /// the text of a token as an identifier.
    #[must_use]
    pub fn tolerate_padding(mut self) -> Self {
        self.padding = true;
        self
    }
}
