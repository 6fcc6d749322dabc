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
        crate::trial("simulation::eight_tabs_survive_lost_answers".to_owned(), tabs_with_lost_answers),
        crate::trial("simulation::a_lost_answer_and_a_late_retry".to_owned(), late_retries),
        crate::trial("simulation::a_thief_is_caught".to_owned(), thief),
        crate::trial("simulation::a_thief_with_good_timing_is_not".to_owned(), thief_in_the_window),
        crate::trial("simulation::unless_it_looks_like_another_client".to_owned(), thief_of_another_make),
    ]
}

/// What is lost on the way, and when it is asked for again.
#[derive(Clone, Copy)]
struct Losses {
    /// The share of answers that are lost.
    share: f64,
    /// The earliest and the latest retry, in milliseconds.
    retry: (f64, f64),
}

const NONE: Losses = Losses { share: 0.0, retry: (0.0, 0.0) };

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
        self.refresh_as(None, at, token)
    }

    fn refresh_as(&self, client: Option<&str>, at: i64, token: &str) -> Result<String, RefreshError> {
        self.clock.set(UnixMillis::from_millis(at));
        let renewed = self.runtime.block_on(self.sessions.rotate(token, Transport::Body, client));
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

    /// When a client asks again, if the answer to it is lost.
    fn lost(&mut self, losses: Losses) -> Option<i64> {
        let (earliest, latest) = losses.retry;
        (self.chance() < losses.share).then(|| earliest as i64 + self.up_to(latest - earliest))
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

/// How many of so many cycles end with a logout: tabs share a cookie jar and wake within two seconds.
fn logouts(rotation: RotationPolicy, tabs: u32, losses: Losses, cycles: u32) -> u32 {
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
        for _ in 0..tabs {
            events.push(Reverse((start + world.up_to(2_000.0), Event::Send)));
        }
        let (mut logged_out, mut end) = (false, start);
        while let Some(Reverse((at, event))) = events.pop() {
            match event {
                Event::Send => events.push(Reverse((at + world.latency(), Event::Arrive(jar.clone())))),
                Event::Arrive(token) => match world.refresh(at, &token) {
                    Ok(next) => {
                        let event = match world.lost(losses) {
                            Some(later) => (at + later, Event::Send),
                            None => (at + world.latency(), Event::Answer(next)),
                        };
                        events.push(Reverse(event));
                        end = end.max(at);
                    }
                    Err(_) => logged_out = true,
                },
                Event::Answer(token) => jar = token,
            }
        }
        // A retry may come so late that the next cycle begins after it.
        start = start.max(end);
        if logged_out {
            logouts += 1;
            jar = world.log_in();
        }
    }
    logouts
}

const SECOND: f64 = 1_000.0;

fn tabs() {
    assert_eq!(logouts(RotationPolicy::default(), 8, NONE, 4_000), 0);
    assert_eq!(logouts(recovering(), 8, NONE, 1_000), 0);
    let ten = RotationPolicy::default().with_window(Duration::from_secs(10));
    assert_eq!(logouts(ten, 8, NONE, 1_000), 0);
    // That the network of this simulation is rough enough to be worth surviving.
    let strict = logouts(strict(), 8, NONE, 500);
    assert!(strict > 450, "without a window nearly every cycle ends with a logout: {strict} of 500");
}

/// One answer in a hundred is lost and asked for again within half a minute: the window covers nearly all of it.
fn tabs_with_lost_answers() {
    let losses = Losses { share: 0.01, retry: (5.0 * SECOND, 25.0 * SECOND) };
    assert_eq!(logouts(RotationPolicy::default(), 8, losses, 4_000), 0);
    assert_eq!(logouts(recovering(), 8, losses, 1_000), 0);
    let strict = logouts(strict(), 8, losses, 500);
    assert!(strict > 450, "{strict} of 500");
}

/// One answer in a hundred is lost, and the client comes back after minutes: some nine logouts in a thousand cycles by
/// any window, none where the token before may displace its successor.
fn late_retries() {
    let losses = Losses { share: 0.01, retry: (60.0 * SECOND, 3_600.0 * SECOND) };
    for rotation in [RotationPolicy::default(), strict()] {
        let ended = logouts(rotation, 1, losses, 4_000);
        assert!((20..=64).contains(&ended), "{ended} of 4000 by {rotation:?}");
    }
    assert_eq!(logouts(recovering(), 1, losses, 4_000), 0);
}

fn strict() -> RotationPolicy {
    RotationPolicy::default().with_window(Duration::ZERO)
}

/// Lets the token before the current one displace it for a day.
fn recovering() -> RotationPolicy {
    RotationPolicy::default().with_recovery(Duration::from_secs(24 * 3600))
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
    for (rotation, soon) in [(RotationPolicy::default(), 2), (recovering(), 4), (strict(), 2)] {
        let caught: Vec<u32> =
            (0..runs).filter_map(|seed| caught_within_a_day(rotation, seed * 7 + 3)).collect();
        assert_eq!(caught.len() as u64, runs, "{rotation:?}");
        let at_once = caught.iter().filter(|refreshes| **refreshes <= soon).count();
        assert!(at_once * 100 >= caught.len() * 85, "{at_once} of {runs} at once by {rotation:?}");
    }
}

/// How a thief chooses its moment.
#[derive(Clone, Copy, Debug)]
enum Timing {
    /// It comes up to eight seconds after its victim, each time.
    Shadowing,
    /// Both come when the access token that they got together runs out: within two seconds.
    AtExpiry,
}

/// In which cycle a thief is caught, of the 144 of a day, that comes while the answer of its victim is given again; the
/// two say of themselves who they are.
fn caught_in_the_window(rotation: RotationPolicy, timing: Timing, thief: &str, seed: u64) -> Option<u32> {
    let mut world = World::new(rotation, seed);
    let mut start = world.clock.now().as_millis();
    let token = world.log_in();
    let (mut of_victim, mut of_thief) = (token.clone(), token);
    for cycle in 0..144 {
        start += CYCLE;
        let (victim_at, thief_at) = match timing {
            Timing::Shadowing => (start, start + 1 + world.up_to(8_000.0)),
            Timing::AtExpiry => (start + world.up_to(2_000.0), start + world.up_to(2_000.0)),
        };
        let victim_turn = (victim_at, "Firefox/Linux", true);
        let mut turns = [victim_turn, (thief_at, thief, false)];
        turns.sort_unstable();
        for (at, client, is_victim) in turns {
            let token = if is_victim { &mut of_victim } else { &mut of_thief };
            match world.refresh_as(Some(client), at, token) {
                Ok(next) => *token = next,
                Err(RefreshError::Reuse) => return Some(cycle),
                Err(other) => panic!("{other}"),
            }
        }
    }
    None
}

/// What no window can notice, stated so that nobody believes otherwise: who always comes within it, and looks alike.
/// Without a window it is noticed at once.
fn thief_in_the_window() {
    for timing in [Timing::Shadowing, Timing::AtExpiry] {
        for seed in 0..100 {
            let caught = |rotation| caught_in_the_window(rotation, timing, "Firefox/Linux", seed * 7 + 3);
            assert_eq!(caught(RotationPolicy::default()), None, "{timing:?}");
            assert_eq!(caught(recovering()), None, "{timing:?}");
            assert_eq!(caught(strict()), Some(0), "{timing:?}");
        }
    }
}

/// The same thief with another browser is noticed in the third cycle in a row.
fn thief_of_another_make() {
    for timing in [Timing::Shadowing, Timing::AtExpiry] {
        for seed in 0..100 {
            let caught =
                caught_in_the_window(RotationPolicy::default(), timing, "Chrome/Windows", seed * 7 + 3);
            assert_eq!(caught, Some(2), "{timing:?}");
        }
    }
}
