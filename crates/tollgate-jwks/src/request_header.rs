//! [`RequestHeader`]: a header field that the operator adds to fetches.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// A header field of fetches. Its value is a secret.
#[derive(Clone)]
pub(crate) struct RequestHeader {
    name: Box<str>,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Fixed(Zeroizing<String>),
    /// The value is `prefix` and the content of the file, read at each fetch.
    File {
        prefix: Zeroizing<String>,
        path: PathBuf,
    },
}

/// The reason why a header field cannot be added to fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestHeaderError {
    /// The name is not a token (RFC 9110 §5.1).
    #[error("the name is not a token of letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.1)")]
    Name,
    /// The field belongs to the client or to the protocol: framing, connection, conditions, the proxy's credentials.
    #[error("the client sets this field, or must not send it")]
    Reserved,
    /// The value is empty, too long, or has characters other than visible ASCII and blanks inside.
    #[error("the value must be 1 to 16384 visible ASCII characters, with blanks only inside")]
    Value,
    /// The field was added before.
    #[error("the field was added before")]
    Repeated,
}

impl RequestHeader {
    pub(crate) fn fixed(name: &str, value: String) -> Self {
        Self { name: name.to_ascii_lowercase().into(), value: Value::Fixed(Zeroizing::new(value)) }
    }

    pub(crate) fn from_file(name: &str, prefix: String, path: PathBuf) -> Self {
        let value = Value::File { prefix: Zeroizing::new(prefix), path };
        Self { name: name.to_ascii_lowercase().into(), value }
    }

    /// Returns the name in lower case.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Checks what can be checked before the first fetch.
    pub(crate) fn check(&self) -> Result<(), RequestHeaderError> {
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return Err(RequestHeaderError::Name);
        }
        if RESERVED.contains(&&*self.name) || self.name.starts_with("proxy-") || self.name.starts_with("if-")
        {
            return Err(RequestHeaderError::Reserved);
        }
        let is_good = match &self.value {
            Value::Fixed(value) => is_value(value),
            Value::File { prefix, .. } => {
                prefix.len() <= MAX_BYTES && prefix.bytes().all(is_visible_or_blank)
            }
        };
        if is_good { Ok(()) } else { Err(RequestHeaderError::Value) }
    }

    /// Returns the value for a fetch. A file is read on a thread for blocking work.
    pub(crate) async fn value(&self) -> io::Result<Zeroizing<String>> {
        let (prefix, path) = match &self.value {
            Value::Fixed(value) => return Ok(value.clone()),
            Value::File { prefix, path } => (prefix.clone(), path.clone()),
        };
        let read = tokio::task::spawn_blocking(move || read(&prefix, &path)).await;
        read.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Omits the value.
impl fmt::Debug for RequestHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = f.debug_struct("RequestHeader");
        header.field("name", &self.name);
        if let Value::File { path, .. } = &self.value {
            header.field("path", path);
        }
        header.finish_non_exhaustive()
    }
}

/// Reads the file at `path`. A line break at its end is not part of the value.
fn read(prefix: &str, path: &Path) -> io::Result<Zeroizing<String>> {
    let invalid =
        |reason: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", path.display()));
    let file = std::fs::File::open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    // With its whole capacity from the start, so that no copy is left behind by a reallocation.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES.saturating_add(2)));
    let limit = u64::try_from(MAX_BYTES.saturating_add(1)).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    if bytes.len() > MAX_BYTES {
        return Err(invalid("larger than 16384 bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_cause| invalid("not ASCII"))?;
    let mut value = Zeroizing::new(String::with_capacity(prefix.len().saturating_add(text.len())));
    value.push_str(prefix);
    value.push_str(text.trim_end_matches(['\r', '\n']));
    if text.trim().is_empty() || !is_value(&value) {
        return Err(invalid("empty, or not visible ASCII on one line"));
    }
    Ok(value)
}

fn is_value(value: &str) -> bool {
    let is_trimmed = value.trim_ascii() == value;
    is_trimmed && (1..=MAX_BYTES).contains(&value.len()) && value.bytes().all(is_visible_or_blank)
}

fn is_visible_or_blank(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Returns whether the byte may be in a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The longest value, in bytes. Servers limit the whole head to some 8 to 64 KiB.
const MAX_BYTES: usize = 16 * 1024;

/// Fields of the client, of the connection and of the framing. `proxy-` and `if-` are checked apart. `user-agent` is
/// permitted, and takes the place of the client's own.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, value: &str) -> Result<(), RequestHeaderError> {
        RequestHeader::fixed(name, value.to_owned()).check()
    }

    #[test]
    fn fields_are_checked() {
        use RequestHeaderError::{Name, Reserved, Value};
        assert_eq!(checked("Authorization", "Bearer x.y-z"), Ok(()));
        assert_eq!(checked("X-Api-Key", "0"), Ok(()));
        assert_eq!(checked("User-Agent", "shop/1"), Ok(()), "the client omits its own");
        for name in ["", "a b", "a:b", "a\r\nHost", "ä"] {
            assert_eq!(checked(name, "x"), Err(Name), "{name}");
        }
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "connection",
            "Transfer-Encoding",
            "If-None-Match",
            "Proxy-Authorization",
        ] {
            assert_eq!(checked(name, "x"), Err(Reserved), "{name}");
        }
        for value in ["", " ", "x ", " x", "a\r\nHost: evil", "a\0", "ä", &"x".repeat(16 * 1024 + 1)] {
            assert_eq!(checked("x", value), Err(Value), "{value}");
        }
        let file = RequestHeader::from_file("x", "Bearer\n".to_owned(), PathBuf::new());
        assert_eq!(file.check(), Err(Value));
    }

    #[test]
    fn values_are_not_printed() {
        let header = RequestHeader::fixed("Authorization", "Bearer s3cret".to_owned());
        let file = RequestHeader::from_file("x", "s3cret ".to_owned(), "/run/token".into());
        let shown = format!("{header:?} {file:?}");
        assert!(!shown.contains("s3cret") && shown.contains("/run/token"), "{shown}");
    }

    #[tokio::test]
    async fn file_is_read_at_each_fetch() {
        let path = std::env::temp_dir().join(format!("tollgate-jwks-header-{}", std::process::id()));
        let header = RequestHeader::from_file("Authorization", "Bearer ".to_owned(), path.clone());
        let mut outcomes = Vec::new();
        for content in ["first\n", "second\r\n", "", "\n", "a\nb", "ä", &"x".repeat(20_000)] {
            std::fs::write(&path, content).unwrap();
            outcomes
                .push(header.value().await.map(|value| value.to_string()).map_err(|error| error.to_string()));
        }
        std::fs::remove_file(&path).unwrap();
        outcomes.push(header.value().await.map(|value| value.to_string()).map_err(|error| error.to_string()));
        assert_eq!(outcomes[..2], [Ok("Bearer first".to_owned()), Ok("Bearer second".to_owned())]);
        for outcome in &outcomes[2..] {
            let error = outcome.as_ref().unwrap_err();
            assert!(error.contains("tollgate-jwks-header"), "{error}");
        }
    }
}
