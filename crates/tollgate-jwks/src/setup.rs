//! What every remote source of keys needs to start: a runtime, a client, and texts for errors.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::error::StartError;
use crate::http::HttpClient;
use crate::location::UrlError;

pub(crate) fn runtime() -> Result<Handle, StartError> {
    Handle::try_current().map_err(|_cause| StartError::NoRuntime)
}

#[cfg(feature = "client")]
pub(crate) fn default_client() -> Result<Arc<dyn HttpClient>, StartError> {
    let client = crate::client::HttpsClient::new().map_err(|error| StartError::Client(Box::new(error)))?;
    Ok(Arc::new(client))
}

#[cfg(not(feature = "client"))]
pub(crate) fn default_client() -> Result<Arc<dyn HttpClient>, StartError> {
    Err(StartError::NoClient)
}

/// Returns the error for a URL that cannot be used, with its printable part: no query, and nothing when the URL
/// contains a password.
pub(crate) fn url_error(text: &str, reason: UrlError) -> StartError {
    let text = match reason {
        UrlError::Credentials => Box::default(),
        _ => text.split(['?', '#']).next().unwrap_or_default().into(),
    };
    StartError::Url { text, reason }
}
