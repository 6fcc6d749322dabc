//! Secrets from the environment: in a variable, or in a file that a variable names.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use zeroize::Zeroizing;

use crate::files::private_file::{self, PrivateFileError};

/// Why there is no secret to be had from the environment. It never shows a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretSourceError {
    /// Neither variable is set.
    #[error("neither {name} nor {name}_FILE is set")]
    Unset {
        /// The variable.
        name: Box<str>,
    },
    /// Both are.
    #[error("only one of {name} and {name}_FILE may be set")]
    Both {
        /// The variable.
        name: Box<str>,
    },
    /// A variable that is set to nothing, which is more likely a mistake than a secret.
    #[error("{name} is empty; unset it, or give it a value")]
    Empty {
        /// The variable.
        name: Box<str>,
    },
    /// A variable that is not text.
    #[error("{name} is not UTF-8")]
    NotUtf8 {
        /// The variable.
        name: Box<str>,
    },
    /// The file cannot be read, or others can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

/// The value of the variable `name`, or what is in the file that `name` followed by `_FILE` names; without white space
/// around it.
pub(crate) fn secret(name: &str) -> Result<Zeroizing<Vec<u8>>, SecretSourceError> {
    secret_of(name, |name| env::var_os(name))
}

/// What is in the file at `path`, without white space around it.
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
    fn a_variable_or_a_file_and_not_both() {
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
    fn what_is_not_text_is_not_shown() {
        use std::os::unix::ffi::OsStringExt as _;

        let value = || OsString::from_vec(b"hidden\xff".to_vec());
        let error = secret_of("APP_KEY", |name| (name == "APP_KEY").then(value)).unwrap_err();
        assert_eq!(error.to_string(), "APP_KEY is not UTF-8");
        assert!(!format!("{error:?}").contains("hidden"));
    }
}
