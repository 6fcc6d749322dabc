//! [`ScopeSet`]: a set of scopes in the grammar of RFC 6749 §3.3.

use std::fmt;

/// A set of scopes in insertion order. Values are compared exactly.
///
/// One text holds all values: a token of a few kilobytes can name thousands, and a cache holds many tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet {
    text: String,
    /// The end of each value in the text.
    ends: Vec<usize>,
}

impl ScopeSet {
    /// Creates an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: String::new(), ends: Vec::new() }
    }

    /// Returns whether the set contains `scope`.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|known| known == scope)
    }

    /// Returns an iterator over the values.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let value = self.text.get(start..end).unwrap_or_default();
            start = end;
            value
        })
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a value, unless the set contains it.
    pub(crate) fn insert(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.push(scope);
        }
    }

    /// Adds a value without a search for duplicates. The scopes of a token are only searched, so a long list of
    /// repeats costs its length, not its square.
    pub(crate) fn push(&mut self, scope: &str) {
        self.text.push_str(scope);
        self.ends.push(self.text.len());
    }

    /// Frees unused capacity.
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

/// Writes the values separated by spaces, as in the `scope` claim.
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

/// Returns whether `text` is a `scope-token`: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3).
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_grammar_matches_the_rfc() {
        for good in ["read:items", "https://x/y", "!", "~", "a'b"] {
            assert!(is_scope_token(good), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a\\b", "a\tb", "ä", "\u{7f}"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn set_keeps_order_and_drops_duplicates() {
        let set = ["b", "a", "b"].into_iter().collect::<ScopeSet>();
        assert_eq!(set.to_string(), "b a");
        assert!(set.contains("a") && !set.contains("A"));
    }
}
