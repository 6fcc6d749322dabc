//! [`Elements`]: the elements of a list of proxies, from right to left.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};

use crate::grammar::is_token_symbol;

/// The syntax of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Parameters with tokens or quoted strings (RFC 7239 §4).
    Forwarded,
    /// An address with an optional port.
    Addresses,
}

/// What one proxy appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// The address that the proxy received the request from, never an IPv4-mapped one.
    Address(IpAddr),
    /// The element has no address, is malformed, or is beyond the limits.
    Unusable,
}

/// The elements of a field from right to left, over all its lines. An empty element is unusable: skipping it (RFC 9110
/// §5.6.1.2) would count an element of the client as one of a proxy.
///
/// The elements are also found from right to left. The left part of a field may come from the client, and an open quote
/// there must not swallow the elements of the proxies.
pub(super) struct Elements<'a> {
    /// The lines that were not read yet. The last one may have lost elements at its end.
    lines: VecDeque<&'a [u8]>,
    syntax: Syntax,
    /// The number of bytes that may still be read.
    budget: usize,
}

impl<'a> Elements<'a> {
    pub(super) fn last_first(values: impl Iterator<Item = &'a [u8]>, syntax: Syntax) -> Self {
        let mut lines = VecDeque::new();
        for value in values {
            if lines.len() == MAX_LINES {
                lines.pop_front();
            }
            lines.push_back(value);
        }
        Self { lines, syntax, budget: MAX_BYTES }
    }

    /// Removes the last element of a line, without the comma in front of it.
    fn take_last(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let readable = line.get(line.len().saturating_sub(self.budget)..)?;
        let separator = match self.syntax {
            Syntax::Forwarded => last_unquoted_comma(readable),
            Syntax::Addresses => readable.iter().rposition(|byte| *byte == b','),
        };
        let element = match separator {
            Some(comma) => {
                let element = readable.get(comma.saturating_add(1)..)?;
                let rest = line.len().saturating_sub(element.len()).saturating_sub(1);
                self.lines.push_back(line.get(..rest)?);
                element
            }
            // The element begins before the bytes that may be read.
            None if readable.len() < line.len() => return None,
            None => line,
        };
        self.budget = self.budget.saturating_sub(element.len()).saturating_sub(1);
        Some(element.trim_ascii())
    }
}

impl Iterator for Elements<'_> {
    type Item = Element;

    fn next(&mut self) -> Option<Element> {
        let line = self.lines.pop_back()?;
        let address = match self.take_last(line) {
            Some(element) => match self.syntax {
                Syntax::Forwarded => forwarded_for(element),
                Syntax::Addresses => listed_address(element),
            },
            None => None,
        };
        Some(address.map_or(Element::Unusable, |address| Element::Address(address.to_canonical())))
    }
}

/// Returns the position of the last comma outside a quoted string. Going left, a quote is the start of a string unless
/// it is escaped, which an odd number of backslashes in front of it says.
fn last_unquoted_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (position, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !quoted => return Some(position),
            b'"' if !quoted => quoted = true,
            b'"' => {
                let before = line.get(..position).unwrap_or_default();
                let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
                quoted = backslashes % 2 == 1;
            }
            _ => {}
        }
    }
    None
}

/// Returns the address in the parameter `for` of an element (RFC 7239 §4, §6).
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    let mut rest = element;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(next) = rest.strip_prefix(b";") {
            rest = next;
            continue;
        }
        if rest.is_empty() {
            break;
        }
        let (name, after_name) = token(rest)?;
        let (value, after_value) = value(after_name.strip_prefix(b"=")?)?;
        rest = after_value.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b";") {
            return None;
        }
        // A parameter occurs once (RFC 7239 §4).
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
    }
    node(std::str::from_utf8(&found?).ok()?)
}

/// Returns the token at the start of `text`, and what follows.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !is_token_symbol(*byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Returns the value at the start of `text`, a token or a quoted string (RFC 9110 §5.6.4), and what follows.
fn value(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        return token(text).map(|(value, rest)| (Cow::Borrowed(value), rest));
    };
    let mut value = Vec::new();
    loop {
        let (byte, next) = rest.split_first()?;
        let (byte, next) = match byte {
            b'"' => return Some((Cow::Owned(value), next)),
            b'\\' => next.split_first()?,
            _ => (byte, next),
        };
        if byte.is_ascii_control() && *byte != b'\t' {
            return None;
        }
        value.push(*byte);
        rest = next;
    }
}

/// Parses a node (RFC 7239 §6): an IPv4 address, or an IPv6 address in brackets, and perhaps a port. `None` also for
/// `unknown` and for obfuscated names.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        let port_is_good = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return port_is_good.then_some(IpAddr::V6(address));
    }
    let address = match text.split_once(':') {
        Some((address, port)) if is_port(port) => address,
        Some(_) => return None,
        None => text,
    };
    address.parse().ok().map(IpAddr::V4)
}

/// Returns whether `text` is a port: up to five digits, or an obfuscated port (RFC 7239 §6).
fn is_port(text: &str) -> bool {
    let is_obfuscated = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match text.strip_prefix('_') {
        Some(name) => is_obfuscated(name),
        None => matches!(text.len(), 1..=5) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Parses an element of `X-Forwarded-For`, where an IPv6 address without a port needs no brackets.
fn listed_address(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    text.parse::<Ipv6Addr>().map(IpAddr::V6).ok().or_else(|| node(text))
}

/// More lines than any chain of proxies appends.
const MAX_LINES: usize = 64;
/// More bytes than any chain of proxies appends.
const MAX_BYTES: usize = 8 * 1024;
