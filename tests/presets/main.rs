//! The preset of each provider: it accepts tokens in the provider's shape, and rejects tokens that are meant for
//! another tenant, another application or another purpose. No preset changes the answer to the tokens of another one.

mod neighbors;

use tollgate::providers::KeyLocation;
use tollgate::{Gate, KeySet, Verifier};
use tollgate_testing::BearerRequest;
use tollgate_tests::presets::{self, Preset};

fn status(gate: &Gate, token: &str) -> u16 {
    BearerRequest::new(token).status(gate, gate.now()).expect("these keys are fixed")
}

fn verifier(preset: &Preset) -> Verifier {
    preset.provider.verifier(preset.keys())
}

#[test]
fn preset_accepts_a_token_in_the_shape_of_its_provider() {
    for preset in presets::all() {
        let verdict = verifier(&preset).verify(&preset.token(), Gate::new(verifier(&preset)).now());
        assert!(verdict.is_ok(), "{}: {:?}", preset.name, verdict.err());
        assert_eq!(status(&Gate::new(verifier(&preset)), &preset.token()), 200, "{}", preset.name);
    }
}

#[test]
fn preset_rejects_tokens_for_others() {
    for preset in presets::all() {
        assert!(preset.attacks.len() >= 2, "{}", preset.name);
        let gate = Gate::new(verifier(&preset));
        for attack in &preset.attacks {
            let token = preset.attacked(attack);
            let status = status(&gate, &token);
            // A padded token of an issuer that may not pad is no token at all.
            assert!(
                status == 401 || (status == 400 && token.contains('=')),
                "{}: {}",
                preset.name,
                attack.name
            );
        }
    }
}

/// All presets that can share a gate. Two presets for one issuer cannot.
fn together(leave_out: &str) -> Gate {
    let mut gate: Option<Gate> = None;
    for preset in presets::all().iter().filter(|preset| preset.name != leave_out) {
        gate = Some(match gate {
            None => Gate::new(verifier(preset)),
            Some(gate) => gate.clone().with_verifier(verifier(preset)).unwrap_or(gate),
        });
    }
    gate.expect("presets")
}

/// With every other preset switched on beside it, a preset gives the same answer to each of its own tokens.
#[test]
fn presets_do_not_change_the_answers_to_tokens_of_others() {
    for preset in presets::all() {
        let alone = Gate::new(verifier(&preset));
        let Ok(beside) = together(preset.name).with_verifier(verifier(&preset)) else {
            // Another preset is for the same issuer.
            continue;
        };
        assert_eq!(status(&beside, &preset.token()), 200, "{}", preset.name);
        for attack in &preset.attacks {
            let token = preset.attacked(attack);
            assert_eq!(status(&beside, &token), status(&alone, &token), "{}: {}", preset.name, attack.name);
        }
    }
}

/// Only the preset of a provider accepts its token.
#[test]
fn token_of_a_provider_is_not_accepted_by_other_presets() {
    let all = presets::all();
    for preset in &all {
        let family = |preset: &Preset| preset.name.trim_end_matches("-tenants").to_owned();
        let issuer = |preset: &Preset| verifier(preset).issuer().to_string();
        let accepting: Vec<&str> = all
            .iter()
            .filter(|other| status(&Gate::new(verifier(other)), &preset.token()) == 200)
            .map(|other| other.name)
            .collect();
        let same: Vec<&str> = all
            .iter()
            .filter(|other| issuer(other) == issuer(preset) || family(other) == family(preset))
            .map(|other| other.name)
            .collect();
        assert!(accepting.contains(&preset.name), "{}", preset.name);
        assert!(accepting.iter().all(|name| *name == preset.name || same.contains(name)), "{accepting:?}");
    }
}

#[test]
fn presets_name_where_keys_are() {
    for preset in presets::all() {
        let url = match preset.provider.keys() {
            KeyLocation::Issuer(issuer) => issuer.as_str().to_owned(),
            KeyLocation::JwkSet(url) | KeyLocation::PemPerKeyId(url) => url.to_string(),
            KeyLocation::Secret | KeyLocation::Configured => continue,
            other => panic!("{other:?}"),
        };
        assert!(url.starts_with("https://"), "{}: {url}", preset.name);
    }
}

#[test]
fn bundle_of_a_trust_domain_needs_its_tolerance() {
    let preset = presets::all().into_iter().find(|preset| preset.name == "spiffe").expect("the preset");
    let bundle = preset.jwk_set().replace("\"sig\"", "\"jwt-svid\"");
    let bundle = if bundle.contains("jwt-svid") {
        bundle
    } else {
        bundle.replace("\"kty\"", "\"use\":\"jwt-svid\",\"kty\"")
    };
    assert!(KeySet::from_jwk_set(&bundle).is_err());
    let keys = KeySet::from_jwk_set_tolerating(&bundle, preset.provider.key_tolerance()).expect("keys");
    assert_eq!(status(&Gate::new(preset.provider.verifier(keys)), &preset.token()), 200);
}

/// The key set of all tenants also has keys for Microsoft accounts, which must not sign for organizations.
#[test]
fn key_of_other_tenants_does_not_verify_tokens_of_entra_id() {
    for name in ["entra-v2", "entra-v2-tenants"] {
        let preset = presets::all().into_iter().find(|preset| preset.name == name).expect("the preset");
        let consumers = preset.jwk_set().replace("{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad");
        assert_ne!(consumers, preset.jwk_set());
        let keys = KeySet::from_jwk_set(consumers).expect("keys");
        assert_eq!(status(&Gate::new(preset.provider.verifier(keys)), &preset.token()), 401, "{name}");
    }
}

#[test]
fn malformed_names_are_errors() {
    use tollgate::providers::*;

    assert!(auth0("shop.example/evil", "api").is_err() && auth0("", "api").is_err());
    assert!(
        auth0("shop.example@evil.example", "api").is_err() && auth0("shop.example:99999", "api").is_err()
    );
    assert!(entra_v2("common/../x", "api").is_err() && entra_v2("t", "").is_err());
    assert!(entra_v2_tenants(Vec::<String>::new(), "api").is_err());
    assert!(keycloak("keycloak.example", "shop", "api").is_err());
    assert!(keycloak("https://a@keycloak.example", "shop", "api").is_err());
    assert!(cognito_access("eu", "pool", Vec::<String>::new()).is_err());
    assert!(cognito_id("eu", "pool", Vec::<String>::new()).is_err() && google(Vec::<String>::new()).is_err());
    assert!(gitlab_ci("https://gitlab.com", "a//b", "api").is_err());
    assert!(spiffe("example.org/ns", None, "api").is_err());
    assert!(github_actions("a/b", "api").is_err());
    assert!(entra_v2_tenants(["a/b"], "api").is_err() && entra_v2_tenants([""], "api").is_err());
}
