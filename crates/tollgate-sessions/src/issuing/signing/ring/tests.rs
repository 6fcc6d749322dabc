//! Tests of a ring, and of several rings on one directory in the place of several processes.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::endpoints::testing::FakeRequest;
use crate::issuing::{AccessToken, ClientId, TokenIssuer};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tollgate-ring-{name}-{}", std::process::id()));
    remove(&path);
    path
}

fn remove(path: &Path) {
    drop(std::fs::remove_dir_all(path));
}

fn days(count: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(count.saturating_mul(24 * 3600)))
}

fn id(ring: &KeyRing, now: UnixTime) -> String {
    ring.signing_key(now).unwrap().key_id().unwrap().to_string()
}

fn open(path: &Path) -> KeyRing {
    KeyRing::open(Algorithm::EdDsa, path, KeyRotationSchedule::default(), NOW).unwrap()
}

/// Returns an issuer that signs with the ring, and a verifier that follows it.
fn issuer_and_verifier(ring: &Arc<KeyRing>) -> (TokenIssuer, tollgate::Verifier) {
    let issuer = tollgate::Issuer::new("https://i.example").unwrap();
    let audience = tollgate::Audience::new("api").unwrap();
    let tokens = TokenIssuer::with_key_ring(Arc::clone(ring), issuer.clone(), audience.clone());
    let verifier = tollgate::Verifier::new(tokens.keys().unwrap(), issuer, audience);
    (tokens, verifier)
}

#[test]
fn ring_publishes_keys_before_use_and_keeps_them_after() {
    let path = path("schedule");
    let ring = open(&path);
    let first = id(&ring, NOW);
    assert!(!ring.rotate_if_due(days(29)).unwrap(), "nothing is due");
    let publish = days(30).saturating_sub(Duration::from_secs(3600));
    assert!(ring.rotate_if_due(publish).unwrap());
    assert!(!ring.rotate_if_due(publish).unwrap());
    assert_eq!(ring.key_set().iter().count(), 2);
    assert_eq!(id(&ring, publish), first, "the new key does not sign yet");
    let second = id(&ring, days(30));
    assert_ne!(first, second);
    // The next start reads the same keys.
    assert_eq!(id(&open(&path), days(30)), second);
    assert!(!ring.rotate_if_due(days(31)).unwrap(), "tokens of the first key may still be valid");
    assert!(ring.jwk_set().contains(&first));
    assert!(ring.rotate_if_due(days(32)).unwrap());
    assert!(!ring.jwk_set().contains(&first) && ring.jwk_set().contains(&second));
    assert_eq!(open(&path).jwk_set(), ring.jwk_set());
    remove(&path);
}

#[test]
fn ring_reads_the_changes_of_another_process() {
    let path = path("shared");
    let (one, other) = (open(&path), open(&path));
    assert_eq!(id(&one, NOW), id(&other, NOW));
    assert!(!other.reload().unwrap());
    let unchanged = other.key_set();
    let publish = days(30).saturating_sub(Duration::from_secs(3600));
    assert!(one.rotate_if_due(publish).unwrap());
    assert_eq!(other.key_set().iter().count(), unchanged.iter().count());
    assert!(other.reload().unwrap());
    assert_eq!(other.jwk_set(), one.jwk_set());
    assert_eq!(id(&other, days(30)), id(&one, days(30)));
    assert!(!other.rotate_if_due(publish).unwrap(), "the other process has rotated already");
    one.replace_all(days(31)).unwrap();
    assert!(other.rotate_if_due(days(31)).unwrap(), "rotate_if_due reads the changes too");
    assert_eq!(other.jwk_set(), one.jwk_set());
    remove(&path);
}

/// Eight threads in the place of processes, each with its own ring on the same directory.
#[test]
fn concurrent_rings_agree_on_their_keys() {
    let path = path("race");
    let at_once = |act: &(dyn Fn(&KeyRing) + Sync)| {
        std::thread::scope(|scope| {
            let path = &path;
            #[expect(clippy::needless_collect, reason = "all threads start before the first is joined")]
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(move || {
                        let ring = open(path);
                        act(&ring);
                        ring
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    };
    for rings in [at_once(&|_opened| {}), at_once(&|ring| _ = ring.rotate_if_due(days(30)).unwrap())] {
        for ring in &rings {
            ring.reload().unwrap();
            assert_eq!(ring.jwk_set(), rings[0].jwk_set());
        }
    }
    assert_eq!(open(&path).key_set().iter().count(), 2, "one first key and one successor");
    let old = open(&path).jwk_set();
    for ring in at_once(&|ring| ring.replace_all(days(31)).unwrap()) {
        ring.reload().unwrap();
        assert_eq!(ring.key_set().iter().count(), 1);
        assert_eq!(ring.jwk_set(), open(&path).jwk_set());
        assert!(!old.contains(&id(&ring, days(31))));
    }
    remove(&path);
}

#[test]
fn replace_all_removes_every_key_at_once() {
    let path = path("replace");
    let ring = open(&path);
    let first = id(&ring, NOW);
    // The key that was published and would sign later is removed too.
    ring.rotate_if_due(days(30)).unwrap();
    ring.replace_all(days(30)).unwrap();
    assert_ne!(id(&ring, days(30)), first);
    assert_eq!(ring.key_set().iter().count(), 1);
    assert_eq!(open(&path).jwk_set(), ring.jwk_set());
    remove(&path);
}

/// A gate must not admit a token of a leaked key, even if its cache has admitted the token before.
#[test]
fn gate_rejects_tokens_of_replaced_keys() {
    let path = path("gate");
    let ring = Arc::new(open(&path));
    let (issuer, verifier) = issuer_and_verifier(&ring);
    let gate = tollgate::Gate::new(verifier);
    let token = issuer.issue(&AccessToken::new("alice", ClientId::new("web")), NOW).unwrap();
    let request = FakeRequest::new("GET", "/").header("authorization", format!("Bearer {}", token.as_str()));
    let admitted = || matches!(gate.admit(&request, NOW), tollgate::adapter::Decision::Admitted(_));
    assert!(admitted() && admitted());
    ring.replace_all(NOW).unwrap();
    assert!(!admitted());
    remove(&path);
}

#[test]
fn ring_starts_with_the_first_key_only_if_it_is_new() {
    let path = path("first");
    let first = |key_id| SigningKey::generate(Algorithm::EdDsa).unwrap().with_key_id(key_id).unwrap();
    let begin = |key_id| {
        KeyRing::open_with_first_key(first(key_id), &path, KeyRotationSchedule::default(), NOW).unwrap()
    };
    assert_eq!(id(&begin("old-key"), NOW), "old-key");
    assert_eq!(id(&begin("another"), NOW), "old-key", "the ring exists already");
    assert_eq!(id(&open(&path), NOW), "old-key");
    let secret = SigningKey::hmac(Algorithm::Hs256, "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
    let elsewhere = path.join("secret");
    assert!(KeyRing::open_with_first_key(secret, &elsewhere, KeyRotationSchedule::default(), NOW).is_err());
    remove(&path);
}

#[test]
fn tokens_of_each_key_verify_while_it_is_published() {
    let path = path("tokens");
    let ring = Arc::new(open(&path));
    // The verifier is made before the ring rotates.
    let (issuer, verifier) = issuer_and_verifier(&ring);
    let token = AccessToken::new("alice", ClientId::new("web"));
    ring.rotate_if_due(days(30)).unwrap();
    for now in [NOW, days(30), days(31)] {
        let signed = issuer.issue(&token, now).unwrap();
        let verified = verifier.verify(signed.as_str(), now).unwrap();
        assert_eq!(verified.header().key_id().unwrap().to_string(), id(&ring, now));
    }
    assert_ne!(id(&ring, NOW), id(&ring, days(31)));
    remove(&path);
}

#[test]
fn ring_rejects_directories_and_files_of_another_kind() {
    let path = path("refused");
    let ring = open(&path);
    let shown = format!("{ring:?}");
    assert!(!shown.contains("PRIVATE"), "{shown}");
    let es256 = KeyRing::open(Algorithm::Es256, &path, KeyRotationSchedule::default(), NOW).unwrap_err();
    assert_eq!(es256.to_string(), "the directory holds keys for EdDSA, not for ES256");
    let published = ring.jwk_set();
    for text in ["", "{}", r#"{"algorithm":"EdDSA","key_id":"x","signs_from":1}"#] {
        let files = KeyFiles::new(&path);
        files.remove(9).unwrap();
        files.add(9, text.as_bytes()).unwrap();
        let error = KeyRing::open(Algorithm::EdDsa, &path, KeyRotationSchedule::default(), NOW).unwrap_err();
        assert!(matches!(error, KeyRingError::NotAKeyRing), "{text}: {error}");
        assert!(ring.rotate_if_due(days(30)).is_err() && ring.reload().is_err());
        assert_eq!(ring.jwk_set(), published, "the ring continues with its keys");
    }
    remove(&path);
    assert!(matches!(ring.reload(), Err(KeyRingError::NotAKeyRing)), "the directory was deleted");
    assert_eq!(ring.jwk_set(), published);
    std::fs::write(&path, "a file").unwrap();
    assert!(KeyRing::open(Algorithm::EdDsa, &path, KeyRotationSchedule::default(), NOW).is_err());
    std::fs::remove_file(&path).unwrap();
}
