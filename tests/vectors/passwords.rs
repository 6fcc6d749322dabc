//! Password hashes made by the reference implementation of Argon2.

use tollgate_sessions::accounts::passwords::{
    HashCost, HashUnusable, Password, PasswordHash, PasswordVerdict, Pepper, Peppers,
};
use tollgate_sessions::{PasswordSettings, Passwords};

use crate::fixture;

const OTHER_PEPPER: &[u8] = b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw";

struct Vector {
    name: String,
    password: String,
    phc: String,
    pepper: Option<(u8, String)>,
}

fn vectors() -> Vec<Vector> {
    let file = fixture("argon2/argon2-cffi.json");
    let vectors = file["vectors"].as_array().expect("an array");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);

    vectors
        .iter()
        .map(|vector| Vector {
            name: text(&vector["name"]).expect("a name"),
            password: text(&vector["password"]).expect("a password"),
            phc: text(&vector["phc"]).expect("a hash"),
            pepper: vector["pepper_id"].as_u64().map(|id| {
                (u8::try_from(id).expect("a small number"), text(&vector["pepper"]).expect("a pepper"))
            }),
        })
        .collect()
}

async fn verify(passwords: &Passwords, phc: &str, password: &str) -> PasswordVerdict {
    let password = Password::new(password).expect("a password");
    passwords.verify(Some(&PasswordHash::from_phc(phc)), &password).await.expect("the pool is idle")
}

fn passwords(pepper: Option<&(u8, String)>) -> Passwords {
    let settings = PasswordSettings::default()
        .with_threads(1)
        .and_then(|settings| settings.with_wait(PasswordSettings::MAX_WAIT))
        .expect("values within bounds");
    let settings = match pepper {
        Some((id, secret)) => settings.with_peppers(Peppers::new(Pepper::new(*id, secret).expect("strong"))),
        None => settings,
    };
    Passwords::new(settings).expect("a thread")
}

#[tokio::test]
async fn hashes_verify_their_password_and_no_other() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 16);
    for vector in vectors {
        let passwords = passwords(vector.pepper.as_ref());
        let verdict = verify(&passwords, &vector.phc, &vector.password).await;
        // Only one of the hashes has today's default cost.
        let outdated = vector.name != "owasp";
        assert_eq!(verdict, PasswordVerdict::Right { outdated }, "{}", vector.name);
        let mut other = vector.password.clone();
        let last = other.pop().expect("not empty");
        other.push(if last == 'x' { 'y' } else { 'x' });
        assert_eq!(verify(&passwords, &vector.phc, &other).await, PasswordVerdict::Wrong, "{}", vector.name);
    }
}

#[tokio::test]
async fn two_spellings_of_a_letter_are_two_passwords() {
    let vectors = vectors();
    let of = |name: &str| vectors.iter().find(|vector| vector.name == name).expect("a vector");
    let (composed, decomposed) = (of("composed"), of("decomposed"));
    let passwords = passwords(None);
    assert_eq!(verify(&passwords, &composed.phc, &decomposed.password).await, PasswordVerdict::Wrong);
}

#[tokio::test]
async fn hash_does_not_verify_without_its_pepper() {
    let vector = vectors().into_iter().find(|vector| vector.pepper.is_some()).expect("a vector");
    let unknown = PasswordVerdict::Unusable(HashUnusable::UnknownPepper);
    assert_eq!(verify(&passwords(None), &vector.phc, &vector.password).await, unknown);
    let other = String::from_utf8(OTHER_PEPPER.to_vec()).expect("ASCII");
    assert_eq!(
        verify(&passwords(Some(&(7, other.clone()))), &vector.phc, &vector.password).await,
        PasswordVerdict::Wrong
    );
    assert_eq!(verify(&passwords(Some(&(8, other))), &vector.phc, &vector.password).await, unknown);
}

/// A hash with the default cost equals that of the reference implementation except for salt and tag.
#[tokio::test]
async fn default_hash_has_the_format_of_the_reference() {
    let owasp = vectors().into_iter().find(|vector| vector.name == "owasp").expect("a vector");
    let password = Password::new("correct horse battery staple").expect("a password");
    let hash = passwords(None).hash(&password).await.expect("the pool is idle");
    let head = |phc: &str| phc.rsplitn(3, '$').last().expect("three parts").to_owned();
    assert_eq!(head(hash.expose()), head(&owasp.phc));
    assert_eq!(hash.expose().len(), owasp.phc.len());
    assert_eq!(HashCost::default(), HashCost::OWASP);
}
