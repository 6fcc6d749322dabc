//! [`RevocationFeed`]: how the gates that verify access tokens learn of revocations.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::StoreFuture;
use super::command::RevocationEntry;

/// The announcements of revocations. A service that only verifies access tokens needs no more of a store than this.
///
/// A reader may merge announcements in any order and any number of times, so a page may repeat announcements of an
/// earlier page.
pub trait RevocationFeed: fmt::Debug + Send + Sync + 'static {
    /// Returns the announcements after a cursor; without one, all that have not expired.
    ///
    /// An empty page tells the reader that it is up to date.
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage>;

    /// Completes when there may be a new announcement, so that a reader need not wait for its next poll.
    ///
    /// This is a hint. It may come late, too often or never.
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// Lets an `Arc<dyn RevocationFeed>` be used as a feed.
impl<F: RevocationFeed + ?Sized> RevocationFeed for Arc<F> {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        (**self).revocations(after)
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        (**self).changed()
    }
}

/// A position in a feed. Only the store that made it can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedCursor(Box<str>);

impl FeedCursor {
    /// Makes a cursor from the store's own format.
    #[must_use]
    pub fn new(position: impl Into<Box<str>>) -> Self {
        Self(position.into())
    }

    /// Returns the text that the store made the cursor from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Announcements that a reader of the feed has not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedPage {
    /// The announcements, the oldest first.
    pub entries: Vec<RevocationEntry>,
    /// The position to read on from.
    pub cursor: FeedCursor,
    /// Whether the store has more announcements now.
    pub more: bool,
}

impl FeedPage {
    /// Returns a page after which the store has no more announcements for now.
    #[must_use]
    pub fn last(entries: Vec<RevocationEntry>, cursor: FeedCursor) -> Self {
        Self { entries, cursor, more: false }
    }

    /// Returns a page after which the store has more announcements at once.
    #[must_use]
    pub fn partial(entries: Vec<RevocationEntry>, cursor: FeedCursor) -> Self {
        Self { entries, cursor, more: true }
    }
}
