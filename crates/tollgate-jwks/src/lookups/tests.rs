//! Tests when the values that requests read are replaced.

use std::sync::PoisonError;

use tollgate::Issuer;

use super::*;

fn limits() -> Limits {
    Limits {
        max_values: 16,
        lifetime: Duration::from_secs(300),
        max_age: Duration::from_secs(3600),
        retry: Duration::from_secs(5),
        max_absent: 16,
        absent_for: Duration::from_secs(60),
        max_in_flight: 16,
        interval: Duration::from_millis(1),
        burst: 16,
        timeout: Duration::from_secs(5),
        max_waiting: 16,
    }
}

#[tokio::test(start_paused = true)]
async fn values_are_replaced_only_when_they_change() {
    let trusted = Arc::new(Mutex::new(vec!["a", "b"]));
    let known = Arc::clone(&trusted);
    let lookup: Lookup<Issuer, u32> = Arc::new(move |asked: Asked<Issuer, u32>| {
        let known = known.lock().unwrap_or_else(PoisonError::into_inner).contains(&asked.key.as_str());
        Box::pin(async move { Ok(if known { Outcome::Found(1) } else { Outcome::Unknown }) })
    });
    let lookups = Arc::new(Lookups::new(limits(), Handle::current(), lookup, Box::new(|_, _| {})));
    let look_up = async |name: &str| {
        let before = lookups.slots.load_full();
        lookups.join(&Issuer::new(name).unwrap()).expect("a lookup").await;
        !Arc::ptr_eq(&before, &lookups.slots.load_full())
    };
    assert!(!look_up("made-up-0").await, "nothing is known");
    assert!(look_up("a").await && look_up("b").await);
    assert!(!look_up("made-up-1").await, "a made-up issuer");
    trusted.lock().unwrap().retain(|name| *name != "a");
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(look_up("a").await, "it was removed");
    assert!(look_up("b").await, "it was confirmed");

    let before = lookups.slots.load_full();
    lookups.invalidate(&Issuer::new("made-up-1").unwrap());
    assert!(Arc::ptr_eq(&before, &lookups.slots.load_full()));
    lookups.invalidate(&Issuer::new("b").unwrap());
    assert!(lookups.slots.load().is_empty());
}
