//! [`ScopeSet`]: what a token grants, in the grammar of RFC 6749 §3.3.

use std::fmt;

/// A set of scope values, in the order in which they were named. Values are compared exactly.
///
/// The values lie one after the other in one text: a token of a few kilobytes can name thousands, and a cache holds
/// many tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet {
    text: String,
    /// Where in the text each value ends.
    ends: Vec<usize>,
}

impl ScopeSet {
    /// No scopes.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: String::new(), ends: Vec::new() }
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|known| known == scope)
    }

    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let value = self.text.get(start..end).unwrap_or_default();
            start = end;
            value
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a value unless it is there.
    pub(crate) fn insert(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.push(scope);
        }
    }

    /// Adds a value without looking for it first: what a token names is only ever searched, so a long list of
    /// repeats costs its length, not its square.
    pub(crate) fn push(&mut self, scope: &str) {
        self.text.push_str(scope);
        self.ends.push(self.text.len());
    }

    /// Gives back what growing has taken beyond need.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        let mut set = Self::new();
        scopes.into_iter().for_each(|scope| set.insert(scope));
        set
    }
}

/// Separated by spaces, as in the `scope` claim.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

/// Whether `text` is a `scope-token`: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3).
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_that_of_the_rfc() {
        for good in ["read:items", "https://x/y", "!", "~", "a'b"] {
            assert!(is_scope_token(good), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a\\b", "a\tb", "ä", "\u{7f}"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn sets_keep_order_and_drop_repeats() {
        let set = ["b", "a", "b"].into_iter().collect::<ScopeSet>();
        assert_eq!(set.to_string(), "b a");
        assert!(set.contains("a") && !set.contains("A"));
    }
}
