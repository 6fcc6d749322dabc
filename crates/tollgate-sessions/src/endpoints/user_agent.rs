//! What a client says of itself, without what changes while a session lasts.

use tollgate::adapter::RequestView;

/// Family and platform, as in `Firefox/Linux`. Versions and addresses change while a session lasts, these do not.
///
/// It is a hint for noticing that somebody else uses a session. Nobody is refused for it unless the operator says so.
pub(super) fn family<R: RequestView>(request: &R) -> Option<Box<str>> {
    let text = std::str::from_utf8(request.header_values("user-agent").next()?).ok()?;
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name)
    };
    // What is not known is called by its first product, without the version: `curl/8.5` is `curl`.
    let product = || text.split(['/', ' ']).next().unwrap_or_default();
    let family = first(&FAMILIES).unwrap_or_else(product);
    let platform = first(&PLATFORMS).unwrap_or("other");
    Some(format!("{family}/{platform}").into())
}

/// The more special ones first: each of them also claims to be the ones after it.
const FAMILIES: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
];

const PLATFORMS: [(&str, &str); 7] = [
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::testing::FakeRequest;

    #[test]
    fn families_and_platforms() {
        for (text, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox/Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0",
                "Edge/Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari/iOS",
            ),
            ("curl/8.5.0", "curl/other"),
            ("", "/other"),
        ] {
            let request = FakeRequest::new("POST", "/").header("user-agent", text);
            assert_eq!(family(&request).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(family(&FakeRequest::new("POST", "/")), None);
        assert_eq!(family(&FakeRequest::new("POST", "/").header("user-agent", b"\xff")), None);
    }
}
