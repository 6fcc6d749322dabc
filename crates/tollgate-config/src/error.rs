//! [`DocumentError`]: what is wrong with a document, where, and how to mend it.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The reason why a configuration cannot be read, or the gate cannot be built from it.
///
/// The text has one line: the place of the value, the member, what is wrong with it, and how to mend it. An error of
/// another crate is the [`source`](Error::source). The text never contains a value that could be a secret.
#[derive(Debug)]
pub struct DocumentError {
    pub(crate) place: Option<Place>,
    pub(crate) member: Box<str>,
    pub(crate) problem: Box<str>,
    pub(crate) mend: Option<Box<str>>,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

impl DocumentError {
    /// Returns the path of the member, such as `issuers.0.audience`. Empty for an error of the whole document.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.member
    }

    /// Returns where the value is, if the document was read with [`Document`](crate::Document).
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Returns what is wrong with the value.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// Returns how to mend it, if that is not obvious.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        match (&self.place, &*self.member) {
            (None, "") => f.write_str(&self.problem)?,
            (Some(Place::Document { .. }), "") => write!(f, "the document {}", self.problem)?,
            (Some(Place::Variable { .. }), "") => write!(f, "the variable {}", self.problem)?,
            (_, member) => write!(f, "`{member}` {}", self.problem)?,
        }
        self.mend.as_ref().map_or(Ok(()), |mend| write!(f, "; {mend}"))
    }
}

impl Error for DocumentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| {
            let source: &(dyn Error + 'static) = &**source;
            source
        })
    }
}

/// Where a value of a configuration is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the document.
    Document {
        /// The path of the file. `None` for a document that was given as text.
        file: Option<Arc<Path>>,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
    },
    /// In an environment variable.
    Variable {
        /// The name of the variable.
        name: Arc<str>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { file: Some(file), line, column } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
            Self::Document { file: None, line, column } => write!(f, "line {line}, column {column}"),
            Self::Variable { name } => f.write_str(name),
        }
    }
}
