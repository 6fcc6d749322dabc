//! Keys from files and secrets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::{Algorithm, JwkTolerance, KeyError, KeySet, VerifyingKey};
use zeroize::Zeroizing;

use super::at::At;
use super::files::Files;
use crate::error::DocumentError;
use crate::settings::keys::{Encoding, KeysSetting, SecretSetting, SecretSource};

/// Returns the keys, or `None` if they are remote.
pub(crate) fn local(
    at: &At<'_>,
    keys: &KeysSetting,
    tolerance: JwkTolerance,
    files: &Files,
) -> Result<Option<KeySet>, DocumentError> {
    match keys {
        KeysSetting::Discover { .. } | KeysSetting::JwkSetUrl { .. } | KeysSetting::PemPerKeyUrl { .. } => {
            Ok(None)
        }
        KeysSetting::JwkSetFile { path, .. } => {
            let at = at.member("jwk_set_file");
            let set = KeySet::from_jwk_set_tolerating(files.public(&at, path)?, tolerance);
            let set = set.map_err(|error| at.bad_key(error))?;
            for key in set.skipped() {
                let (file, index, reason) = (path.display(), key.index, &key.reason);
                tracing::warn!(%file, index, %reason, "skipped an unusable key of the key set");
            }
            Ok(Some(set))
        }
        KeysSetting::PemFile { path, algorithm, key_id } => {
            let at = at.member("pem_file");
            let key = VerifyingKey::from_pem(algorithm.0, files.public(&at, path)?);
            named(key, key_id.as_deref()).map(|key| Some(key.into())).map_err(|error| at.bad_key(error))
        }
        KeysSetting::Secret(secret) => {
            let (at, bytes) = secret_bytes(at, secret, files)?;
            let create = if secret.insecure_weak { insecure_hmac } else { hmac };
            let key = named(create(secret.algorithm.0, &bytes), secret.key_id.as_deref());
            key.map(|key| Some(key.into())).map_err(|error| at.bad_key(error))
        }
    }
}

fn hmac(algorithm: Algorithm, secret: &[u8]) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::hmac(algorithm, secret)
}

fn insecure_hmac(algorithm: Algorithm, secret: &[u8]) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::insecure_hmac(algorithm, secret)
}

fn named(key: Result<VerifyingKey, KeyError>, key_id: Option<&str>) -> Result<VerifyingKey, KeyError> {
    match key_id {
        Some(key_id) => key?.with_key_id(key_id),
        None => key,
    }
}

/// Returns the bytes of the secret, and the member that names it.
fn secret_bytes<'a>(
    at: &At<'a>,
    secret: &SecretSetting,
    files: &Files,
) -> Result<(At<'a>, Zeroizing<Vec<u8>>), DocumentError> {
    let (at, text) = match &secret.source {
        SecretSource::File(path) => {
            let at = at.member("secret_file");
            let text = files.secret(&at, path)?;
            (at, text)
        }
        SecretSource::Variable(name) => {
            let at = at.member("secret_env");
            let text = variable(&at, name)?;
            (at, text)
        }
        SecretSource::Insecure(secret) => {
            (at.member("insecure_secret"), Zeroizing::new(secret.expose().as_bytes().to_vec()))
        }
    };
    let bytes = decode(&text, secret.encoding).ok_or_else(|| {
        at.wrong("is not what `encoding` says", "create a secret with: openssl rand -base64 32")
    })?;
    Ok((at, bytes))
}

/// Returns the value of the variable `name`.
pub(crate) fn variable(at: &At<'_>, name: &str) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
    let value = std::env::var_os(name)
        .ok_or_else(|| at.wrong(format!("names the variable {name}, which is not set"), "set it"))?;
    let value = value.into_string().map_err(|_value| {
        at.wrong(format!("names the variable {name}, which is not UTF-8"), "set it to text")
    })?;
    Ok(Zeroizing::new(value.into_bytes()))
}

/// Decodes a secret. White space around base64 does not count. Of other text, one line break at its end does not
/// count, which editors add.
fn decode(text: &[u8], encoding: Encoding) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?;
    if encoding == Encoding::Utf8 {
        let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        return Some(Zeroizing::new(text.as_bytes().to_vec()));
    }
    let text = Zeroizing::new(text.trim().trim_end_matches('=').to_owned());
    let alphabet = match encoding {
        Encoding::Base64 => ['+', '/'],
        _ => ['-', '_'],
    };
    if text.chars().any(|symbol| !symbol.is_ascii_alphanumeric() && !alphabet.contains(&symbol)) {
        return None;
    }
    let url_safe = Zeroizing::new(text.replace('+', "-").replace('/', "_"));
    URL_SAFE_NO_PAD.decode(url_safe.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_decoded_as_documented() {
        let decoded = |text: &str, encoding| decode(text.as_bytes(), encoding).map(|bytes| bytes.to_vec());
        assert_eq!(decoded(" +/8=\n", Encoding::Base64), Some(vec![0xfb, 0xff]));
        assert_eq!(decoded("-_8\r\n", Encoding::Base64url), Some(vec![0xfb, 0xff]));
        assert_eq!(decoded("-_8", Encoding::Base64), None);
        assert_eq!(decoded("+/8=", Encoding::Base64url), None);
        assert_eq!(decoded("a b", Encoding::Base64), None);
        for (text, expected) in
            [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("a\r", "a\r"), ("a", "a")]
        {
            assert_eq!(decoded(text, Encoding::Utf8).as_deref(), Some(expected.as_bytes()), "{text:?}");
        }
        assert_eq!(decode(&[0xff], Encoding::Utf8), None);
    }
}
