//! [`Names`]: the member names seen so far in one object, to detect duplicates.

use std::borrow::Cow;

use super::JsonError;

/// The number of names that need no allocation.
const FEW: usize = 16;

/// With its features `raw_value` and `arbitrary_precision`, which any crate in the build can enable,
/// `serde_json` gives objects with such members a special meaning.
pub(super) const RESERVED: &str = "$serde_json::private::";

pub(super) struct Names<'de> {
    /// One bit for each kind of name seen. A name whose bit is not set is new; otherwise it is compared with
    /// all names.
    seen: u64,
    few: [&'de [u8]; FEW],
    few_len: usize,
    /// The names after the first few, and those written with escapes.
    more: Vec<Cow<'de, [u8]>>,
}

impl<'de> Names<'de> {
    /// The largest number of members. Valid headers, claims sets and keys have fewer.
    pub(super) const MAX: usize = 256;
    /// The number of names beyond the first few. When all names have escapes, the limit is lower.
    const MAX_MORE: usize = Self::MAX.saturating_sub(FEW);

    pub(super) const fn new() -> Self {
        Self { seen: 0, few: [&[]; FEW], few_len: 0, more: Vec::new() }
    }

    /// Adds a name, unless it is a duplicate.
    #[inline]
    #[expect(clippy::ptr_arg, reason = "whether it is borrowed decides where it is stored")]
    pub(super) fn add(&mut self, name: &Cow<'de, str>) -> Result<(), JsonError> {
        match name {
            Cow::Borrowed(name) => self.add_plain(name.as_bytes()),
            Cow::Owned(name) => self.add_with_care(Cow::Owned(name.clone().into_bytes())),
        }
    }

    /// Adds a name that is written without escapes.
    #[inline]
    pub(super) fn add_plain(&mut self, name: &'de [u8]) -> Result<(), JsonError> {
        let kind = kind(name);
        if let Some(free) = self.few.get_mut(self.few_len)
            && self.seen & kind == 0
            && self.more.len() < Self::MAX_MORE
            && name.first() != RESERVED.as_bytes().first()
        {
            *free = name;
            self.few_len = self.few_len.wrapping_add(1);
            self.seen |= kind;
            return Ok(());
        }
        self.add_with_care(Cow::Borrowed(name))
    }

    #[cold]
    fn add_with_care(&mut self, name: Cow<'de, [u8]>) -> Result<(), JsonError> {
        let kind = kind(&name);
        if self.seen & kind != 0 && self.contains(&name) {
            return Err(JsonError::DuplicateMember);
        }
        if self.more.len() == Self::MAX_MORE {
            return Err(JsonError::TooManyMembers);
        }
        if name.starts_with(RESERVED.as_bytes()) {
            return Err(JsonError::ReservedMember);
        }
        self.seen |= kind;
        match (name, self.few.get_mut(self.few_len)) {
            (Cow::Borrowed(name), Some(free)) => {
                *free = name;
                self.few_len = self.few_len.wrapping_add(1);
            }
            (name, _) => self.more.push(name),
        }
        Ok(())
    }

    fn contains(&self, name: &[u8]) -> bool {
        let few = self.few.get(..self.few_len).unwrap_or_default();
        few.contains(&name) || self.more.iter().any(|known| **known == *name)
    }
}

/// Returns one bit of 64, derived from length and last byte. The claims of a typical token have different bits.
fn kind(name: &[u8]) -> u64 {
    let last = name.last().copied().unwrap_or_default();
    let mixed = name.len().wrapping_mul(37).wrapping_add(usize::from(last));
    1_u64.wrapping_shl(u32::try_from(mixed & 63).unwrap_or_default())
}
