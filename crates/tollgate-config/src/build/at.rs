//! [`At`]: the path of the member that is being built, for errors.

use std::error::Error;

use crate::config::Config;
use crate::document::{Segment, dotted, place};
use crate::error::DocumentError;

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

    /// Returns an error with the problem and its mend.
    pub(crate) fn wrong(&self, problem: impl Into<Box<str>>, mend: impl Into<Box<str>>) -> DocumentError {
        let mend = mend.into();
        DocumentError {
            place: self
                .config
                .source
                .as_ref()
                .map(|from| place(from.places.find(&self.path), from.file.as_ref())),
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
