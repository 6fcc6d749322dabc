//! [`ClientMismatches`]: sessions whose refreshes another client repeats.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::session::SessionId;

/// Counts, for each session, the generations in a row that were replayed for another client.
///
/// The counts are in memory and not in the store, so that a replay stays without a write. Each process counts
/// the replays that it answers itself, and a restart resets the counts. The number of sessions is bounded; the
/// session with the oldest mismatch is evicted first.
#[derive(Debug, Default)]
pub(super) struct ClientMismatches(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sessions: HashMap<SessionId, Count>,
    /// The number of mismatches that were recorded.
    recorded: u64,
}

#[derive(Debug)]
struct Count {
    generation: u32,
    in_a_row: u32,
    /// The value of [`Counts::recorded`] at the last mismatch of this session.
    last: u64,
}

impl ClientMismatches {
    /// Records that `generation` was replayed for another client. Returns how many generations in a row that
    /// makes. A generation counts once, however often it is recorded.
    pub(super) fn record(&self, session: SessionId, generation: u32) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.recorded = counts.recorded.saturating_add(1);
        let last = counts.recorded;
        if let Some(count) = counts.sessions.get_mut(&session) {
            if generation == count.generation.saturating_add(1) {
                count.in_a_row = count.in_a_row.saturating_add(1);
            } else if generation != count.generation {
                count.in_a_row = 1;
            }
            (count.generation, count.last) = (generation, last);
            return count.in_a_row;
        }
        counts.evict_oldest_if_full();
        counts.sessions.insert(session, Count { generation, in_a_row: 1, last });
        1
    }

    /// Removes a session that was revoked.
    pub(super) fn remove(&self, session: SessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sessions.remove(&session);
    }
}

impl Counts {
    /// Removes the session with the oldest mismatch if there are too many sessions.
    fn evict_oldest_if_full(&mut self) {
        if self.sessions.len() < MAX_SESSIONS {
            return;
        }
        let oldest = self.sessions.iter().min_by_key(|(_, count)| count.last).map(|(session, _)| *session);
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
    fn client_mismatches_count_only_generations_in_a_row() {
        let clients = ClientMismatches::default();
        let counts = [5, 5, 6, 6, 7, 9, 10, 10, 3].map(|generation| clients.record(session(1), generation));
        assert_eq!(counts, [1, 1, 2, 2, 3, 1, 2, 2, 1]);
        assert_eq!(clients.record(session(2), 4), 1, "each session is counted separately");
        clients.remove(session(1));
        assert_eq!(clients.record(session(1), 4), 1);
    }

    #[test]
    fn client_mismatches_evict_the_oldest_session_when_full() {
        let clients = ClientMismatches::default();
        for number in 0..10_000 {
            clients.record(session(number), 1);
            // A session with new mismatches is not the oldest.
            clients.record(session(0), 1);
        }
        assert_eq!(clients.0.lock().unwrap().sessions.len(), MAX_SESSIONS);
        assert_eq!(clients.record(session(0), 2), 2);
        assert_eq!(clients.record(session(1), 2), 1, "evicted");
    }
}
