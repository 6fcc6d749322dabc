//! Who has caused a request whose token a browser has added by itself.

use std::sync::Arc;

use super::Gate;
use crate::cross_site::CrossSite;
use crate::csrf_verifier::{self, CsrfVerifier};
use crate::error::{AuthError, CrossSiteError};
use crate::request::RequestView;
use crate::source::{self, Credential};
use crate::verified::Verified;

impl Gate {
    /// How to tell whether another site caused a request with a cookie-borne token.
    #[must_use]
    pub fn with_cross_site(self, cross_site: CrossSite) -> Self {
        self.change(|inner| inner.cross_site = cross_site)
    }

    /// How it tells whether another site caused a request.
    #[must_use]
    pub fn cross_site(&self) -> &CrossSite {
        &self.0.cross_site
    }

    /// Also requires the anti-CSRF token of its session from a request that has its access token in a cookie and can
    /// change something, in `X-CSRF-Token`. `tollgate-sessions` makes them: `CookieSettings::csrf_tokens`. The default is to
    /// rely on what browsers say of a request, which is enough for those of today.
    ///
    /// Scripts have to repeat a cookie in a field, so HTML forms and beacons no longer work, nor does a front end on another
    /// host, which cannot read the cookie. A WebSocket handshake needs none, as pages cannot give it a field; where it comes
    /// from is checked.
    #[must_use]
    pub fn with_csrf_verifier(self, tokens: impl CsrfVerifier) -> Self {
        self.change(|inner| inner.csrf_verifier = Some(Arc::new(tokens)))
    }

    /// The anti-CSRF tokens that it requires.
    #[must_use]
    pub fn csrf_verifier(&self) -> Option<&dyn CsrfVerifier> {
        self.0.csrf_verifier.as_deref()
    }

    /// Checks the anti-CSRF token of a request that carries another credential of `session` in a cookie than an access
    /// token, such as a refresh token. For access tokens the gate does it.
    ///
    /// # Errors
    /// [`CrossSiteError`] when tokens are required, the request can change something, and it has not that of `session`.
    pub fn check_csrf_token<R: RequestView>(&self, request: &R, session: &str) -> Result<(), CrossSiteError> {
        let tokens = self.csrf_verifier();
        tokens.map_or(Ok(()), |tokens| csrf_verifier::check(tokens, request, || Some(session.into())))
    }

    /// Whether the request presents a token in another way than in a cookie, well-formed or not. Cookies then do not count.
    #[must_use]
    pub fn has_explicit_credential<R: RequestView>(&self, request: &R) -> bool {
        source::has_explicit_credential(request, &self.0.sources)
    }

    /// Whether it looks for access tokens in the cookie of this name.
    #[must_use]
    pub fn reads_cookie(&self, name: &str) -> bool {
        self.0.sources.iter().any(|source| source.is_cookie(name))
    }

    pub(super) fn check_cause<R: RequestView>(
        &self,
        request: &R,
        credential: &Credential<'_, '_>,
        verified: &Verified,
    ) -> Result<(), AuthError> {
        if !credential.source.can_be_caused_by_others() {
            return Ok(());
        }
        self.cross_site().check(request).map_err(AuthError::CrossSite)?;
        match self.csrf_verifier().filter(|_| credential.source.is_ambient()) {
            Some(tokens) => csrf_verifier::check(tokens, request, || csrf_verifier::session_of(verified))
                .map_err(AuthError::CrossSite),
            None => Ok(()),
        }
    }
}
