//! The family and platform of a client, from its `User-Agent`.

use tollgate::adapter::RequestView;

/// Returns the family and platform of the client, as in `Firefox/Linux`. Unlike versions and addresses, these
/// do not change while a session lives.
///
/// They are a hint that another client uses a session. A single mismatch rejects no request, unless the
/// operator configures that.
pub(super) fn family<R: RequestView>(request: &R) -> Option<Box<str>> {
    let text = std::str::from_utf8(request.header_values("user-agent").next()?).ok()?;
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name)
    };
    // An unknown client has the name of its first product, without the version: `curl/8.5` is `curl`.
    let product = || text.split(['/', ' ']).next().unwrap_or_default();
    let family = first(&FAMILIES).unwrap_or_else(product);
    let platform = first(&PLATFORMS).unwrap_or("other");
    Some(format!("{family}/{platform}").into())
}

/// The most specific families come first, as each also claims to be some of those after it.
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
    fn family_names_the_browser_and_its_platform() {
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
