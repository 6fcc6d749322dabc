//! [`Segment`]: a step of the path to a member.

/// The name of a member, or the position in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Member(Box<str>),
    Index(usize),
}

/// Returns the path as `issuers.0.audience`.
pub(crate) fn dotted<'a>(path: impl IntoIterator<Item = &'a Segment>) -> Box<str> {
    let mut text = String::new();
    for segment in path {
        if !text.is_empty() {
            text.push('.');
        }
        match segment {
            Segment::Member(name) => text.push_str(name),
            Segment::Index(at) => text.push_str(&at.to_string()),
        }
    }
    text.into()
}
