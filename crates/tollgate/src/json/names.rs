//! [`Names`]: the member names of one object so far, so that none comes twice.

use std::borrow::Cow;

use super::JsonError;

/// Kept without allocating.
const FEW: usize = 16;

/// With its features `raw_value` and `arbitrary_precision`, which anything in a build can turn on, `serde_json`
/// takes objects with such members for something else.
pub(super) const RESERVED: &str = "$serde_json::private::";

pub(super) struct Names<'de> {
    /// A bit for each kind of name seen. A name whose bit is not set is new; else all are compared.
    seen: u64,
    few: [&'de [u8]; FEW],
    few_len: usize,
    /// Those past the first few, and those written with escapes.
    more: Vec<Cow<'de, [u8]>>,
}

impl<'de> Names<'de> {
    /// More members than any honest header, claims set or key has.
    pub(super) const MAX: usize = 256;
    /// As many beside the few, which fill up first; with escapes in all names there may be fewer.
    const MAX_MORE: usize = Self::MAX.saturating_sub(FEW);

    pub(super) const fn new() -> Self {
        Self { seen: 0, few: [&[]; FEW], few_len: 0, more: Vec::new() }
    }

    /// Adds a name that may come next.
    #[inline]
    #[expect(clippy::ptr_arg, reason = "whether it is borrowed decides where it is kept")]
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

/// One bit of 64, by length and last byte: enough to tell the claims of an honest token apart.
fn kind(name: &[u8]) -> u64 {
    let last = name.last().copied().unwrap_or_default();
    let mixed = name.len().wrapping_mul(37).wrapping_add(usize::from(last));
    1_u64.wrapping_shl(u32::try_from(mixed & 63).unwrap_or_default())
}
