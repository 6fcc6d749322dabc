//! [`Document`]: a TOML document and the environment variables that override it.

mod environment;
mod fault;
mod parse;
mod path;
mod read;
mod suggestion;
mod tree;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

pub use environment::Override;
pub(crate) use environment::positions;
pub(crate) use fault::{Fault, UNKNOWN_MEMBER, list};
pub(crate) use path::{Segment, dotted};
pub(crate) use suggestion::did_you_mean;
pub(crate) use tree::{Origin, Places};

use crate::error::{DocumentError, Place};
use tree::{Node, Text, Value};

/// A TOML document, and the environment variables that override its members.
///
/// ```
/// use tollgate_config::Document;
///
/// # fn read() -> Result<(), tollgate_config::DocumentError> {
/// let config = Document::from_file("tollgate.toml")?.with_environment("TOLLGATE")?.config()?;
/// # drop(config); Ok(()) }
/// ```
///
/// # Environment variables
/// The name of a variable is the prefix, an underscore, and the path of the member in capitals, with two underscores
/// between its parts: `TOLLGATE_GATE__REALM` is the member `realm` of the table `gate`, and
/// `TOLLGATE_ISSUERS__0__AUDIENCE` the member `audience` of the first issuer. A position equal to the length of a list
/// adds an element. Every variable with the prefix and two underscores must name a member that exists. Other variables
/// with the prefix are not for the document.
///
/// The value is the text itself where the member is a string. Numbers, `true` and `false` are written as in TOML, and
/// so are lists (`["a", "b"]`) and tables (`{ scope = "orders" }`). A variable replaces the whole value of the
/// document; it does not merge tables.
pub struct Document {
    root: Node,
    file: Option<Arc<Path>>,
}

impl Document {
    /// The largest size of a document, in bytes.
    pub const MAX_BYTES: u64 = 1024 * 1024;

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`DocumentError`] when the file cannot be read, is larger than [`MAX_BYTES`](Self::MAX_BYTES), or is not TOML.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, DocumentError> {
        let path = path.as_ref();
        let failed = |problem: &str, source: Option<std::io::Error>| DocumentError {
            place: None,
            member: Box::default(),
            problem: format!("{} {problem}", path.display()).into(),
            mend: None,
            source: source.map(Into::into),
        };
        let mut text = Zeroizing::new(String::new());
        let file = File::open(path).map_err(|error| failed("cannot be read", Some(error)))?;
        let read = file.take(Self::MAX_BYTES.saturating_add(1)).read_to_string(&mut text);
        let bytes = read.map_err(|error| failed("cannot be read", Some(error)))?;
        if u64::try_from(bytes).is_ok_and(|bytes| bytes > Self::MAX_BYTES) {
            return Err(failed("is larger than 1 MiB, the limit of a document", None));
        }
        Self::parse(&text, Some(path.into()))
    }

    /// Reads a document from its text.
    ///
    /// # Errors
    /// [`DocumentError`] when the text is not TOML.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        Self::parse(text, None)
    }

    /// Returns a document without members, for a configuration from environment variables alone.
    #[must_use]
    pub fn empty() -> Self {
        Self { root: Node::empty_table(Origin::Document { line: 1, column: 1 }), file: None }
    }

    fn parse(text: &str, file: Option<Arc<Path>>) -> Result<Self, DocumentError> {
        let root = parse::document(text).map_err(|fault| complete(fault, file.as_ref()))?;
        Ok(Self { root, file })
    }

    /// Sets the members that environment variables with this prefix name. See [the type](Self#environment-variables).
    ///
    /// # Errors
    /// [`DocumentError`] when a variable is empty, not UTF-8, or leads through a value that is no table and no list.
    pub fn with_environment(self, prefix: &str) -> Result<Self, DocumentError> {
        self.with_variables(prefix, std::env::vars_os())
    }

    /// Sets the members that `variables` with this prefix name, as [`with_environment`](Self::with_environment) does
    /// with those of the process.
    ///
    /// # Errors
    /// As for [`with_environment`](Self::with_environment).
    pub fn with_variables(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, DocumentError> {
        environment::overlay(&mut self.root, prefix, variables)
            .map_err(|fault| complete(fault, self.file.as_ref()))?;
        Ok(self)
    }

    /// Sets a member from a variable with another name, for applications that have variables of their own. Errors name
    /// that variable.
    ///
    /// # Errors
    /// As for [`with_environment`](Self::with_environment).
    pub fn with_override(mut self, given: Override<'_>) -> Result<Self, DocumentError> {
        environment::set_member(&mut self.root, given, false)
            .map_err(|fault| complete(fault, self.file.as_ref()))?;
        Ok(self)
    }

    /// Sets a member as [`with_override`](Self::with_override) does, unless it has a value.
    ///
    /// # Errors
    /// As for [`with_environment`](Self::with_environment).
    pub fn with_default(mut self, given: Override<'_>) -> Result<Self, DocumentError> {
        environment::set_member(&mut self.root, given, true)
            .map_err(|fault| complete(fault, self.file.as_ref()))?;
        Ok(self)
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        T::deserialize(&self.root).map_err(|fault| complete(fault, self.file.as_ref()))
    }

    /// Returns the string at `path`.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        match &self.root.get(path)?.value {
            Value::String(text) | Value::Variable(Text { text, .. }) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn places(&self) -> Places {
        self.root.places()
    }

    pub(crate) fn file(&self) -> Option<Arc<Path>> {
        self.file.clone()
    }
}

/// Hides the values, which can be secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Adds the name of the file to the place.
pub(crate) fn place(origin: &Origin, file: Option<&Arc<Path>>) -> Place {
    match origin {
        Origin::Document { line, column } => {
            Place::Document { file: file.cloned(), line: *line, column: *column }
        }
        Origin::Variable(name) => Place::Variable { name: Arc::clone(name) },
    }
}

fn complete(fault: Fault, file: Option<&Arc<Path>>) -> DocumentError {
    DocumentError {
        place: fault.origin.as_ref().map(|origin| place(origin, file)),
        member: dotted(fault.path.iter().rev()),
        problem: fault.problem.into(),
        mend: fault.mend.map(Into::into),
        source: None,
    }
}
