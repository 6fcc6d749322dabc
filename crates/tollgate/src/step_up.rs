//! [`StepUp`]: what another authentication of the user has to achieve (RFC 9470).

use std::fmt;
use std::time::Duration;

/// What another authentication of the user has to achieve: the parameters of the challenge
/// `insufficient_user_authentication` (RFC 9470 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    acr_values: Vec<Box<str>>,
    max_age: Option<Duration>,
}

impl StepUp {
    /// Returns the accepted values of `acr`, the preferred one first. Without any, the challenge does not say how to
    /// authenticate.
    pub fn acr_values(&self) -> impl Iterator<Item = &str> {
        self.acr_values.iter().map(AsRef::as_ref)
    }

    /// Returns the longest time since the authentication of the user, in whole seconds.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    pub(crate) fn add_acr_values(&mut self, values: &[Box<str>]) {
        let new = values.iter().filter(|value| !self.acr_values.contains(value)).cloned();
        let new: Vec<Box<str>> = new.collect();
        self.acr_values.extend(new);
    }

    pub(crate) fn limit_age(&mut self, age: Duration) {
        self.max_age = Some(self.max_age.map_or(age, |known| known.min(age)));
    }
}

/// Prints the parameters of the challenge. The values were checked when their policy was created.
impl fmt::Display for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.acr_values.is_empty() {
            write!(f, "acr_values=\"{}\"", self.acr_values.join(" "))?;
        }
        if let Some(age) = self.max_age {
            let separator = if self.acr_values.is_empty() { "" } else { ", " };
            write!(f, "{separator}max_age=\"{}\"", age.as_secs())?;
        }
        Ok(())
    }
}
