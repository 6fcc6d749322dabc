//! [`RequestView`]: what the core sees of a request.

/// What a request can show. Adapters implement it on a newtype; nothing is cloned, nothing is parsed twice.
///
/// Names of header fields are asked for in lower case. Values are bytes: whether they are text is for the reader to
/// judge.
pub trait RequestView {
    /// The method, as on the wire.
    fn method(&self) -> &str;

    /// The query of the target, without `?`.
    fn query(&self) -> Option<&str>;

    /// The host and port that the request is for: the authority of the target (`:authority` in HTTP/2), if there
    /// is one. Without it, the `Host` field counts.
    fn authority(&self) -> Option<&str>;

    /// All values of a header field, in order, one for each field line.
    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a;
}

#[cfg(test)]
pub(crate) mod testing {
    use super::RequestView;

    /// A request made by hand.
    pub(crate) struct FakeRequest {
        method: String,
        target: String,
        headers: Vec<(String, Vec<u8>)>,
    }

    impl FakeRequest {
        pub(crate) fn get(target: &str) -> Self {
            Self::new("GET", target)
        }

        pub(crate) fn new(method: &str, target: &str) -> Self {
            Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new() }
        }

        pub(crate) fn header(mut self, name: &str, value: &[u8]) -> Self {
            self.headers.push((name.to_owned(), value.to_owned()));
            self
        }
    }

    impl RequestView for FakeRequest {
        fn method(&self) -> &str {
            &self.method
        }

        fn query(&self) -> Option<&str> {
            self.target.split_once('?').map(|(_, query)| query)
        }

        fn authority(&self) -> Option<&str> {
            None
        }

        fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
            let name = name.to_owned();
            self.headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_slice())
        }
    }
}
