//! A token beside a subprotocol in a WebSocket handshake (RFC 6455 §4.1).

use crate::error::RequestError;
use crate::request::RequestView;

pub(super) const FIELD: &str = "sec-websocket-protocol";
pub(super) const LOCATION: &str = "WebSocket subprotocol";

/// Returns the subprotocol after `protocol`. The field may occur several times, and is then one list (RFC 6455
/// §11.3.4).
pub(super) fn find<'r, R: RequestView>(
    request: &'r R,
    protocol: &str,
) -> Result<Option<&'r [u8]>, RequestError> {
    let mut offered = request.header_values(FIELD).flat_map(|field| field.split(|byte| *byte == b','));
    let is_protocol = |name: &[u8]| name.trim_ascii() == protocol.as_bytes();
    if !offered.by_ref().any(is_protocol) {
        return Ok(None);
    }
    let token = offered.next().unwrap_or_default().trim_ascii();
    if offered.any(is_protocol) {
        return Err(RequestError::Repeated { location: LOCATION });
    }
    Ok(Some(token))
}
