//! Secrets in environment variables, or in files that environment variables name.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use zeroize::Zeroizing;

use crate::files::private_file::{self, PrivateFileError};

/// Why a secret cannot be read from the environment. The error never contains a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretSourceError {
    /// Neither variable is set.
    #[error("neither {name} nor {name}_FILE is set")]
    Unset {
        /// The name of the variable, without `_FILE`.
        name: Box<str>,
    },
    /// Both variables are set.
    #[error("only one of {name} and {name}_FILE may be set")]
    Both {
        /// The name of the variable, without `_FILE`.
        name: Box<str>,
    },
    /// The variable is set to an empty value, which is more likely a mistake than a secret.
    #[error("{name} is empty; unset it, or give it a value")]
    Empty {
        /// The name of the variable.
        name: Box<str>,
    },
    /// The value of the variable is not UTF-8.
    #[error("{name} is not UTF-8")]
    NotUtf8 {
        /// The name of the variable.
        name: Box<str>,
    },
    /// The file cannot be read, or other users can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

/// Returns the value of the variable `name`, or the content of the file that the variable `name` followed by
/// `_FILE` names, without surrounding white space.
pub(crate) fn secret(name: &str) -> Result<Zeroizing<Vec<u8>>, SecretSourceError> {
    secret_of(name, |name| env::var_os(name))
}

/// Returns the content of the file at `path`, without surrounding white space.
pub(crate) fn secret_in(path: &Path) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let contents = private_file::read(path)?;
    Ok(Zeroizing::new(contents.trim_ascii().to_vec()))
}

fn secret_of(
    name: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Zeroizing<Vec<u8>>, SecretSourceError> {
    let in_file = format!("{name}_FILE");
    let (name, value) = match (variable(name), variable(&in_file)) {
        (Some(_), Some(_)) => return Err(SecretSourceError::Both { name: name.into() }),
        (None, None) => return Err(SecretSourceError::Unset { name: name.into() }),
        (Some(value), None) => (name, value),
        (None, Some(path)) => {
            if path.is_empty() {
                return Err(SecretSourceError::Empty { name: in_file.into() });
            }
            return Ok(secret_in(Path::new(&path))?);
        }
    };
    let value = value.into_string().map_err(|_value| SecretSourceError::NotUtf8 { name: name.into() })?;
    let value = Zeroizing::new(value);
    let secret = value.trim_ascii();
    if secret.is_empty() {
        return Err(SecretSourceError::Empty { name: name.into() });
    }
    Ok(Zeroizing::new(secret.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Vec<u8>, SecretSourceError> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        secret_of("APP_KEY", variable).map(|secret| secret.to_vec())
    }

    #[test]
    fn secret_is_in_a_variable_or_a_file_and_not_in_both() {
        assert_eq!(read(&[("APP_KEY", " value\n")]).unwrap(), b"value");
        for (variables, error) in [
            (&[][..], "neither APP_KEY nor APP_KEY_FILE is set"),
            (
                &[("APP_KEY", "value"), ("APP_KEY_FILE", "x")],
                "only one of APP_KEY and APP_KEY_FILE may be set",
            ),
            (&[("APP_KEY", " ")], "APP_KEY is empty; unset it, or give it a value"),
            (&[("APP_KEY_FILE", "")], "APP_KEY_FILE is empty; unset it, or give it a value"),
            (&[("APP_KEY_FILE", "/nowhere/key")], "/nowhere/key cannot be read or written"),
        ] {
            let found = read(variables).unwrap_err();
            assert_eq!(found.to_string(), error);
            assert!(!format!("{found:?}").contains("value"));
        }
        let path = env::temp_dir().join(format!("tollgate-environment-{}", std::process::id()));
        private_file::create(&path, b"\n in a file \n").unwrap();
        assert_eq!(read(&[("APP_KEY_FILE", path.to_str().unwrap())]).unwrap(), b"in a file");
        std::fs::remove_file(path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn error_does_not_show_a_value_that_is_not_utf8() {
        use std::os::unix::ffi::OsStringExt as _;

        let value = || OsString::from_vec(b"hidden\xff".to_vec());
        let error = secret_of("APP_KEY", |name| (name == "APP_KEY").then(value)).unwrap_err();
        assert_eq!(error.to_string(), "APP_KEY is not UTF-8");
        assert!(!format!("{error:?}").contains("hidden"));
    }
}
