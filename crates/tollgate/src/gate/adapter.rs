//! The methods of [`Gate`] that adapters call.

use std::sync::Arc;

use super::{Decision, Gate, Inner};
use crate::admission::Admission;
use crate::cross_site::{CrossSite, is_handshake};
use crate::csrf_verifier::{self, CsrfVerifier};
use crate::error::{AuthError, CrossSiteError};
use crate::rejection::Rejection;
use crate::request::RequestView;
use crate::response_marks::ResponseMarks;
use crate::source::{self, TokenSource};
use crate::time::UnixTime;

/// # For adapters
///
/// Applications do not need these methods: see [`adapter`](crate::adapter).
impl Gate {
    /// Decides whether to admit `request` at the time `now`. This neither waits nor holds a lock while it checks a
    /// signature.
    pub fn admit<R: RequestView>(&self, request: &R, now: UnixTime) -> Decision {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.admit(request, now));
        }
        let refusal = match self.judge(request, now) {
            Ok(admission) => return Decision::Admitted(admission),
            Err(refusal) => refusal,
        };
        match refusal.refresh(now) {
            Some(refresh) => Decision::AwaitKeys(refresh),
            None => Decision::Rejected(self.reject_refusal(request, refusal, now)),
        }
    }

    /// Decides again after a refresh of keys. The result is final.
    ///
    /// # Errors
    /// The [`Rejection`] when the request is not admitted.
    pub fn admit_after_refresh<R: RequestView>(
        &self,
        request: &R,
        now: UnixTime,
    ) -> Result<Admission, Rejection> {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.admit_after_refresh(request, now));
        }
        self.judge(request, now).map_err(|refusal| self.reject_refusal(request, refusal, now))
    }

    /// Returns the rejection for `error` under this gate's realm, and logs it.
    #[must_use]
    pub fn reject(&self, error: AuthError) -> Rejection {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.reject(error));
        }
        Rejection::logged(error, &self.0.style, None)
    }

    /// Returns the time by the gate's clock, which an adapter passes to [`admit`](Self::admit).
    #[must_use]
    pub fn now(&self) -> UnixTime {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.now());
        }
        self.0.clock.now()
    }

    /// Returns whether this header field may hold a token, so that it should not be printed. `name` is in lower case.
    #[must_use]
    pub fn is_credential_header(&self, name: &str) -> bool {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.is_credential_header(name));
        }
        let mut own_fields = self.0.sources.iter().filter_map(TokenSource::own_field);
        matches!(name, "authorization" | "cookie") || own_fields.any(|field| field == name)
    }

    /// Returns whether the gate reads only the header fields of a request, so that an adapter need not copy method
    /// and target. This is the case when no source is a cookie or a query parameter, and preflights need a token.
    #[must_use]
    pub fn needs_headers_only(&self) -> bool {
        // A gate that is replaced later may need more.
        self.0.slot.is_none()
            && !self.0.preflights
            && !self.0.sources.iter().any(TokenSource::can_be_caused_by_others)
    }

    /// Returns whether the request has a credential outside cookies, well-formed or not. The gate
    /// then ignores cookies.
    #[must_use]
    pub fn has_explicit_credential<R: RequestView>(&self, request: &R) -> bool {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.has_explicit_credential(request));
        }
        source::has_explicit_credential(request, &self.0.sources)
    }

    /// Returns whether the gate reads access tokens from the cookie with this name.
    #[must_use]
    pub fn reads_cookie(&self, name: &str) -> bool {
        if let Some(slot) = &self.0.slot {
            return slot.with(|gate| gate.reads_cookie(name));
        }
        self.0.sources.iter().any(|source| source.is_cookie(name))
    }

    /// Returns what the adapter adds to the response, when the gate has admitted `request` with `admission`. This is
    /// nothing unless [`Admission::is_private`] returns `true`.
    #[must_use]
    pub fn response_marks<R: RequestView>(&self, request: &R, admission: &Admission) -> ResponseMarks {
        if !admission.is_private() {
            return ResponseMarks::default();
        }
        let subprotocol = |source: &TokenSource| source.subprotocol_of(request).cloned();
        let selected = || self.with_current(|inner| inner.sources.iter().find_map(subprotocol));
        ResponseMarks::new(true, is_handshake(request).then(selected).flatten())
    }

    /// Returns the cross-site check of this gate.
    #[must_use]
    pub fn cross_site(&self) -> CrossSite {
        self.with_current(|inner| inner.cross_site.clone())
    }

    /// Returns the verifier of anti-CSRF tokens, when the gate requires them.
    #[must_use]
    pub fn csrf_verifier(&self) -> Option<Arc<dyn CsrfVerifier>> {
        self.with_current(|inner| inner.csrf_verifier.clone())
    }

    /// Checks the anti-CSRF token of a request whose cookie holds a refresh token, or another credential of `session`
    /// that is not an access token. For access tokens, [`admit`](Self::admit) does this check.
    ///
    /// # Errors
    /// [`CrossSiteError`] when the gate requires anti-CSRF tokens, the request can change something, and it does not
    /// carry the token of `session`.
    pub fn check_csrf_token<R: RequestView>(&self, request: &R, session: &str) -> Result<(), CrossSiteError> {
        let verifier = self.csrf_verifier();
        verifier.map_or(Ok(()), |verifier| csrf_verifier::check(&*verifier, request, || Some(session.into())))
    }

    fn with_current<T>(&self, read: impl FnOnce(&Inner) -> T) -> T {
        match &self.0.slot {
            Some(slot) => slot.with(|gate| read(&gate.0)),
            None => read(&self.0),
        }
    }
}
