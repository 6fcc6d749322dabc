//! One parameter of the query string (RFC 6750 §2.3).

use crate::error::RequestError;
use crate::request::RequestView;

pub(super) const LOCATION: &str = "query parameter";

/// Returns the value of the parameter `name`. Nothing is percent-decoded, because neither the allowed names nor
/// tokens need it.
pub(super) fn find<'r, R: RequestView>(request: &'r R, name: &str) -> Result<Option<&'r [u8]>, RequestError> {
    let mut found = None;
    for pair in request.query().unwrap_or_default().split('&') {
        let (left, right) = pair.split_once('=').unwrap_or((pair, ""));
        if left != name {
            continue;
        }
        if found.is_some() {
            return Err(RequestError::Repeated { location: LOCATION });
        }
        found = Some(right.as_bytes());
    }
    Ok(found)
}
