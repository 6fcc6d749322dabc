//! One parameter of the query string (RFC 6750 §2.3).

use super::b64token;
use crate::error::RequestError;
use crate::request::RequestView;

const PLACE: &str = "query parameter";

/// The value of the parameter `name`, which must be a token. Nothing is percent-decoded: neither the names that can
/// be configured nor tokens need it.
pub(super) fn find<'r, R: RequestView>(request: &'r R, name: &str) -> Result<Option<&'r str>, RequestError> {
    let mut found = None;
    for pair in request.query().unwrap_or_default().split('&') {
        let (left, right) = pair.split_once('=').unwrap_or((pair, ""));
        if left != name {
            continue;
        }
        if found.is_some() {
            return Err(RequestError::Repeated { place: PLACE });
        }
        found = Some(right);
    }
    let Some(value) = found else { return Ok(None) };
    b64token(value.as_bytes()).map(Some).ok_or(RequestError::NotAToken { place: PLACE })
}
