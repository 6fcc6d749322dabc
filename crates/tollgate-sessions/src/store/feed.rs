//! [`RevocationFeed`]: how those who verify access tokens hear of ends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::StoreFuture;
use super::command::RevocationEntry;

/// Where ends of sessions are announced. A service that only verifies access tokens needs this much of a store.
///
/// Announcements can be merged in any order, and any number of times: a page may repeat what an earlier one said.
pub trait RevocationFeed: fmt::Debug + Send + Sync + 'static {
    /// What was announced after `cursor`; without one, all that still matters. An empty page with a cursor is an answer
    /// too: it says that the feed is up to date.
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage>;

    /// Ends when there may be something new. A hint that saves waiting for the next poll; it may come late, too often
    /// or never.
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// `Arc<dyn RevocationFeed>` and the like.
impl<F: RevocationFeed + ?Sized> RevocationFeed for Arc<F> {
    fn revocations<'a>(&'a self, after: Option<&'a FeedCursor>) -> StoreFuture<'a, FeedPage> {
        (**self).revocations(after)
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        (**self).changed()
    }
}

/// How far a feed was read. Only its store knows what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedCursor(Box<str>);

impl FeedCursor {
    /// A cursor, in the store's own words.
    #[must_use]
    pub fn new(position: impl Into<Box<str>>) -> Self {
        Self(position.into())
    }

    /// What the store has put in.
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
    /// Whether the store has more announcements at once.
    pub more: bool,
}

impl FeedPage {
    /// Returns the last page: the store has no more announcements for now.
    #[must_use]
    pub fn new(entries: Vec<RevocationEntry>, cursor: FeedCursor) -> Self {
        Self { entries, cursor, more: false }
    }
}
