use tollgate::{Algorithm, KeyId};
use tollgate_testing::keys;

use super::*;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(since_start: u64) -> Moment {
    Moment::after_start(secs(since_start))
}

fn set(key_ids: &[&str]) -> KeySet {
    let key = keys::verifying(Algorithm::Es256);
    KeySet::new(key_ids.iter().map(|key_id| key.clone().with_key_id(*key_id).unwrap())).unwrap()
}

fn wanted(key_id: &str) -> WantedKey {
    WantedKey { key_id: Some(KeyId::new(key_id).unwrap()), algorithm: Algorithm::Es256, failed: None }
}

fn cache() -> KeySetCache {
    KeySetCache::new(RefreshSettings::new(), fastrand::Rng::with_seed(1))
}

/// Returns a cache that got the keys `a` at the start, and the time of its next refresh.
fn with_keys() -> (KeySetCache, Moment) {
    let mut cache = cache();
    assert_eq!(cache.poll(at(0)), Step::Refresh);
    cache.finish(Outcome::New(set(&["a"]), None), at(0));
    let due = cache.due();
    (cache, due)
}

fn failed_outcome() -> Outcome {
    Outcome::Failed { retry_after: None }
}

#[test]
fn refresh_runs_at_start_and_before_expiry() {
    let mut cache = cache();
    assert_eq!(cache.freshness(at(0)), Freshness::Unavailable);
    assert_eq!(cache.poll(at(0)), Step::Refresh);
    assert_eq!(cache.poll(at(0)), Step::UnderWay, "one refresh at a time");
    cache.finish(Outcome::New(set(&["a"]), Some(secs(1000))), at(1));
    assert_eq!(cache.freshness(at(999)), Freshness::Fresh);
    let Step::Wait(due) = cache.poll(at(1)) else { panic!("a wait") };
    assert!(due > at(760) && due < at(842), "{due:?}: 80 % of 1000 s, 5 % more or less");
    assert_eq!(cache.poll(due), Step::Refresh);
    cache.finish(Outcome::Unchanged(None), due);
    assert_eq!(cache.age(due), Some(Duration::ZERO));
    assert_eq!(cache.freshness(due.plus(secs(599))), Freshness::Fresh);
}

#[test]
fn refresh_times_differ_between_nodes() {
    let due = |seed: u64| {
        let mut cache = KeySetCache::new(RefreshSettings::new(), fastrand::Rng::with_seed(seed));
        let _refresh = cache.poll(at(0));
        cache.finish(Outcome::New(set(&["a"]), None), at(0));
        cache.due()
    };
    let mut times: Vec<Moment> = (0..50).map(due).collect();
    times.sort();
    times.dedup();
    assert_eq!(times.len(), 50);
}

#[test]
fn stale_keys_are_used_until_maximum_staleness() {
    let (mut cache, mut due) = with_keys();
    let mut pauses = Vec::new();
    while due < at(5000) {
        assert_eq!(cache.poll(due), Step::Refresh);
        cache.finish(failed_outcome(), due);
        assert!(cache.keys().is_some(), "a failure removes no keys");
        pauses.push(cache.due().since(due).as_secs_f64());
        due = cache.due();
    }
    assert_eq!(cache.freshness(at(599)), Freshness::Fresh);
    assert_eq!(cache.freshness(at(700)), Freshness::Stale(secs(100)));
    assert_eq!(cache.freshness(at(4199)), Freshness::Stale(secs(3599)));
    assert_eq!(cache.freshness(at(4200)), Freshness::Unavailable);
    assert_eq!(cache.usable_until(), at(4200));
    for (pause, expected) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]) {
        assert!((pause / expected - 1.0).abs() <= 0.2, "{pause} s instead of {expected} s");
    }
    assert_eq!(cache.poll(due), Step::Refresh);
    cache.finish(Outcome::Unchanged(None), due);
    assert_eq!((cache.freshness(due), cache.failures()), (Freshness::Fresh, 0));
}

#[test]
fn unknown_key_causes_one_refresh_for_all_requests() {
    let (mut cache, due) = with_keys();
    assert_eq!(cache.ask(Some(wanted("b")), at(10)), Demand::Join);
    assert_eq!(cache.ask(Some(wanted("b")), at(10)), Demand::Join);
    assert_eq!(cache.ask(Some(wanted("c")), at(10)), Demand::Join);
    assert_eq!(cache.poll(at(10)), Step::Refresh);
    assert_eq!(cache.poll(at(10)), Step::UnderWay);
    cache.finish(Outcome::New(set(&["a", "b"]), None), at(11));
    assert!(!cache.is_wanted(&wanted("b")) && !cache.is_wanted(&wanted("c")));
    assert_eq!(cache.ask(Some(wanted("b")), at(11)), Demand::Known, "a late request verifies again");
    assert_eq!(cache.ask(Some(wanted("c")), at(65)), Demand::Pointless, "the issuer does not have it");
    assert_eq!(cache.why_unavailable(&wanted("c"), at(65)), None);
    assert!(matches!(cache.poll(at(12)), Step::Wait(next) if next > due));
}

#[test]
fn forged_key_ids_cause_one_refresh_per_cooldown() {
    let (mut cache, _) = with_keys();
    let mut refreshes = 0;
    for tenth in 0..3000_u64 {
        let now = Moment::after_start(Duration::from_millis(tenth * 100));
        for forged in 0..4 {
            let _demand = cache.ask(Some(wanted(&format!("{tenth}-{forged}"))), now);
        }
        if cache.poll(now) == Step::Refresh {
            refreshes += 1;
            cache.finish(Outcome::Unchanged(None), now);
        }
    }
    assert_eq!(refreshes, 10, "300 s with a cooldown of 30 s");
    assert!(cache.absent() <= 1024);
    // The same while the issuer fails: a failed refresh by demand is not retried by schedule.
    let (mut cache, due) = with_keys();
    let mut refreshes = 0;
    for tenth in 0..3000_u64 {
        let now = Moment::after_start(Duration::from_millis(tenth * 100));
        let _demand = cache.ask(Some(wanted(&tenth.to_string())), now);
        if cache.poll(now) == Step::Refresh {
            refreshes += 1;
            cache.finish(failed_outcome(), now);
        }
    }
    assert_eq!((refreshes, cache.due()), (10, due));
}

#[test]
fn refresh_repeats_when_key_was_requested_during_it() {
    let (mut cache, due) = with_keys();
    assert_eq!(cache.poll(due), Step::Refresh);
    // The issuer answers, then rotates, then a token with the new key arrives.
    assert_eq!(cache.ask(Some(wanted("b")), due), Demand::Join);
    cache.finish(Outcome::Unchanged(None), due.plus(secs(1)));
    assert!(cache.is_wanted(&wanted("b")), "still waiting");
    assert_eq!(cache.poll(due.plus(secs(1))), Step::Refresh);
    cache.finish(Outcome::New(set(&["b"]), None), due.plus(secs(2)));
    assert!(!cache.is_wanted(&wanted("b")));
    // Within a cooldown it is unknown whether the key exists, and it is not cached as absent.
    let now = due.plus(secs(40));
    assert_eq!(cache.ask(Some(wanted("x")), now), Demand::Join);
    assert_eq!(cache.poll(now), Step::Refresh);
    assert_eq!(cache.ask(Some(wanted("c")), now), Demand::Join);
    cache.finish(Outcome::Unchanged(None), now);
    assert!(!cache.is_wanted(&wanted("c")));
    assert_eq!(cache.ask(Some(wanted("c")), now.plus(secs(29))), Demand::Pointless);
    assert_eq!(cache.ask(Some(wanted("c")), now.plus(secs(30))), Demand::Join);
}

#[test]
fn unknown_key_is_not_cached_as_absent_when_issuer_fails() {
    let (mut cache, due) = with_keys();
    assert_eq!(cache.why_unavailable(&wanted("b"), at(10)), None, "no refresh has failed");
    assert_eq!(cache.ask(Some(wanted("b")), at(10)), Demand::Join);
    assert_eq!(cache.poll(at(10)), Step::Refresh);
    cache.finish(failed_outcome(), at(12));
    assert!(!cache.is_wanted(&wanted("b")), "no request keeps waiting");
    assert_eq!(cache.ask(Some(wanted("b")), at(13)), Demand::Pointless);
    assert_eq!(cache.why_unavailable(&wanted("b"), at(13)), Some(secs(27)), "the rest of the cooldown");
    assert_eq!(cache.due(), due, "the keys are fresh, so the schedule stays");
    assert_eq!(cache.ask(Some(wanted("b")), at(40)), Demand::Join);
}

#[test]
fn requests_without_keys_wait_for_a_refresh_but_not_for_a_backoff() {
    let mut cache = cache();
    assert_eq!(cache.ask(None, at(0)), Demand::Join);
    assert_eq!(cache.poll(at(0)), Step::Refresh);
    assert_eq!(cache.ask(None, at(1)), Demand::Join);
    cache.finish(failed_outcome(), at(5));
    assert_eq!(cache.ask(None, at(5)), Demand::Pointless);
    assert_eq!(cache.retry_after(at(5)), cache.due().since(at(5)).max(secs(1)));
    assert_eq!(cache.retry_after(at(100)), secs(1), "never less");
    assert_eq!(cache.ask(None, at(7)), Demand::Join, "the pause has ended");
}

#[test]
fn retry_after_is_respected_up_to_the_maximum() {
    for (asked_for, least, most) in [(0, 0, 2), (120, 120, 120), (86_400, 600, 600)] {
        let retry_after = Some(secs(asked_for));
        let (mut cache, due) = with_keys();
        assert_eq!(cache.poll(due), Step::Refresh);
        cache.finish(Outcome::Failed { retry_after }, due);
        let pause = cache.due().since(due);
        assert!(pause >= secs(least) && pause <= secs(most), "{pause:?} for {asked_for} s");
        assert_eq!(cache.ask(Some(wanted("b")), due.plus(pause / 2)), Demand::Pointless, "by demand too");
    }
}

#[test]
fn removed_key_is_dropped_with_the_next_document() {
    let (mut cache, due) = with_keys();
    let _refresh = cache.poll(due);
    cache.finish(Outcome::New(set(&["b"]), None), due);
    assert!(!wanted("a").may_be_in(cache.keys().unwrap()));
    assert!(due <= at(600), "within the lifetime");
}

#[test]
fn unexpected_outcomes_are_ignored() {
    let mut cache = cache();
    cache.finish(Outcome::New(set(&["a"]), None), at(0));
    assert!(cache.keys().is_none(), "an outcome without a refresh");
    let _refresh = cache.poll(at(0));
    cache.finish(Outcome::Unchanged(None), at(0));
    assert!(cache.keys().is_none() && cache.failures() == 1, "there is no document that could be unchanged");
}

/// Returns the request for a key whose signature check failed with the current set.
fn failed_key(cache: &KeySetCache, key_id: &str) -> WantedKey {
    WantedKey { failed: cache.keys().map(KeySet::id), ..wanted(key_id) }
}

#[test]
fn failed_signature_causes_one_refresh_and_is_cached_as_absent() {
    let (mut cache, _) = with_keys();
    let failed = failed_key(&cache, "a");
    assert_eq!(cache.ask(Some(failed.clone()), at(10)), Demand::Join);
    assert_eq!(cache.ask(Some(failed.clone()), at(10)), Demand::Join, "shared");
    assert_eq!(cache.poll(at(10)), Step::Refresh);
    cache.finish(Outcome::Unchanged(None), at(11));
    assert!(!cache.is_wanted(&failed));
    assert_eq!(cache.ask(Some(failed.clone()), at(70)), Demand::Pointless, "the issuer has the same key");
    assert_eq!(cache.why_unavailable(&failed, at(70)), None);
    assert_eq!(cache.ask(Some(failed), at(71)), Demand::Join);
}

#[test]
fn failed_signature_is_verified_again_when_the_set_was_replaced() {
    let (mut cache, _) = with_keys();
    let failed = failed_key(&cache, "a");
    assert_eq!(cache.ask(Some(failed.clone()), at(10)), Demand::Join);
    assert_eq!(cache.poll(at(10)), Step::Refresh);
    // Another key with the same ID.
    cache.finish(Outcome::New(set(&["a"]), None), at(11));
    assert!(!cache.is_wanted(&failed));
    assert_eq!(cache.ask(Some(failed), at(11)), Demand::Known);
    // The new set is another one to fail with.
    let failed = failed_key(&cache, "a");
    assert_eq!(cache.ask(Some(failed.clone()), at(39)), Demand::Pointless, "the cooldown");
    assert_eq!(cache.ask(Some(failed), at(40)), Demand::Join);
}

#[test]
fn failed_signature_is_never_unavailable() {
    let (mut cache, due) = with_keys();
    let failed = failed_key(&cache, "a");
    assert_eq!(cache.ask(Some(failed.clone()), at(10)), Demand::Join);
    assert_eq!(cache.poll(at(10)), Step::Refresh);
    assert_eq!(cache.why_unavailable(&failed, at(10)), None, "while the refresh is pending");
    cache.finish(failed_outcome(), at(12));
    assert!(!cache.is_wanted(&failed));
    assert_eq!(cache.why_unavailable(&failed, at(13)), None, "after a failure");
    assert_eq!(cache.why_unavailable(&wanted("b"), at(13)), Some(secs(27)), "unlike an unknown key");
    assert_eq!((cache.ask(Some(failed), at(13)), cache.due()), (Demand::Pointless, due));
}

#[test]
fn failed_signatures_and_forged_key_ids_share_the_cooldown() {
    let (mut cache, _) = with_keys();
    let mut refreshes = 0;
    for tenth in 0..3000_u64 {
        let now = Moment::after_start(Duration::from_millis(tenth * 100));
        // With a key without ID, the token's `kid` is free to choose.
        let _demand = cache.ask(Some(failed_key(&cache, &tenth.to_string())), now);
        let _demand = cache.ask(Some(wanted(&format!("forged-{tenth}"))), now);
        if cache.poll(now) == Step::Refresh {
            refreshes += 1;
            // An issuer that lists its keys in another order each time.
            cache.finish(Outcome::New(set(&["a"]), None), now);
        }
    }
    assert_eq!(refreshes, 10, "300 s with a cooldown of 30 s");
    assert!(cache.absent() <= 1024);
}
