//! A store that loses its last writes, as a failover may: who is honest is not logged out, and who is not is still noticed.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::session::Lifetimes;
use crate::session::SecretHash;
use crate::store::{RefreshKind, RotateLifetimes};

/// A client of one session, with the token that it was given last.
struct Client {
    new: NewSession,
    generation: u32,
    /// After which write its session was made, and ended.
    made: usize,
    ended: Option<usize>,
}

#[derive(Clone, Debug)]
enum Step {
    LogIn,
    Renew {
        client: usize,
        wait: u64,
    },
    LogOut {
        client: usize,
    },
    /// So many writes are gone.
    Lose {
        writes: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..8_usize;
    let step = prop_oneof![
        2 => Just(Step::LogIn),
        20 => (client.clone(), 0..90_u64).prop_map(|(client, wait)| Step::Renew { client, wait }),
        1 => client.prop_map(|client| Step::LogOut { client }),
        3 => (0..12_usize).prop_map(|writes| Step::Lose { writes }),
    ];
    prop::collection::vec(step, 1..120)
}

/// The store, all its states since it was empty, and who uses it.
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

    fn wrote(&mut self) -> usize {
        let state = self.store.state().clone();
        self.states.push(state);
        self.states.len() - 1
    }

    fn step(&mut self, step: &Step) {
        let count = self.clients.len();
        match *step {
            Step::LogIn => self.log_in(),
            Step::Renew { client, wait } if count > 0 => {
                self.store.clock.advance(Duration::from_secs(wait));
                self.renew(client % count);
            }
            Step::LogOut { client } if count > 0 => {
                let client = client % count;
                let (session, now) = (self.clients[client].new.session, self.now());
                self.store.state().revoke_session(session, None, RevokeReason::Logout, now);
                let at = self.wrote();
                self.clients[client].ended.get_or_insert(at);
            }
            Step::Lose { writes } => self.lose(writes),
            Step::Renew { .. } | Step::LogOut { .. } => {}
        }
    }

    fn log_in(&mut self) {
        let now = self.now();
        let month = Duration::from_secs(30 * 24 * 3600);
        let lifetimes = Lifetimes::new(month, month).unwrap();
        let session = SessionId::generate(now).unwrap();
        let new = NewSession::new(session, "alice", SecretHash::from_bytes([7; 32]), lifetimes);
        self.store.state().create(&new, now).unwrap();
        let made = self.wrote();
        self.clients.push(Client { new, generation: 0, made, ended: None });
    }

    fn present(&self, new: &NewSession, generation: u32) -> RotateOutcome {
        let lifetimes =
            RotateLifetimes { idle: new.lifetimes.idle(), announce_for: Duration::from_secs(600) };
        let command = RotateRequest::new(new.session, generation, new.secret_hash, lifetimes);
        self.store.state().rotate(&command, self.now())
    }

    fn renew(&mut self, client: usize) {
        let Client { new, generation, ended, .. } = &self.clients[client];
        let (presented, ended) = (*generation, *ended);
        let rotation = self.present(new, presented);
        if ended.is_some() {
            assert_eq!(rotation, RotateOutcome::Revoked(RevokeReason::Logout));
            return;
        }
        let RotateOutcome::Live(renewed) = rotation else { panic!("logged out: {rotation:?}") };
        let next = renewed.session.generation;
        match renewed.kind {
            RefreshKind::Replayed => assert!(next >= presented),
            _ => assert_eq!(next, presented + 1, "a token that nobody was given before"),
        }
        self.clients[client].generation = next;
        self.wrote();
    }

    /// What was written since is gone, and whoever was told of it does not know.
    fn lose(&mut self, writes: usize) {
        let kept = self.states.len() - 1 - writes.min(self.states.len() - 1);
        self.states.truncate(kept + 1);
        *self.store.state() = self.states[kept].clone();
        for lost in self.clients.extract_if(.., |client| client.made > kept) {
            assert!(!self.store.state().sessions.contains_key(&lost.new.session));
        }
        for client in &mut self.clients {
            // A logout that is lost is one that was said to be at risk.
            client.ended.take_if(|at| *at > kept);
        }
    }

    /// In the end all go on, and a token from long ago is noticed.
    fn check(mut self) {
        for client in 0..self.clients.len() {
            for _ in 0..3 {
                self.store.clock.advance(Duration::from_secs(60));
                self.renew(client);
            }
            let Client { new, generation, ended, .. } = &self.clients[client];
            if ended.is_none() {
                let stolen = self.present(new, generation - 3);
                assert!(matches!(stolen, RotateOutcome::Reuse(_)), "{stolen:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn lost_writes_log_nobody_out(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.check();
    }
}
