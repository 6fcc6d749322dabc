//! A store that loses its last writes, as it may in a failover: it logs no honest client out, and still detects theft.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::session::{Lifetimes, SecretHash};
use crate::store::{RefreshKind, RotateLifetimes};

/// A client of one session, and the generation of its current token.
struct Client {
    new: NewSession,
    generation: u32,
    /// The number of the write that created the session.
    created_at: usize,
    /// The number of the write that revoked the session.
    revoked_at: Option<usize>,
}

#[derive(Clone, Debug)]
enum Step {
    LogIn,
    Refresh {
        client: usize,
        wait: u64,
    },
    LogOut {
        client: usize,
    },
    /// The store loses its last writes.
    Lose {
        writes: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..8_usize;
    let step = prop_oneof![
        2 => Just(Step::LogIn),
        20 => (client.clone(), 0..90_u64).prop_map(|(client, wait)| Step::Refresh { client, wait }),
        1 => client.prop_map(|client| Step::LogOut { client }),
        3 => (0..12_usize).prop_map(|writes| Step::Lose { writes }),
    ];
    prop::collection::vec(step, 1..120)
}

/// The store, all its states since it was empty, and its clients.
struct World {
    store: MemoryStore,
    states: Vec<State>,
    clients: Vec<Client>,
}

impl World {
    fn new() -> Self {
        let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
        let store = MemoryStore::new().with_clock(clock);
        Self { store, states: vec![State::default()], clients: Vec::new() }
    }

    fn now(&self) -> UnixMillis {
        self.store.clock.now()
    }

    /// Records the state after a write, and returns the number of the write.
    fn record_write(&mut self) -> usize {
        let state = self.store.state().clone();
        self.states.push(state);
        self.states.len() - 1
    }

    fn step(&mut self, step: &Step) {
        let count = self.clients.len();
        match *step {
            Step::LogIn => self.log_in(),
            Step::Refresh { client, wait } if count > 0 => {
                self.store.clock.advance(Duration::from_secs(wait));
                self.refresh(client % count);
            }
            Step::LogOut { client } if count > 0 => {
                let client = client % count;
                let (session, now) = (self.clients[client].new.session, self.now());
                self.store.state().revoke_session(session, None, RevokeReason::Logout, now);
                let at = self.record_write();
                self.clients[client].revoked_at.get_or_insert(at);
            }
            Step::Lose { writes } => self.lose(writes),
            Step::Refresh { .. } | Step::LogOut { .. } => {}
        }
    }

    fn log_in(&mut self) {
        let now = self.now();
        let month = Duration::from_secs(30 * 24 * 3600);
        let lifetimes = Lifetimes::new(month, month).unwrap();
        let session = SessionId::generate(now).unwrap();
        let new = NewSession::new(session, "alice", SecretHash::from_bytes([7; 32]), lifetimes);
        self.store.state().create(&new, now).unwrap();
        let created_at = self.record_write();
        self.clients.push(Client { new, generation: 0, created_at, revoked_at: None });
    }

    fn present(&self, new: &NewSession, generation: u32) -> RotateOutcome {
        let lifetimes =
            RotateLifetimes { idle: new.lifetimes.idle(), announce_for: Duration::from_secs(600) };
        let request = RotateRequest::new(new.session, generation, new.secret_hash, lifetimes);
        self.store.state().rotate(&request, self.now())
    }

    fn refresh(&mut self, client: usize) {
        let Client { new, generation, revoked_at, .. } = &self.clients[client];
        let (presented, revoked_at) = (*generation, *revoked_at);
        let outcome = self.present(new, presented);
        if revoked_at.is_some() {
            assert_eq!(outcome, RotateOutcome::Revoked(RevokeReason::Logout));
            return;
        }
        let RotateOutcome::Live(refreshed) = outcome else { panic!("logged out: {outcome:?}") };
        let next = refreshed.session.generation;
        match refreshed.kind {
            RefreshKind::Replayed => assert!(next >= presented),
            _ => assert_eq!(next, presented + 1, "no client had this token before"),
        }
        self.clients[client].generation = next;
        self.record_write();
    }

    /// Goes back to an earlier state. The clients keep their tokens and do not learn of the loss.
    fn lose(&mut self, writes: usize) {
        let kept = self.states.len() - 1 - writes.min(self.states.len() - 1);
        self.states.truncate(kept + 1);
        *self.store.state() = self.states[kept].clone();
        for lost in self.clients.extract_if(.., |client| client.created_at > kept) {
            assert!(!self.store.state().sessions.contains_key(&lost.new.session));
        }
        for client in &mut self.clients {
            // The store had reported the lost logout as not durable.
            client.revoked_at.take_if(|at| *at > kept);
        }
    }

    /// Checks that every live session can be refreshed, and that an old token is a sign of theft.
    fn check(mut self) {
        for client in 0..self.clients.len() {
            for _ in 0..3 {
                self.store.clock.advance(Duration::from_secs(60));
                self.refresh(client);
            }
            let Client { new, generation, revoked_at, .. } = &self.clients[client];
            if revoked_at.is_none() {
                let stolen = self.present(new, generation - 3);
                assert!(matches!(stolen, RotateOutcome::Reuse(_)), "{stolen:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn lost_writes_log_no_client_out(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.check();
    }
}
