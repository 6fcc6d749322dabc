//! The example applications accept tokens of each provider by configuration alone, and reject the same tokens when they
//! are meant for another tenant, another application or another purpose.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::Algorithm;
use tollgate_tests::app::{App, PACKAGES, scratch};
use tollgate_tests::presets::{self, Preset};

use crate::call;

/// The field that an AWS load balancer writes.
const ALB_FIELD: &str = "x-amzn-oidc-data";

/// Returns the presets in groups that can share a gate: two presets for one issuer cannot.
fn groups() -> [Vec<Preset>; 2] {
    let family = |preset: &Preset| {
        let name = preset.name;
        name.replace("-tenants", "").replace("-secret", "").replace("cognito-id", "cognito-access")
    };
    let mut groups = [Vec::new(), Vec::new()];
    for preset in presets::all() {
        let is_taken = groups[0].iter().any(|other| family(other) == family(&preset));
        groups[usize::from(is_taken)].push(preset);
    }
    groups
}

/// Writes the document of a group, and the key sets that it names.
fn write(folder: &Path, group: &[Preset]) -> String {
    let mut document = format!("[gate]\nsources = [\"bearer\", {{ header = \"{ALB_FIELD}\" }}]\n");
    for preset in group {
        let keys = if preset.algorithm == Algorithm::Hs256 {
            let secret = URL_SAFE_NO_PAD.encode(tollgate_testing::keys::SECRET);
            format!("{{ insecure_secret = \"{secret}\", encoding = \"base64url\", algorithm = \"HS256\" }}")
        } else {
            let file = folder.join(format!("{}.json", preset.name));
            std::fs::write(&file, preset.jwk_set()).expect("a file");
            format!("{{ jwk_set_file = \"{}\" }}", file.display())
        };
        write!(document, "\n[[issuers]]\n{}\nkeys = {keys}\n", preset.document).expect("memory");
    }
    let file = folder.join("tollgate.toml");
    std::fs::write(&file, document).expect("a file");
    file.to_str().expect("a path").to_owned()
}

fn status(app: &App, preset: &Preset, token: &str) -> u16 {
    let line = match preset.name {
        "aws-alb" => format!("{ALB_FIELD}: {token}"),
        _ => format!("Authorization: Bearer {token}"),
    };
    call(app, "GET", "/me", &[&line], "").status
}

#[test]
fn applications_accept_tokens_of_each_provider_by_configuration() {
    for (package, group) in PACKAGES.into_iter().flat_map(|package| groups().map(|group| (package, group))) {
        let folder = scratch(&format!("presets-{package}"));
        let document = write(&folder, &group);
        let app = App::start(package, &folder, &[("TOLLGATE_CONFIG", &document)]);
        for preset in &group {
            assert_eq!(status(&app, preset, &preset.token()), 200, "{package}: {}", preset.name);
            for attack in &preset.attacks {
                let token = preset.attacked(attack);
                let status = status(&app, preset, &token);
                // A padded token of an issuer that may not pad is no token at all.
                let is_rejected = status == 401 || (status == 400 && token.contains('='));
                assert!(is_rejected, "{package}: {}: {}: {status}", preset.name, attack.name);
            }
        }
    }
}

#[test]
fn groups_hold_all_presets() {
    let [first, second] = groups();
    assert_eq!(first.len() + second.len(), presets::all().len());
    assert!(!second.is_empty());
}
