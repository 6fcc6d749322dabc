//! Simulates a browser with many tabs, and a thief. Sessions are real; the network and the clock are simulated.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::runtime::Runtime;
use tollgate_sessions::session::{StoreClock, UnixMillis};
use tollgate_sessions::sessions::{RefreshError, SessionSettings, TokenTransport};
use tollgate_sessions::store::{MemoryStore, RefreshPolicy};
use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions};

pub fn trials() -> Vec<Trial> {
    vec![
        crate::trial("simulation::eight_tabs_stay_logged_in".to_owned(), eight_tabs_stay_logged_in),
        crate::trial(
            "simulation::eight_tabs_survive_lost_answers".to_owned(),
            eight_tabs_survive_lost_answers,
        ),
        crate::trial(
            "simulation::late_retry_needs_a_recovery_period".to_owned(),
            late_retry_needs_a_recovery_period,
        ),
        crate::trial("simulation::thief_is_detected_within_a_day".to_owned(), thief_is_detected_within_a_day),
        crate::trial(
            "simulation::thief_within_the_grace_period_goes_undetected".to_owned(),
            thief_within_the_grace_period_goes_undetected,
        ),
        crate::trial(
            "simulation::thief_with_another_client_is_detected".to_owned(),
            thief_with_another_client_is_detected,
        ),
    ]
}

/// The share of lost responses, and the delay until the client retries.
#[derive(Clone, Copy)]
struct Losses {
    /// The share of responses that are lost.
    share: f64,
    /// The minimum and maximum delay of a retry, in milliseconds.
    retry: (f64, f64),
}

const NONE: Losses = Losses { share: 0.0, retry: (0.0, 0.0) };

/// The lifetime of access tokens, in milliseconds.
const CYCLE: i64 = 600_000;
/// The average latency in one direction, in milliseconds.
const LATENCY: f64 = 40.0;

/// Sessions on a simulated clock.
struct World {
    runtime: Runtime,
    sessions: Sessions,
    clock: StoreClock,
    random: u64,
}

impl World {
    fn new(rotation: RefreshPolicy, seed: u64) -> Self {
        let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
        let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").expect("strong");
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions = Sessions::new(store, RefreshKeys::new(key), Duration::from_secs(600))
            .with_settings(SessionSettings::default().with_refresh_policy(rotation))
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
        let refreshed = self.runtime.block_on(self.sessions.refresh(token, TokenTransport::Body, client));
        refreshed.map(|issued| issued.refresh_token.expose())
    }

    /// Returns a pseudorandom number between 0 and 1.
    fn chance(&mut self) -> f64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn up_to(&mut self, millis: f64) -> i64 {
        (self.chance() * millis) as i64
    }

    /// Decides whether a response is lost, and returns the delay of the retry if it is.
    fn lost(&mut self, losses: Losses) -> Option<i64> {
        let (earliest, latest) = losses.retry;
        (self.chance() < losses.share).then(|| earliest as i64 + self.up_to(latest - earliest))
    }

    /// Returns a random latency. The distribution is exponential, which approximates a network.
    fn latency(&mut self) -> i64 {
        (-LATENCY * (1.0 - self.chance()).ln()) as i64
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A tab sends the token in the cookie jar.
    Send,
    Arrive(String),
    Answer(String),
}

/// Returns how many of `cycles` end with a logout. The tabs share a cookie jar and wake up within two seconds.
fn logouts(rotation: RefreshPolicy, tabs: u32, losses: Losses, cycles: u32) -> u32 {
    let mut world = World::new(rotation, 1);
    let mut start = world.clock.now().as_millis();
    let mut jar = world.log_in();
    let mut logouts = 0;

    for cycle in 0..cycles {
        start += CYCLE;
        // A session lasts thirty days, so the user logs in again before it expires.
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

        // A retry may be so late that it delays the next cycle.
        start = start.max(end);
        if logged_out {
            logouts += 1;
            jar = world.log_in();
        }
    }
    logouts
}

const SECOND: f64 = 1_000.0;

fn eight_tabs_stay_logged_in() {
    assert_eq!(logouts(RefreshPolicy::default(), 8, NONE, 4_000), 0);
    assert_eq!(logouts(recovering(), 8, NONE, 1_000), 0);
    let ten = RefreshPolicy::default().with_grace_period(Duration::from_secs(10)).expect("within the bounds");
    assert_eq!(logouts(ten, 8, NONE, 1_000), 0);
    // Shows that the simulated network is unreliable enough to test the grace period.
    let strict = logouts(strict(), 8, NONE, 500);
    assert!(strict > 450, "without a grace period nearly every cycle ends with a logout: {strict} of 500");
}

/// One response in a hundred is lost, and the client retries within half a minute, which the grace period covers.
fn eight_tabs_survive_lost_answers() {
    let losses = Losses { share: 0.01, retry: (5.0 * SECOND, 25.0 * SECOND) };
    assert_eq!(logouts(RefreshPolicy::default(), 8, losses, 4_000), 0);
    assert_eq!(logouts(recovering(), 8, losses, 1_000), 0);
    let strict = logouts(strict(), 8, losses, 500);
    assert!(strict > 450, "{strict} of 500");
}

/// One response in a hundred is lost, and the client retries after minutes. Without a recovery period this causes about
/// nine logouts in a thousand cycles, with one it causes none.
fn late_retry_needs_a_recovery_period() {
    let losses = Losses { share: 0.01, retry: (60.0 * SECOND, 3_600.0 * SECOND) };
    for rotation in [RefreshPolicy::default(), strict()] {
        let ended = logouts(rotation, 1, losses, 4_000);
        assert!((20..=64).contains(&ended), "{ended} of 4000 by {rotation:?}");
    }
    assert_eq!(logouts(recovering(), 1, losses, 4_000), 0);
}

fn strict() -> RefreshPolicy {
    RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within the bounds")
}

/// Returns a policy with a recovery period of a day.
fn recovering() -> RefreshPolicy {
    RefreshPolicy::default().with_recovery_period(Duration::from_secs(24 * 3600)).expect("within the bounds")
}

/// Victim and thief refresh independently whenever their access token has expired. Returns the number of refreshes
/// until the reuse is detected, or `None` if that takes longer than a day.
fn caught_within_a_day(rotation: RefreshPolicy, seed: u64) -> Option<u32> {
    let mut world = World::new(rotation, seed);
    let start = world.clock.now().as_millis();
    let token = world.log_in();

    // The pending refreshes: time, client, token.
    let mut turns = BinaryHeap::new();
    for client in 0..2 {
        turns.push(Reverse((start + CYCLE + world.up_to(CYCLE as f64), client, token.clone())));
    }

    let mut refreshes = 0;
    while let Some(Reverse((at, client, token))) = turns.pop() {
        if at > start + 144 * CYCLE {
            return None;
        }
        refreshes += 1;
        match world.refresh(at, &token) {
            Ok(next) => turns.push(Reverse((at + CYCLE + world.up_to(CYCLE as f64), client, next))),
            Err(RefreshError::Reuse) => return Some(refreshes),
            Err(other) => panic!("{other}"),
        }
    }
    None
}

/// All of 400 thieves are detected within a day, and nearly all at the second use of the stolen token.
fn thief_is_detected_within_a_day() {
    let runs = 400;
    for (rotation, soon) in [(RefreshPolicy::default(), 2), (recovering(), 4), (strict(), 2)] {
        let caught: Vec<u32> =
            (0..runs).filter_map(|seed| caught_within_a_day(rotation, seed * 7 + 3)).collect();
        assert_eq!(caught.len() as u64, runs, "{rotation:?}");
        let at_once = caught.iter().filter(|refreshes| **refreshes <= soon).count();
        assert!(at_once * 100 >= caught.len() * 85, "{at_once} of {runs} at once by {rotation:?}");
    }
}

/// When the thief refreshes.
#[derive(Clone, Copy, Debug)]
enum Timing {
    /// Up to eight seconds after the victim, every time.
    Shadowing,
    /// Within two seconds of the expiry of the access token, as the victim does.
    AtExpiry,
}

/// Returns in which of the 144 cycles of a day the reuse is detected. The thief refreshes within the victim's grace
/// period, and both name their client.
fn caught_in_the_window(rotation: RefreshPolicy, timing: Timing, thief: &str, seed: u64) -> Option<u32> {
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

/// Documents a limit: a thief who always refreshes within the grace period and imitates the client is not detected.
/// Without a grace period the thief is detected at once.
fn thief_within_the_grace_period_goes_undetected() {
    for timing in [Timing::Shadowing, Timing::AtExpiry] {
        for seed in 0..100 {
            let caught = |rotation| caught_in_the_window(rotation, timing, "Firefox/Linux", seed * 7 + 3);
            assert_eq!(caught(RefreshPolicy::default()), None, "{timing:?}");
            assert_eq!(caught(recovering()), None, "{timing:?}");
            assert_eq!(caught(strict()), Some(0), "{timing:?}");
        }
    }
}

/// The same thief with another browser is detected in the third consecutive cycle.
fn thief_with_another_client_is_detected() {
    for timing in [Timing::Shadowing, Timing::AtExpiry] {
        for seed in 0..100 {
            let caught =
                caught_in_the_window(RefreshPolicy::default(), timing, "Chrome/Windows", seed * 7 + 3);
            assert_eq!(caught, Some(2), "{timing:?}");
        }
    }
}
