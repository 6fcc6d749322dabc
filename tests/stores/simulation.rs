//! A browser with many tabs, and a thief, against the real code; only the network and the clock are made up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::runtime::Runtime;
use tollgate_sessions::{
    Login, MemoryStore, RefreshError, RefreshKey, RefreshKeys, RotationPolicy, SessionSettings, Sessions,
    StoreClock, Transport, UnixMillis,
};

pub fn trials() -> Vec<Trial> {
    vec![
        crate::trial("simulation::eight_tabs_are_never_logged_out".to_owned(), tabs),
        crate::trial("simulation::a_thief_is_caught".to_owned(), thief),
    ]
}

/// Access tokens live ten minutes; a request takes 80 ms on average, each way half of it.
const CYCLE: i64 = 600_000;
const LATENCY: f64 = 40.0;

/// Sessions on a clock that the simulation moves.
struct World {
    runtime: Runtime,
    sessions: Sessions,
    clock: StoreClock,
    random: u64,
}

impl World {
    fn new(rotation: RotationPolicy, seed: u64) -> Self {
        let clock = StoreClock::by_hand(UnixMillis::from_millis(1_700_000_000_000));
        let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").expect("strong");
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions = Sessions::new(store, RefreshKeys::new(key), Duration::from_secs(600))
            .with_settings(SessionSettings::default().with_rotation(rotation))
            .with_clock(clock.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { runtime, sessions, clock, random: seed }
    }

    fn log_in(&self) -> String {
        self.runtime
            .block_on(self.sessions.create(&Login::new("alice")))
            .expect("a login")
            .refresh_token
            .expose()
    }

    fn refresh(&self, at: i64, token: &str) -> Result<String, RefreshError> {
        self.clock.set(UnixMillis::from_millis(at));
        let renewed = self.runtime.block_on(self.sessions.rotate(token, Transport::Body, None));
        renewed.map(|issued| issued.refresh_token.expose())
    }

    /// Between 0 and 1.
    fn chance(&mut self) -> f64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn up_to(&mut self, millis: f64) -> i64 {
        (self.chance() * millis) as i64
    }

    /// Exponentially distributed, as the time on a network roughly is.
    fn latency(&mut self) -> i64 {
        (-LATENCY * (1.0 - self.chance()).ln()) as i64
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A tab sends what is in the cookie jar.
    Send,
    Arrive(String),
    Answer(String),
}

/// How many of so many cycles end with a logout: eight tabs share a cookie jar and wake within two seconds.
fn logouts(rotation: RotationPolicy, cycles: u32) -> u32 {
    let mut world = World::new(rotation, 1);
    let mut start = world.clock.now().as_millis();
    let mut jar = world.log_in();
    let mut logouts = 0;
    for cycle in 0..cycles {
        start += CYCLE;
        // A session lives thirty days; the user logs in again before it ends.
        if cycle % 4_000 == 3_999 {
            world.clock.set(UnixMillis::from_millis(start));
            jar = world.log_in();
        }
        let mut events = BinaryHeap::new();
        for _ in 0..8 {
            events.push(Reverse((start + world.up_to(2_000.0), Event::Send)));
        }
        let mut logged_out = false;
        while let Some(Reverse((at, event))) = events.pop() {
            match event {
                Event::Send => events.push(Reverse((at + world.latency(), Event::Arrive(jar.clone())))),
                Event::Arrive(token) => match world.refresh(at, &token) {
                    Ok(next) => events.push(Reverse((at + world.latency(), Event::Answer(next)))),
                    Err(_) => logged_out = true,
                },
                Event::Answer(token) => jar = token,
            }
        }
        if logged_out {
            logouts += 1;
            jar = world.log_in();
        }
    }
    logouts
}

fn tabs() {
    assert_eq!(logouts(RotationPolicy::default(), 4_000), 0);
    let ten = RotationPolicy::default().with_window(Duration::from_secs(10));
    assert_eq!(logouts(ten, 1_000), 0);
    // That the network of this simulation is rough enough to be worth surviving.
    let strict = logouts(RotationPolicy::default().with_window(Duration::ZERO), 500);
    assert!(strict > 450, "without a window nearly every cycle ends with a logout: {strict} of 500");
}

/// Victim and thief both refresh whenever their access token has run out, at times of their own.
fn caught_within_a_day(rotation: RotationPolicy, seed: u64) -> Option<u32> {
    let mut world = World::new(rotation, seed);
    let start = world.clock.now().as_millis();
    let token = world.log_in();
    // Whose turn it is: when, who, and with which token.
    let mut turns = BinaryHeap::new();
    for who in 0..2 {
        turns.push(Reverse((start + CYCLE + world.up_to(CYCLE as f64), who, token.clone())));
    }
    let mut refreshes = 0;
    while let Some(Reverse((at, who, token))) = turns.pop() {
        if at > start + 144 * CYCLE {
            return None;
        }
        refreshes += 1;
        match world.refresh(at, &token) {
            Ok(next) => turns.push(Reverse((at + CYCLE + world.up_to(CYCLE as f64), who, next))),
            Err(RefreshError::Reuse) => return Some(refreshes),
            Err(other) => panic!("{other}"),
        }
    }
    None
}

/// None of 400 thieves goes unnoticed for a day; nearly all are noticed when the stolen token is used a second time.
fn thief() {
    let runs = 400;
    for (rotation, soon) in [
        (RotationPolicy::default(), 2),
        (RotationPolicy::default().with_recovery(Duration::from_secs(24 * 3600)), 4),
        (RotationPolicy::default().with_window(Duration::ZERO), 2),
    ] {
        let caught: Vec<u32> =
            (0..runs).filter_map(|seed| caught_within_a_day(rotation, seed * 7 + 3)).collect();
        assert_eq!(caught.len() as u64, runs, "{rotation:?}");
        let at_once = caught.iter().filter(|refreshes| **refreshes <= soon).count();
        assert!(at_once * 100 >= caught.len() * 85, "{at_once} of {runs} at once by {rotation:?}");
    }
}
