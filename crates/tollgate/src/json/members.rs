//! [`Members`]: where the members of an object are, so that it need not be read a second time to make something of it.

use super::{JsonError, Scanner, read_value};

/// The places of an object's members in its text, in their order.
#[derive(Default)]
pub(crate) struct Members {
    /// Where values begin and end. Names are between them: the object is written without whitespace.
    values: [[u16; 2]; Self::MAX],
    len: usize,
    /// Where the last one ended.
    end: usize,
    /// A bit for each value that is a string without escapes.
    plain: u16,
    /// Whether there are no others, and they are where they should be.
    is_complete: bool,
}

/// One member: its name, which is written without escapes, and its value as it is written.
pub(super) struct Member<'de> {
    pub(super) name: &'de str,
    pub(super) value: &'de str,
    pub(super) is_plain_text: bool,
}

impl Members {
    const MAX: usize = 16;

    /// Reads `text` as [`read_object`](super::read_object) does, and notes where everything is.
    #[inline]
    pub(crate) fn read<'de, E: From<JsonError>>(
        &mut self,
        text: &'de str,
        mut each: impl FnMut(&str, &mut Scanner<'de>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.is_complete = u16::try_from(text.len()).is_ok();
        read_value(text, |scanner| {
            let is_object = scanner.object(|name, value| {
                let (start, is_text) = value.place();
                if !each(name, value)? {
                    value.skip()?;
                }
                let is_plain = is_text && value.has_no_escapes_since(start);
                self.add(name, [start, value.place_after()], is_plain);
                Ok::<_, E>(true)
            })?;
            if is_object { Ok(()) } else { Err(E::from(scanner.malformed())) }
        })
    }

    #[inline]
    fn add(&mut self, name: &str, [start, end]: [usize; 2], is_plain: bool) {
        // As many bytes as a name without escapes and what is around it: a comma or brace, two quotes, a colon.
        let is_close = start == self.end.wrapping_add(name.len()).wrapping_add(AROUND_NAME);
        match self.values.get_mut(self.len) {
            Some(free) if is_close => {
                *free = [short(start), short(end)];
                self.plain |= u16::from(is_plain).wrapping_shl(u32::from(short(self.len)));
                self.len = self.len.wrapping_add(1);
                self.end = end;
            }
            _ => self.is_complete = false,
        }
    }

    /// All of them in `text`, in which they were found; `None` when not all are kept.
    pub(super) fn of<'de>(&self, text: &'de str) -> Option<impl Iterator<Item = Member<'de>>> {
        let (values, plain) = (self.values.get(..self.len).filter(|_| self.is_complete)?, self.plain);
        let slice = move |start: usize, end: usize| text.get(start..end).unwrap_or_default();
        Some(values.iter().scan((plain, 0_usize), move |(plain, before), value| {
            let [start, end] = value.map(usize::from);
            let is_plain_text = *plain & 1 != 0;
            let name = slice(before.saturating_add(2), start.saturating_sub(2));
            (*plain, *before) = (*plain >> 1, end);
            Some(Member { name, value: slice(start, end), is_plain_text })
        }))
    }
}

/// `,"` before a name and `":` after it.
const AROUND_NAME: usize = 4;

/// Nothing is cut off, as long as the list is complete.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the text is known to be short")]
const fn short(place: usize) -> u16 {
    place as u16
}
