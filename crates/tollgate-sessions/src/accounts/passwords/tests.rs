//! Tests with real hashes, and with cheap ones where the cost does not matter.

use super::*;

const PEPPER: &[u8] = b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
const OTHER_PEPPER: &[u8] = b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw";

fn cheap() -> PasswordSettings {
    let settings = PasswordSettings::default().with_cost(HashCost::insecure_for_tests());
    settings.with_wait(PasswordSettings::MAX_WAIT).unwrap().with_threads(1).unwrap()
}

fn passwords(settings: PasswordSettings) -> Passwords {
    Passwords::new(settings).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

fn pepper(id: u8, secret: &[u8]) -> Peppers {
    Peppers::new(Pepper::new(id, secret).unwrap())
}

const RIGHT: PasswordVerdict = PasswordVerdict::Right { outdated: false };
const OUTDATED: PasswordVerdict = PasswordVerdict::Right { outdated: true };

#[tokio::test]
async fn default_cost_is_the_one_of_owasp() {
    let passwords = passwords(PasswordSettings::default().with_threads(1).unwrap());
    let hash = passwords.hash(&password("correct horse")).await.unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    assert_eq!(passwords.verify(Some(&hash), &password("correct horse")).await, Ok(RIGHT));
    assert_eq!(passwords.verify(Some(&hash), &password("correct horsf")).await, Ok(PasswordVerdict::Wrong));
    assert_eq!(passwords.counts().buffers, 1, "the thread reuses its memory");
}

#[tokio::test]
async fn verify_compares_every_byte_of_a_password() {
    let passwords = passwords(cheap());
    let texts = ["\0", "a\0b", "a\0c", "caf\u{e9}", "cafe\u{301}", " a ", "a", "\u{1f510}", "\u{202e}a"];
    let long = "a".repeat(1023);
    let texts: Vec<_> =
        texts.into_iter().map(str::to_owned).chain([format!("{long}x"), format!("{long}y")]).collect();
    for set in &texts {
        let hash = passwords.hash(&password(set)).await.unwrap();
        for tried in &texts {
            let verdict = passwords.verify(Some(&hash), &password(tried)).await;
            assert_eq!(verdict == Ok(RIGHT), set == tried, "{set:?} and {tried:?}");
        }
    }
}

#[tokio::test]
async fn verify_computes_one_hash_for_every_verdict() {
    let passwords = passwords(cheap());
    let hash = passwords.hash(&password("right")).await.unwrap();
    let damaged = PasswordHash::from_phc("$2b$12$abcdefghijklmnopqrstuv");
    let peppered = PasswordHash::from_phc(hash.expose().replace("p=1", "p=1,keyid=AQ"));
    let mut computed = passwords.counts().computed;
    for (stored, tried, verdict) in [
        (Some(&hash), "right", RIGHT),
        (Some(&hash), "wrong", PasswordVerdict::Wrong),
        (None, "right", PasswordVerdict::NoPassword),
        (Some(&damaged), "right", PasswordVerdict::Unusable(HashUnusable::Malformed)),
        (Some(&peppered), "right", PasswordVerdict::Unusable(HashUnusable::UnknownPepper)),
    ] {
        assert_eq!(passwords.verify(stored, &password(tried)).await, Ok(verdict));
        computed += 1;
        assert_eq!(passwords.counts().computed, computed, "{verdict:?}");
    }
    assert_eq!(passwords.counts().buffers, 1);
}

/// A row that was imported, or that an attacker could write, must not use up the machine.
#[tokio::test]
async fn hash_above_the_limits_costs_no_more_than_any_other() {
    let passwords = passwords(cheap());
    let tail = "$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
    for parameters in
        ["m=262145,t=1,p=1", "m=4294967295,t=1,p=1", "m=64,t=11,p=1", "m=64,t=4294967295,p=1", "m=64,t=1,p=5"]
    {
        let bomb = PasswordHash::from_phc(format!("$argon2id$v=19${parameters}{tail}"));
        let verdict = passwords.verify(Some(&bomb), &password("right")).await;
        assert_eq!(verdict, Ok(PasswordVerdict::Unusable(HashUnusable::TooExpensive)), "{parameters}");
    }
    assert_eq!((passwords.counts().computed, passwords.counts().buffers), (5, 1));
    // A stored hash may cost more than a new one, within the limits. It gets an extra buffer.
    let expensive = PasswordHash::from_phc(format!("$argon2id$v=19$m=64,t=1,p=4{tail}"));
    assert_eq!(passwords.verify(Some(&expensive), &password("right")).await, Ok(PasswordVerdict::Wrong));
    assert_eq!((passwords.counts().computed, passwords.counts().buffers), (6, 2));
}

#[tokio::test]
async fn hash_with_another_cost_or_pepper_is_outdated() {
    let old = passwords(cheap());
    let hash = old.hash(&password("right")).await.unwrap();
    let cost = HashCost::new(19_456, 2, 1).unwrap();
    for settings in [cheap().with_cost(cost), cheap().with_peppers(pepper(1, PEPPER))] {
        let new = passwords(settings);
        assert_eq!(new.verify(Some(&hash), &password("right")).await, Ok(OUTDATED));
        let again = new.hash(&password("right")).await.unwrap();
        assert_eq!(new.verify(Some(&again), &password("right")).await, Ok(RIGHT));
    }
    let other = PasswordHash::from_phc(hash.expose().replace("argon2id", "argon2i"));
    assert_eq!(old.verify(Some(&other), &password("right")).await, Ok(PasswordVerdict::Wrong));
}

#[tokio::test]
async fn unknown_user_costs_the_decoy_cost() {
    let cost = HashCost::new(7168, 5, 1).unwrap();
    let passwords = passwords(cheap().with_decoy_cost(cost));
    assert_eq!(passwords.0.decoy.cost, cost);
    assert_eq!(passwords.verify(None, &password("right")).await, Ok(PasswordVerdict::NoPassword));
    let hash = passwords.hash(&password("right")).await.unwrap();
    assert!(hash.expose().contains("$m=8,t=1,p=1$"), "{}", hash.expose());
    assert_eq!(passwords.verify(Some(&hash), &password("right")).await, Ok(RIGHT));
    assert_eq!((passwords.counts().computed, passwords.counts().buffers), (3, 1));
}

#[tokio::test]
async fn hashes_of_an_older_pepper_verify_and_are_outdated() {
    let first = passwords(cheap().with_peppers(pepper(1, PEPPER)));
    let hash = first.hash(&password("right")).await.unwrap();
    assert!(hash.expose().contains("p=1,keyid=AQ$"), "{}", hash.expose());
    assert_eq!(first.verify(Some(&hash), &password("right")).await, Ok(RIGHT));

    let both = pepper(2, OTHER_PEPPER).with_older(Pepper::new(1, PEPPER).unwrap()).unwrap();
    let second = passwords(cheap().with_peppers(both.clone()));
    assert_eq!(second.verify(Some(&hash), &password("right")).await, Ok(OUTDATED));
    let moved = second.hash(&password("right")).await.unwrap();
    let alone = passwords(cheap().with_peppers(pepper(2, OTHER_PEPPER)));
    assert_eq!(alone.verify(Some(&moved), &password("right")).await, Ok(RIGHT));

    // The same ID with another secret.
    let wrong = passwords(cheap().with_peppers(pepper(1, OTHER_PEPPER)));
    assert_eq!(wrong.verify(Some(&hash), &password("right")).await, Ok(PasswordVerdict::Wrong));
    let error = both.with_older(Pepper::new(2, PEPPER).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "two peppers have the ID 2");
    assert!(matches!(Pepper::new(1, "changeme"), Err(PepperError::Weak(_))));
}

#[test]
fn debug_does_not_show_the_pepper() {
    let passwords = passwords(cheap().with_peppers(pepper(1, PEPPER)));
    let shown = format!("{passwords:?}");
    assert!(shown.contains("Pepper { id: 1, .. }"), "{shown}");
    assert!(!shown.contains("pL2v"), "{shown}");
}
