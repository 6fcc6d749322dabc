//! [`Members`]: where the members of an object are, so that it need not be read a second time to make something of it.

use std::borrow::Cow;

use super::{JsonError, Scanner, read_value};

/// The places of an object's members in its text, in their order.
#[derive(Default)]
pub(crate) struct Members {
    places: [Place; Self::MAX],
    len: usize,
    /// A bit for each value that is a string without escapes.
    plain: u16,
    /// Whether there are no others.
    is_complete: bool,
}

/// Texts beyond the numbers of this size are no longer located.
#[derive(Clone, Copy, Default)]
struct Place {
    name: [u16; 2],
    value: [u16; 2],
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
                self.add(text, name, [start, value.place_after()], is_plain);
                Ok::<_, E>(true)
            })?;
            if is_object { Ok(()) } else { Err(E::from(scanner.malformed())) }
        })
    }

    #[expect(clippy::ptr_arg, reason = "whether it is borrowed decides whether it has a place")]
    fn add(&mut self, text: &str, name: &Cow<'_, str>, value: [usize; 2], is_plain: bool) {
        match (name, self.places.get_mut(self.len)) {
            (Cow::Borrowed(name), Some(free)) => {
                let start = name.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
                let name = [start, start.wrapping_add(name.len())];
                *free = Place { name: name.map(short), value: value.map(short) };
                self.plain |= u16::from(is_plain).wrapping_shl(u32::from(short(self.len)));
                self.len = self.len.wrapping_add(1);
            }
            _ => self.is_complete = false,
        }
    }

    /// All of them in `text`, in which they were found; `None` when there are more than are kept.
    pub(super) fn of<'de>(&self, text: &'de str) -> Option<impl Iterator<Item = Member<'de>>> {
        let (places, plain) = (self.places.get(..self.len).filter(|_| self.is_complete)?, self.plain);
        let slice =
            move |[start, end]: [u16; 2]| text.get(usize::from(start)..usize::from(end)).unwrap_or_default();
        Some(places.iter().scan(plain, move |plain, place| {
            let is_plain_text = *plain & 1 != 0;
            *plain >>= 1;
            Some(Member { name: slice(place.name), value: slice(place.value), is_plain_text })
        }))
    }
}

/// Nothing is cut off, as long as the list is complete.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the text is known to be short")]
const fn short(place: usize) -> u16 {
    place as u16
}
