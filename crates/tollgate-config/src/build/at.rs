//! [`At`]: the path of the member that is being built, for errors.

use std::error::Error;

use crate::config::Config;
use crate::document::{Segment, dotted, place, positions};
use crate::error::{DocumentError, Place};

/// The path of a member.
#[derive(Clone)]
pub(crate) struct At<'a> {
    config: &'a Config,
    path: Vec<Segment>,
}

impl<'a> At<'a> {
    pub(crate) fn root(config: &'a Config) -> Self {
        Self { config, path: Vec::new() }
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        self.then(Segment::Member(name.into()))
    }

    pub(crate) fn index(&self, at: usize) -> Self {
        self.then(Segment::Index(at))
    }

    fn then(&self, segment: Segment) -> Self {
        let mut path = self.path.clone();
        path.push(segment);
        Self { config: self.config, path }
    }

    /// Returns where the value is, if the configuration was read from a document.
    pub(crate) fn place(&self) -> Option<Place> {
        let from = self.config.source.as_ref()?;
        Some(place(from.places.find(&self.path), from.file.as_ref()))
    }

    fn is_variable(&self) -> bool {
        matches!(self.place(), Some(Place::Variable { .. }))
    }

    /// Returns the entries of `issuers` in the document, if a variable has added this one.
    pub(crate) fn entries_of_document(&self) -> Option<String> {
        if !self.is_variable() {
            return None;
        }
        let issuers = Self::root(self.config).member("issuers");
        let of_document = (0..self.config.issuers.len()).filter(|at| !issuers.index(*at).is_variable());
        Some(format!("the document has {}", positions(of_document.count())))
    }

    /// Returns the error of two members that exclude each other. If a variable has set one, the error is about it.
    pub(crate) fn both(&self, first: &str, second: &str) -> DocumentError {
        let problem = format!("has both `{first}` and `{second}`");
        let set = [(first, second), (second, first)];
        let set = set.into_iter().find(|(member, _)| self.member(member).is_variable());
        match set {
            Some((member, other)) if !self.is_variable() => {
                let mend = format!("unset it, or remove `{other}` from the document");
                let place = self.member(member).place();
                DocumentError { place, ..self.wrong(problem, mend) }
            }
            _ => self.wrong(problem, "remove one"),
        }
    }

    /// Returns an error with the problem and its mend.
    pub(crate) fn wrong(&self, problem: impl Into<Box<str>>, mend: impl Into<Box<str>>) -> DocumentError {
        let mut mend = mend.into();
        if let Some(rest) = mend.strip_prefix("remove it")
            && self.is_variable()
        {
            mend = format!("unset it{rest}").into();
        }
        DocumentError {
            place: self.place(),
            member: dotted(&self.path),
            problem: problem.into(),
            mend: if mend.is_empty() { None } else { Some(mend) },
            source: None,
        }
    }

    /// Returns an error with a cause of another crate, and its mend.
    pub(crate) fn failed(
        &self,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
        mend: impl Into<Box<str>>,
    ) -> DocumentError {
        DocumentError { source: Some(cause.into()), ..self.wrong("cannot be used", mend) }
    }
}
