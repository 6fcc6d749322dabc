//! Helpers of the tests of documents.

use std::error::Error;
use std::ffi::OsString;

use tollgate_config::{Built, Document, DocumentError};

/// Reads and builds a document with these environment variables.
pub(crate) fn build(text: &str, variables: &[(&str, &str)]) -> Result<Built, DocumentError> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let config = Document::from_toml(text)?.with_variables("TOLLGATE", variables)?.config()?;
    // Remote keys need a runtime. Nothing is fetched, because the runtime ends before its tasks are polled.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(config.build())
}

/// Returns the message of a wrong document, with its causes.
pub(crate) fn error_of(text: &str) -> String {
    error_with(text, &[])
}

/// Returns the message of a wrong document or variable, with its causes.
pub(crate) fn error_with(text: &str, variables: &[(&str, &str)]) -> String {
    sentence(&build(text, variables).expect_err("the document is wrong"))
}

/// Returns the error and its causes on one line.
pub(crate) fn sentence(error: &DocumentError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
