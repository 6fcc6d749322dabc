//! Reads a [`SigningKey`] from a file or the environment.

use std::path::Path;

use tollgate::Algorithm;
use zeroize::Zeroizing;

use super::SigningKey;
use crate::files::environment::{self, SecretSourceError};
use crate::files::private_file::{self, PrivateFileError};
use crate::issuing::{LoadKeyError, SigningKeyError};

impl SigningKey {
    /// Reads a key from the text of a file or variable: PEM, a JWK or, for the HMAC algorithms, a secret. The
    /// secret is the text without surrounding white space.
    ///
    /// # Errors
    /// The errors of [`from_pem`](Self::from_pem), [`from_jwk`](Self::from_jwk) and [`hmac`](Self::hmac), and
    /// [`SigningKeyError::Text`] for other text.
    pub fn from_text(algorithm: Algorithm, text: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        let text = text.as_ref().trim_ascii();
        match text.first() {
            Some(b'{') => Self::from_jwk(algorithm, text),
            Some(b'-') if text.starts_with(b"-----BEGIN ") => Self::from_pem(algorithm, text),
            _ if is_hmac(algorithm) => Self::hmac(algorithm, text),
            _ => Err(SigningKeyError::Text),
        }
    }

    /// Reads the key from the environment variable `name`, or from the file that the variable `name` followed
    /// by `_FILE` names, with [`from_text`](Self::from_text).
    ///
    /// # Errors
    /// [`LoadKeyError::Source`] when neither or both variables are set, or other users can read the file;
    /// [`LoadKeyError::Key`] when the text is not a usable key. No error shows the value.
    pub fn from_env(algorithm: Algorithm, name: &str) -> Result<Self, LoadKeyError> {
        Ok(Self::from_text(algorithm, &*environment::secret(name)?)?)
    }

    /// Reads the key from the file at `path`, with [`from_text`](Self::from_text).
    ///
    /// # Errors
    /// [`LoadKeyError::Source`] when the file cannot be read, or other users can read it; [`LoadKeyError::Key`]
    /// when the text is not a usable key.
    pub fn from_file(algorithm: Algorithm, path: impl AsRef<Path>) -> Result<Self, LoadKeyError> {
        let text = environment::secret_in(path.as_ref()).map_err(SecretSourceError::from)?;
        Ok(Self::from_text(algorithm, &*text)?)
    }

    /// Reads the key from the file at `path`. If there is no file, this generates a key pair and creates a file
    /// that only the current user can read. Two processes that start at the same time get the same key.
    ///
    /// # Errors
    /// The errors of [`from_file`](Self::from_file), and [`SigningKeyError::NoKeyPair`] for the HMAC algorithms
    /// when there is no file.
    pub fn from_file_or_new(algorithm: Algorithm, path: impl AsRef<Path>) -> Result<Self, LoadKeyError> {
        private_file::create_if_missing(path.as_ref(), || {
            let pem = Self::generate(algorithm)?.to_pem()?;
            Ok::<_, LoadKeyError>(Zeroizing::new(pem.as_bytes().to_vec()))
        })?;
        Self::from_file(algorithm, path)
    }
}

fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
}

impl From<PrivateFileError> for LoadKeyError {
    fn from(error: PrivateFileError) -> Self {
        Self::Source(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const SECRET: &str = "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tollgate-load-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        path
    }

    #[test]
    fn from_text_recognizes_pem_and_secrets() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let read =
            SigningKey::from_text(Algorithm::Es256, format!("\n{}\n", *key.to_pem().unwrap())).unwrap();
        assert_eq!(read.key_id(), key.key_id());
        let message = b"message";
        let signed =
            |text: &str| SigningKey::from_text(Algorithm::Hs256, text).unwrap().sign(message).unwrap();
        let expected = SigningKey::hmac(Algorithm::Hs256, SECRET).unwrap().sign(message).unwrap();
        assert_eq!(signed(&format!(" {SECRET}\n")), expected);
        assert_eq!(
            SigningKey::from_text(Algorithm::Es256, SECRET).unwrap_err().to_string(),
            "neither PEM nor a JWK"
        );
        let weak = SigningKey::from_text(Algorithm::Hs256, "-----BEGIN").unwrap_err();
        assert!(matches!(weak, SigningKeyError::Key(_)), "{weak}");
    }

    #[test]
    fn from_file_or_new_generates_a_key_once() {
        let directory = directory("kept");
        let path = directory.join("signing-key.pem");
        assert!(matches!(SigningKey::from_file(Algorithm::EdDsa, &path), Err(LoadKeyError::Source(_))));
        let key = SigningKey::from_file_or_new(Algorithm::EdDsa, &path).unwrap();
        let again = SigningKey::from_file_or_new(Algorithm::EdDsa, &path).unwrap();
        assert_eq!(again.key_id(), key.key_id());
        assert_eq!(SigningKey::from_file(Algorithm::EdDsa, &path).unwrap().key_id(), key.key_id());
        let other = SigningKey::from_file_or_new(Algorithm::Es256, &path).unwrap_err();
        assert!(matches!(other, LoadKeyError::Key(SigningKeyError::Rejected { .. })), "{other}");
        let none = SigningKey::from_file_or_new(Algorithm::Hs256, directory.join("none")).unwrap_err();
        assert!(matches!(none, LoadKeyError::Key(SigningKeyError::NoKeyPair { .. })), "{none}");
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn from_file_rejects_a_public_file() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = directory("open");
        let path = directory.join("secret");
        private_file::create(&path, SECRET.as_bytes()).unwrap();
        SigningKey::from_file(Algorithm::Hs256, &path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = SigningKey::from_file(Algorithm::Hs256, &path).unwrap_err();
        let LoadKeyError::Source(source) = &error else { panic!("{error}") };
        assert!(source.to_string().contains("chmod 600"), "{source}");
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn weak_secret_is_rejected_with_advice() {
        let error =
            SigningKey::from_text(Algorithm::Hs256, "correct horse battery staple and more").unwrap_err();
        let SigningKeyError::Key(reason) = error else { panic!("{error}") };
        assert_eq!(
            reason.to_string(),
            "HMAC secret rejected for HS256; generate one with `openssl rand -base64 32`"
        );
    }
}
