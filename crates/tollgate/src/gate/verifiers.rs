//! [`Verifiers`]: the verifiers of a gate, and the choice of the one that a token belongs to.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use foldhash::quality::RandomState;

use crate::claims::Payload;
use crate::error::{ConfigError, KeysUnavailable};
use crate::issuer::Issuer;
use crate::key::KeyRefresh;
use crate::time::UnixTime;
use crate::verifier_source::{VerifierId, VerifierSource};
use crate::verify::{Precedence, Verifier};

/// The verifiers of a gate.
#[derive(Clone, Debug)]
pub(super) struct Verifiers {
    list: Vec<Verifier>,
    /// The positions of the verifiers for exactly one issuer.
    exact: HashMap<Issuer, usize, RandomState>,
    /// The verifiers of issuers that come and go.
    source: Option<Arc<dyn VerifierSource>>,
    /// Whether a token of one of them may be padded.
    may_pad: bool,
}

/// The verifier that a token belongs to.
#[derive(Debug)]
pub(super) enum Selected<'g> {
    Listed(usize, &'g Verifier),
    Found(Arc<Verifier>),
}

impl Verifiers {
    /// From this number on, headers are not checked against all verifiers before the claims are read.
    const MANY: usize = 16;

    pub(super) fn new(verifier: Verifier) -> Self {
        let exact = verifier.issuer().exact().cloned().map(|issuer| (issuer, 0));
        let may_pad = verifier.tolerates_padding();
        Self { list: vec![verifier], exact: exact.into_iter().collect(), source: None, may_pad }
    }

    /// Adds a verifier.
    ///
    /// # Errors
    /// [`ConfigError::DuplicateIssuer`] or [`ConfigError::OverlappingIssuers`] when a token could belong to it and to
    /// another one.
    pub(super) fn push(&mut self, verifier: Verifier) -> Result<(), ConfigError> {
        match verifier.issuer().exact() {
            Some(issuer) if self.exact.contains_key(issuer) => {
                return Err(ConfigError::DuplicateIssuer { issuer: issuer.as_str().into() });
            }
            Some(issuer) => {
                self.exact.insert(issuer.clone(), self.list.len());
            }
            None => {
                let overlaps = |known: &&Verifier| known.issuer().overlaps(verifier.issuer());
                if let Some(known) = self.list.iter().find(overlaps) {
                    let [first, second] = [known, &verifier].map(|rule| rule.issuer().to_string().into());
                    return Err(ConfigError::OverlappingIssuers { first, second });
                }
            }
        }
        self.may_pad |= verifier.tolerates_padding();
        self.list.push(verifier);
        Ok(())
    }

    pub(super) fn set_source(&mut self, source: Arc<dyn VerifierSource>) {
        self.source = Some(source);
        self.may_pad = true;
    }

    pub(super) fn list(&self) -> &[Verifier] {
        &self.list
    }

    pub(super) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Returns whether padded tokens have to be parsed to find their verifier.
    pub(super) fn may_pad(&self) -> bool {
        self.may_pad
    }

    /// Returns whether a token may belong to a verifier whose header checks are not worth running for every token.
    pub(super) fn is_open(&self) -> bool {
        self.source.is_some() || self.list.len() > Self::MANY
    }

    /// Returns the verifier that the token belongs to. Until the signature is checked, its claims only select an entry
    /// of a list.
    #[inline]
    pub(super) fn select(&self, payload: &Payload) -> Option<Selected<'_>> {
        // Most gates have one verifier.
        if let ([verifier], Some(issuer)) = (self.list.as_slice(), payload.issuer())
            && verifier.issuer().exact().is_some_and(|exact| exact.as_str() == issuer)
        {
            return Some(Selected::Listed(0, verifier));
        }
        self.select_among(payload)
    }

    fn select_among(&self, payload: &Payload) -> Option<Selected<'_>> {
        let exact = payload.issuer().and_then(|issuer| self.exact.get(issuer)).copied();
        if let Some(index) = exact {
            return self.listed(index);
        }
        let first = |precedence| {
            self.list.iter().position(|verifier| {
                let issuer = verifier.issuer();
                issuer.precedence() == precedence && issuer.selects(payload)
            })
        };
        match Precedence::INEXACT.into_iter().find_map(first) {
            Some(index) => self.listed(index),
            None => self.found(payload.issuer()?),
        }
    }

    fn listed(&self, index: usize) -> Option<Selected<'_>> {
        self.list.get(index).map(|verifier| Selected::Listed(index, verifier))
    }

    fn found(&self, issuer: &str) -> Option<Selected<'_>> {
        self.source.as_ref()?.verifier(issuer).map(Selected::Found)
    }

    /// Returns the verifier of a cached token, if the source still has it for this issuer.
    pub(super) fn found_again(&self, known: &Weak<Verifier>, issuer: &str) -> Option<Selected<'_>> {
        match self.found(issuer)? {
            Selected::Found(current) if Weak::as_ptr(known) == Arc::as_ptr(&current) => {
                Some(Selected::Found(current))
            }
            _ => None,
        }
    }

    /// Starts or joins a lookup of an issuer that no verifier is for.
    pub(super) fn lookup(&self, issuer: &str, now: UnixTime) -> Option<KeyRefresh> {
        self.source.as_ref()?.lookup(issuer, now)
    }

    /// Returns why the issuer could not be looked up.
    pub(super) fn why_unavailable(&self, issuer: &str, now: UnixTime) -> Option<KeysUnavailable> {
        self.source.as_ref()?.why_unavailable(issuer, now)
    }
}

impl Selected<'_> {
    pub(super) fn id(&self) -> VerifierId {
        match self {
            Self::Listed(index, _) => VerifierId::Listed(*index),
            Self::Found(verifier) => VerifierId::Found(Arc::downgrade(verifier)),
        }
    }
}

impl Deref for Selected<'_> {
    type Target = Verifier;

    #[inline]
    fn deref(&self) -> &Verifier {
        match self {
            Self::Listed(_, verifier) => verifier,
            Self::Found(verifier) => verifier,
        }
    }
}

#[cfg(test)]
mod tests;
