//! [`RequestView`]: the view that the core has of a request.

/// A view of a request. Adapters implement it on a newtype, without cloning or parsing anything twice.
///
/// Callers pass names of header fields in lower case. Values are bytes, because they need not be text.
pub trait RequestView {
    /// Returns the method, as on the wire.
    fn method(&self) -> &str;

    /// Returns the path of the target, which the log of a rejected request names. The default returns `None`.
    fn path(&self) -> Option<&str> {
        None
    }

    /// Returns the query of the target, without `?`.
    fn query(&self) -> Option<&str>;

    /// Returns the host and port that the request is for: the authority of the target (`:authority` in HTTP/2),
    /// if there is one. Without it, the gate uses the `Host` header.
    fn authority(&self) -> Option<&str>;

    /// Returns all values of a header field in order, one for each field line.
    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a;
}

#[cfg(test)]
pub(crate) mod testing {
    use super::RequestView;

    /// A request for unit tests.
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
