//! [`ContentTypes`]: the media types of documents that are accepted.

/// The accepted media types: JSON, and those that the operator tolerates.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContentTypes {
    /// Media types in lower case.
    tolerated: Vec<Box<str>>,
    /// Whether every type but HTML is accepted.
    all_but_html: bool,
}

/// The reason why a content type cannot be tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentTypeError {
    /// The text is not a media type such as `text/plain`: it has a wildcard, a parameter, or no subtype.
    #[error("it is not a media type such as text/plain, without wildcards and parameters")]
    NotAMediaType,
    /// HTML is the type of login pages and captive portals, which answer with status 200 in place of the issuer.
    #[error("HTML is never a key set: login pages and captive portals send it with status 200")]
    Html,
}

impl ContentTypes {
    /// Accepts every type but HTML, for documents whose servers do not know their type.
    pub(crate) fn all_but_html() -> Self {
        Self { tolerated: Vec::new(), all_but_html: true }
    }

    /// Accepts documents of this type.
    pub(crate) fn tolerate(&mut self, text: &str) -> Result<(), ContentTypeError> {
        let media_type = text.to_ascii_lowercase();
        let (kind, subtype) = media_type.split_once('/').ok_or(ContentTypeError::NotAMediaType)?;
        let is_name = |name: &str| {
            // A restricted name (RFC 6838 §4.2), of which `*` is none.
            let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
            name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(is_inside)
        };
        if !is_name(kind) || !is_name(subtype) {
            return Err(ContentTypeError::NotAMediaType);
        }
        if is_html(&media_type) {
            return Err(ContentTypeError::Html);
        }
        self.tolerated.push(media_type.into());
        Ok(())
    }

    /// Returns whether documents with this `Content-Type` are accepted. JSON is `application/json` or a type with the
    /// suffix `+json` (RFC 6839 §3.1), such as `application/jwk-set+json`.
    pub(crate) fn accept(&self, content_type: &str) -> bool {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if self.all_but_html {
            return !is_html(&media_type);
        }
        media_type == "application/json"
            || media_type.ends_with("+json")
            || self.tolerated.iter().any(|tolerated| **tolerated == *media_type)
    }
}

fn is_html(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_and_tolerated_types_are_accepted() {
        let mut types = ContentTypes::default();
        assert!(types.accept("application/json; charset=utf-8") && types.accept("application/JWK-Set+json"));
        assert!(!types.accept("text/plain") && !types.accept("") && !types.accept("application/jsonp"));
        types.tolerate("Text/Plain").unwrap();
        assert!(types.accept("text/plain") && types.accept("TEXT/PLAIN; charset=utf-8"));
        for other in ["text/html", "text/plain2", "text/plain, text/html", "text", "text/html; text/plain"] {
            assert!(!types.accept(other), "{other}");
        }
    }

    #[test]
    fn html_and_wildcards_cannot_be_tolerated() {
        use ContentTypeError::{Html, NotAMediaType};
        for (text, expected) in [
            ("text/html", Html),
            ("TEXT/HTML", Html),
            ("application/xhtml+xml", Html),
            ("text/html; charset=utf-8", NotAMediaType),
            ("text/*", NotAMediaType),
            ("*/*", NotAMediaType),
            ("*", NotAMediaType),
            ("text", NotAMediaType),
            ("text/", NotAMediaType),
            ("/plain", NotAMediaType),
            ("text/plain/html", NotAMediaType),
            (" text/plain", NotAMediaType),
            ("", NotAMediaType),
        ] {
            assert_eq!(ContentTypes::default().tolerate(text), Err(expected), "{text}");
        }
    }
}
