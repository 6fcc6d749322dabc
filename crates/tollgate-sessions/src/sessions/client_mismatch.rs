//! [`ClientMismatches`]: sessions whose renewals another client gets too, again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::session::SessionId;

/// How many generations in a row were answered again for another client, for the sessions where that happened last.
///
/// It is kept in this process and not in the store, so that answering again stays without a write. Each process counts
/// what it sees itself, and forgets it when it ends.
#[derive(Debug, Default)]
pub(super) struct ClientMismatches(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sessions: HashMap<SessionId, Count>,
    /// Counts up with every note.
    notes: u64,
}

#[derive(Debug)]
struct Count {
    generation: u32,
    in_a_row: u32,
    /// Which note was the last about this session.
    noted: u64,
}

impl ClientMismatches {
    /// Notes that `generation` was answered again for another client: how many generations in a row that makes. One that
    /// is noted twice counts once.
    pub(super) fn note(&self, session: SessionId, generation: u32) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.notes = counts.notes.saturating_add(1);
        let noted = counts.notes;
        if let Some(count) = counts.sessions.get_mut(&session) {
            if generation == count.generation.saturating_add(1) {
                count.in_a_row = count.in_a_row.saturating_add(1);
            } else if generation != count.generation {
                count.in_a_row = 1;
            }
            (count.generation, count.noted) = (generation, noted);
            return count.in_a_row;
        }
        counts.make_room();
        counts.sessions.insert(session, Count { generation, in_a_row: 1, noted });
        1
    }

    /// The session is over.
    pub(super) fn forget(&self, session: SessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sessions.remove(&session);
    }
}

impl Counts {
    /// Forgets the session that was noted longest ago, when there are too many.
    fn make_room(&mut self) {
        if self.sessions.len() < MAX_SESSIONS {
            return;
        }
        let oldest = self.sessions.iter().min_by_key(|(_, count)| count.noted).map(|(session, _)| *session);
        if let Some(oldest) = oldest {
            self.sessions.remove(&oldest);
        }
    }
}

const MAX_SESSIONS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u64) -> SessionId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SessionId::from_bytes(bytes)
    }

    #[test]
    fn only_generations_in_a_row_count() {
        let clients = ClientMismatches::default();
        let counts = [5, 5, 6, 6, 7, 9, 10, 10, 3].map(|generation| clients.note(session(1), generation));
        assert_eq!(counts, [1, 1, 2, 2, 3, 1, 2, 2, 1]);
        assert_eq!(clients.note(session(2), 4), 1, "each session for itself");
        clients.forget(session(1));
        assert_eq!(clients.note(session(1), 4), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let clients = ClientMismatches::default();
        for number in 0..10_000 {
            clients.note(session(number), 1);
            // One that is noted again and again is not the oldest.
            clients.note(session(0), 1);
        }
        assert_eq!(clients.0.lock().unwrap().sessions.len(), MAX_SESSIONS);
        assert_eq!(clients.note(session(0), 2), 2);
        assert_eq!(clients.note(session(1), 2), 1, "forgotten");
    }
}
