//! [`Payload`]: the claims of a token, parsed once. Strings stay where they are in the text.

use std::borrow::Cow;
use std::ops::Range;

use super::date::NumericDate;
use crate::error::{ClaimError, TokenError, TokenPart};
use crate::json::{Fault, Members, Scanner, Value};
use crate::token::CompactToken;

/// The decoded payload and the positions of the registered claims in it.
#[derive(Default)]
pub(crate) struct Payload {
    json: String,
    index: Index,
    /// All members, for the application's claims.
    members: Members,
}

#[derive(Default)]
struct Index {
    issuer: Option<Span>,
    subject: Option<Span>,
    token_id: Option<Span>,
    audience: Option<Audience>,
    expires_at: Option<NumericDate>,
    not_before: Option<NumericDate>,
    issued_at: Option<NumericDate>,
    /// The claims of other kinds of tokens that occur (see [`Payload::other_kinds`]), as one bit per name.
    markers: u8,
    sender_constrained: bool,
    /// Whether `sub` is an integer, against RFC 7519 §4.1.2.
    numeric_subject: bool,
}

/// Claims that only tokens for other purposes have: ID tokens (`OpenID` Connect Core §2, §3.3.2.11) and
/// security event tokens such as logout tokens (RFC 8417 §2.2).
const OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

impl Payload {
    /// Reads the payload of `token` into this empty one. Returning it would move it, which costs as much as
    /// reading some of its claims.
    ///
    /// # Errors
    /// [`TokenError::Encoding`] when it is not strict base64url. [`TokenError::Json`] when it is not one strict
    /// JSON object. [`TokenError::Claim`] when a registered claim has the wrong type: a malformed claim never
    /// counts as missing. A claim that is `null` counts as missing.
    #[inline]
    pub(crate) fn read(&mut self, token: &CompactToken<'_>) -> Result<(), TokenError> {
        token.decode_payload(&mut self.json)?;
        self.read_json()
    }

    #[inline]
    fn read_json(&mut self) -> Result<(), TokenError> {
        if self.read_compact().is_some() {
            return Ok(());
        }
        (self.index, self.members) = (Index::default(), Members::default());
        self.read_with_care()
    }

    /// The fast path. Returns `None` unless every claim has its usual form.
    #[inline]
    fn read_compact(&mut self) -> Option<()> {
        let Self { json, index, members } = self;
        members.read_compact(json, |name, value| match value {
            Value::Plain([start, end]) => index.note_text(name, start..end),
            Value::Other(value) => index.read(name, value, json).ok(),
        })
    }

    #[cold]
    fn read_with_care(&mut self) -> Result<(), TokenError> {
        let Self { json, index, members } = self;
        members.read(json, |name, value| index.read(name.as_bytes(), value, json)).map_err(
            |fault| match fault {
                Fault::Json(error) => TokenError::json(TokenPart::Payload, error),
                Fault::Refused(WrongType(name)) => TokenError::claim(name, ClaimError::WrongType),
            },
        )
    }

    /// Returns the memory that the located claims take in addition to the text, in bytes, as far as the sender
    /// controls it.
    pub(crate) fn index_bytes(&self) -> usize {
        let Index { issuer, subject, token_id, audience, .. } = &self.index;
        let (list, audiences) = match audience {
            Some(Audience::Many(spans)) => (spans.capacity(), spans.as_slice()),
            Some(Audience::One(span)) => (0, std::slice::from_ref(span)),
            None => (0, [].as_slice()),
        };
        let spans = [issuer, subject, token_id].into_iter().flatten().chain(audiences);
        let copies: usize = spans.map(Span::copied_bytes).sum();
        list.saturating_mul(size_of::<Span>()).saturating_add(copies)
    }

    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.index.issuer.as_ref().map(|span| span.text(&self.json))
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.index.subject.as_ref().map(|span| span.text(&self.json))
    }

    /// Returns whether `sub` is an integer instead of a string.
    pub(crate) fn has_numeric_subject(&self) -> bool {
        self.index.numeric_subject
    }

    pub(crate) fn token_id(&self) -> Option<&str> {
        self.index.token_id.as_ref().map(|span| span.text(&self.json))
    }

    /// Returns the values of `aud`, or `None` when the claim is missing.
    pub(crate) fn audience(&self) -> Option<impl Iterator<Item = &str>> {
        let spans = match self.index.audience.as_ref()? {
            Audience::One(span) => std::slice::from_ref(span),
            Audience::Many(spans) => spans,
        };
        Some(spans.iter().map(|span| span.text(&self.json)))
    }

    pub(crate) fn expires_at(&self) -> Option<NumericDate> {
        self.index.expires_at
    }

    pub(crate) fn not_before(&self) -> Option<NumericDate> {
        self.index.not_before
    }

    pub(crate) fn issued_at(&self) -> Option<NumericDate> {
        self.index.issued_at
    }

    /// Returns the claims that show that the token is of another kind.
    pub(crate) fn other_kinds(&self) -> impl Iterator<Item = &'static str> {
        let markers = self.index.markers;
        OTHER_KINDS
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| markers & (1 << bit) != 0)
            .map(|(_, name)| name)
    }

    /// Returns whether `cnf` is present (RFC 7800 §3).
    pub(crate) fn is_sender_constrained(&self) -> bool {
        self.index.sender_constrained
    }
}

/// The values of `aud`. Most often it is one string, which needs no list.
enum Audience {
    One(Span),
    Many(Vec<Span>),
}

/// The position of a string in the payload: a range of the text, or a copy if the string was written with
/// escapes.
enum Span {
    Range(Range<usize>),
    Copy(Box<str>),
}

impl Span {
    fn of(text: Cow<'_, str>, json: &str) -> Self {
        match text {
            Cow::Borrowed(text) => {
                let start = text.as_ptr().addr().saturating_sub(json.as_ptr().addr());
                Self::Range(start..start.saturating_add(text.len()))
            }
            Cow::Owned(text) => Self::Copy(text.into()),
        }
    }

    /// Returns the bytes that the allocator uses for a copy, which are 32 at least.
    fn copied_bytes(&self) -> usize {
        match self {
            Self::Range(_) => 0,
            Self::Copy(text) => text.len().max(32),
        }
    }

    fn text<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::Range(range) => json.get(range.clone()).unwrap_or_default(),
            Self::Copy(text) => text,
        }
    }
}

/// The registered claim that has the wrong type.
struct WrongType(&'static str);

impl Index {
    fn mark(&mut self, name: &[u8]) {
        // Written out, each comparison is of one number or two. In a loop over the list it would be a call.
        self.markers |= match name {
            b"cnf" => {
                self.sender_constrained = true;
                0
            }
            b"nonce" => 1,
            b"at_hash" => 1 << 1,
            b"c_hash" => 1 << 2,
            b"s_hash" => 1 << 3,
            b"events" => 1 << 4,
            _ => 0,
        };
    }

    /// Records a string without escapes. Returns `None` when the claim must have another type.
    #[inline]
    fn note_text(&mut self, name: &[u8], text: Range<usize>) -> Option<bool> {
        match name {
            b"iss" => self.issuer = Some(Span::Range(text)),
            b"sub" => self.subject = Some(Span::Range(text)),
            b"jti" => self.token_id = Some(Span::Range(text)),
            b"aud" => self.audience = Some(Audience::One(Span::Range(text))),
            b"exp" | b"nbf" | b"iat" => return None,
            name => self.mark(name),
        }
        Some(true)
    }

    /// Reads `sub`. An integer is kept as its digits; a verifier accepts it only if the operator allows it.
    fn subject(&mut self, value: &mut Scanner<'_>, json: &str) -> Result<Option<Span>, Fault<WrongType>> {
        if let Some(text) = value.text()? {
            return Ok(Some(Span::of(text, json)));
        }
        match value.number()? {
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.numeric_subject = true;
                Ok(Some(Span::of(Cow::Borrowed(number), json)))
            }
            Some(_) => Err(Fault::Refused(WrongType("sub"))),
            None => absent("sub", value),
        }
    }

    fn read(&mut self, name: &[u8], value: &mut Scanner<'_>, json: &str) -> Result<bool, Fault<WrongType>> {
        match name {
            b"iss" => self.issuer = span("iss", value, json)?,
            b"sub" => self.subject = self.subject(value, json)?,
            b"jti" => self.token_id = span("jti", value, json)?,
            b"aud" => self.audience = audience(value, json)?,
            b"exp" => self.expires_at = date("exp", value)?,
            b"nbf" => self.not_before = date("nbf", value)?,
            b"iat" => self.issued_at = date("iat", value)?,
            name => {
                if value.null()? {
                    return Ok(true);
                }
                self.mark(name);
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn span(name: &'static str, value: &mut Scanner<'_>, json: &str) -> Result<Option<Span>, Fault<WrongType>> {
    match value.text()? {
        Some(text) => Ok(Some(Span::of(text, json))),
        None => absent(name, value),
    }
}

#[inline]
fn date(name: &'static str, value: &mut Scanner<'_>) -> Result<Option<NumericDate>, Fault<WrongType>> {
    match value.small_integer() {
        Some(secs) => Ok(Some(NumericDate::from_secs(secs))),
        None => other_date(name, value),
    }
}

#[cold]
fn other_date(name: &'static str, value: &mut Scanner<'_>) -> Result<Option<NumericDate>, Fault<WrongType>> {
    match value.number()? {
        Some(number) => NumericDate::parse(number).map(Some).ok_or(Fault::Refused(WrongType(name))),
        None => absent(name, value),
    }
}

/// Reads one string or an array of strings (RFC 7519 §4.1.3).
fn audience(value: &mut Scanner<'_>, json: &str) -> Result<Option<Audience>, Fault<WrongType>> {
    if let Some(text) = value.text()? {
        return Ok(Some(Audience::One(Span::of(text, json))));
    }
    let mut spans = Vec::new();
    if value.texts(|text| spans.push(Span::of(text, json)))? {
        return Ok(Some(Audience::Many(spans)));
    }
    absent("aud", value)
}

/// Reads `null`, which counts as an absent claim. Any other value has the wrong type.
#[cold]
fn absent<T>(name: &'static str, value: &mut Scanner<'_>) -> Result<Option<T>, Fault<WrongType>> {
    if value.null()? { Ok(None) } else { Err(Fault::Refused(WrongType(name))) }
}

#[cfg(test)]
mod tests;
