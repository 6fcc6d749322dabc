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
    few: [&'de str; FEW],
    few_len: usize,
    /// Those past the first few, and those written with escapes.
    more: Vec<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    /// More members than any honest header, claims set or key has.
    pub(super) const MAX: usize = 256;
    /// As many beside the few, which fill up first; with escapes in all names there may be fewer.
    const MAX_MORE: usize = Self::MAX.saturating_sub(FEW);

    pub(super) const fn new() -> Self {
        Self { seen: 0, few: [""; FEW], few_len: 0, more: Vec::new() }
    }

    /// Adds a name that may come next.
    #[inline]
    #[expect(clippy::ptr_arg, reason = "whether it is borrowed decides where it is kept")]
    pub(super) fn add(&mut self, name: &Cow<'de, str>) -> Result<(), JsonError> {
        let kind = kind(name);
        if let (Cow::Borrowed(name), Some(free)) = (name, self.few.get_mut(self.few_len))
            && self.seen & kind == 0
            && self.more.len() < Self::MAX_MORE
            && name.as_bytes().first() != RESERVED.as_bytes().first()
        {
            *free = name;
            self.few_len = self.few_len.wrapping_add(1);
            self.seen |= kind;
            return Ok(());
        }
        self.add_with_care(name, kind)
    }

    #[cold]
    #[expect(clippy::ptr_arg, reason = "whether it is borrowed decides where it is kept")]
    fn add_with_care(&mut self, name: &Cow<'de, str>, kind: u64) -> Result<(), JsonError> {
        if self.seen & kind != 0 && self.contains(name) {
            return Err(JsonError::DuplicateMember);
        }
        if self.more.len() == Self::MAX_MORE {
            return Err(JsonError::TooManyMembers);
        }
        if name.starts_with(RESERVED) {
            return Err(JsonError::ReservedMember);
        }
        self.seen |= kind;
        match (name, self.few.get_mut(self.few_len)) {
            (Cow::Borrowed(name), Some(free)) => {
                *free = name;
                self.few_len = self.few_len.wrapping_add(1);
            }
            _ => self.more.push(name.clone()),
        }
        Ok(())
    }

    fn contains(&self, name: &str) -> bool {
        let few = self.few.get(..self.few_len).unwrap_or_default();
        few.contains(&name) || self.more.iter().any(|known| known == name)
    }
}

/// One bit of 64, by length and last byte: enough to tell the claims of an honest token apart.
fn kind(name: &str) -> u64 {
    let last = name.as_bytes().last().copied().unwrap_or_default();
    let mixed = name.len().wrapping_mul(37).wrapping_add(usize::from(last));
    1_u64.wrapping_shl(u32::try_from(mixed & 63).unwrap_or_default())
}
