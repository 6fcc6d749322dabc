//! Passwords with real hashes, cheap ones where the cost does not matter.

use super::*;

const PEPPER: &[u8] = b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
const OTHER_PEPPER: &[u8] = b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw";

fn cheap() -> PasswordSettings {
    let settings = PasswordSettings::default().with_wait(std::time::Duration::from_secs(3600));
    settings.with_cost(HashCost::insecure_for_tests()).with_threads(1)
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
async fn by_default_as_owasp_says() {
    let passwords = passwords(PasswordSettings::default().with_threads(1));
    let hash = passwords.hash(&password("correct horse")).await.unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
    assert_eq!(passwords.verify(Some(&hash), &password("correct horse")).await, Ok(RIGHT));
    assert_eq!(passwords.verify(Some(&hash), &password("correct horsf")).await, Ok(PasswordVerdict::Wrong));
    assert_eq!(passwords.counts().buffers, 1, "all in the memory of the thread");
}

#[tokio::test]
async fn every_byte_of_a_password_counts() {
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
async fn one_hash_whatever_is_stored() {
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

/// A row that was imported, or that somebody could write, must not be a way to use up the machine.
#[tokio::test]
async fn bombs_cost_what_everything_costs() {
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
    // What is stored may cost more than today's, within bounds. It gets memory for that time.
    let dear = PasswordHash::from_phc(format!("$argon2id$v=19$m=64,t=1,p=4{tail}"));
    assert_eq!(passwords.verify(Some(&dear), &password("right")).await, Ok(PasswordVerdict::Wrong));
    assert_eq!((passwords.counts().computed, passwords.counts().buffers), (6, 2));
}

#[tokio::test]
async fn what_would_be_made_differently_today_is_outdated() {
    let old = passwords(cheap());
    let hash = old.hash(&password("right")).await.unwrap();
    let cost = HashCost::new(19_456, 2, 1).unwrap();
    for settings in [cheap().with_cost(cost), cheap().with_peppers(pepper(1, PEPPER))] {
        let today = passwords(settings);
        assert_eq!(today.verify(Some(&hash), &password("right")).await, Ok(OUTDATED));
        let again = today.hash(&password("right")).await.unwrap();
        assert_eq!(today.verify(Some(&again), &password("right")).await, Ok(RIGHT));
    }
    let other = PasswordHash::from_phc(hash.expose().replace("argon2id", "argon2i"));
    assert_eq!(old.verify(Some(&other), &password("right")).await, Ok(PasswordVerdict::Wrong));
}

#[tokio::test]
async fn those_who_do_not_exist_look_like_most() {
    let most = HashCost::new(7168, 5, 1).unwrap();
    let passwords = passwords(cheap().with_decoy_cost(most));
    assert_eq!(passwords.0.dummy.cost, most);
    assert_eq!(passwords.verify(None, &password("right")).await, Ok(PasswordVerdict::NoPassword));
    let hash = passwords.hash(&password("right")).await.unwrap();
    assert!(hash.expose().contains("$m=8,t=1,p=1$"), "{}", hash.expose());
    assert_eq!(passwords.verify(Some(&hash), &password("right")).await, Ok(RIGHT));
    assert_eq!((passwords.counts().computed, passwords.counts().buffers), (3, 1));
}

#[tokio::test]
async fn peppers_are_replaced() {
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

    // The same id with another secret.
    let wrong = passwords(cheap().with_peppers(pepper(1, OTHER_PEPPER)));
    assert_eq!(wrong.verify(Some(&hash), &password("right")).await, Ok(PasswordVerdict::Wrong));
    let error = both.with_older(Pepper::new(2, PEPPER).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "two peppers have the id 2");
    assert!(matches!(Pepper::new(1, "changeme"), Err(PepperError::Weak(_))));
}

#[test]
fn debug_shows_no_secret() {
    let passwords = passwords(cheap().with_peppers(pepper(1, PEPPER)));
    let shown = format!("{passwords:?}");
    assert!(shown.contains("Pepper { id: 1, .. }"), "{shown}");
    assert!(!shown.contains("pL2v"), "{shown}");
}
