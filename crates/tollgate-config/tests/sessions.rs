//! The table `[sessions]`.
#![cfg(feature = "sessions")]
#![expect(clippy::expect_used, reason = "in helpers of tests")]

mod support;

use std::time::Duration;

use support::{build, error_of, error_with, sentence};
use tollgate_sessions::CookieSettings;
use tollgate_sessions::session::Lifetimes;

const ISSUER: &str =
    "[[issuers]]\nissuer = \"https://a.example\"\naudience = \"b\"\nkeys = { discover = true }\n";

fn document(table: &str) -> String {
    format!("{ISSUER}{table}")
}

#[test]
fn annotated_table_is_good_and_complete() {
    let text = include_str!("../docs/sessions.toml");
    let built = build(&document(text), &[]).unwrap_or_else(|error| panic!("{}", sentence(&error)));
    let sessions = built.sessions().expect("sessions");
    assert_eq!(sessions.store_url(), Some("sqlite:sessions.db"));
    assert_eq!(sessions.access_lifetime(), Some(Duration::from_secs(600)));
    assert!(sessions.requires_csrf_tokens());
    assert_eq!(sessions.cookies().access_name(), "__Host-Http-access");
    assert_eq!(sessions.settings(), tollgate_sessions::sessions::SessionSettings::default());
    for table in ["[sessions]\n", "[sessions.cookies]\n"] {
        let error = error_of(&document(&format!("{table}xxxxxxxxxxxxxxxx = 1\n")));
        let names = error.split("the members here are ").nth(1).expect("a list of members");
        for name in names.split(", ").map(|name| name.trim_matches('`')) {
            assert!(text.contains(name), "{name} is missing");
        }
    }
}

#[test]
fn members_change_the_settings() {
    let table = "[sessions]\nstore_env = \"PATH\"\ntransient = { idle = \"1h\", absolute = \"2h\" }\n\
                 cookies = { for = \"insecure-development\" }\n";
    let built = build(&document(table), &[]).unwrap_or_else(|error| panic!("{}", sentence(&error)));
    let sessions = built.sessions().expect("sessions");
    assert_eq!(sessions.store_url(), std::env::var("PATH").ok().as_deref());
    assert_eq!(sessions.cookies(), &CookieSettings::insecure_for_development());
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let transient = Lifetimes::new(hours(1), hours(2)).expect("lifetimes");
    let expected =
        tollgate_sessions::sessions::SessionSettings::default().with_transient_lifetimes(transient);
    assert_eq!(sessions.settings(), expected);
    assert!(build(ISSUER, &[]).expect("a gate").sessions().is_none());
}

#[test]
fn password_of_a_store_is_not_in_the_document() {
    for url in [
        "postgres://app:hunter2@db.example/app",
        "redis://:hunter2@cache",
        "postgres://db/app?password=hunter2",
    ] {
        let error = error_of(&document(&format!("[sessions]\nstore = \"{url}\"\n")));
        assert!(error.starts_with("line 6, column 9: `sessions.store` contains a password"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    // A variable holds it, and nothing prints it.
    let variables = [("TOLLGATE_SESSIONS__STORE_ENV", "TOLLGATE_TEST_UNSET")];
    let error = error_with(&document("[sessions]\n"), &variables);
    assert!(error.contains("names the variable TOLLGATE_TEST_UNSET, which is not set"), "{error}");
    let built = build(&document("[sessions]\nstore_env = \"PATH\"\n"), &[]).expect("settings");
    let path = std::env::var("PATH").expect("a path");
    assert!(!format!("{built:?}").contains(&path));
}

#[test]
fn errors_name_the_member() {
    insta::assert_snapshot!(error_of(&document("[sessions]\ngrace_period = \"2min\"\n")), @"line 6, column 16: `sessions.grace_period` cannot be used: grace period is 120s, and must be between 0ns and 60s");
    insta::assert_snapshot!(error_of(&document("[sessions]\npersistent = { idle = \"2d\", absolute = \"1d\" }\n")), @"line 6, column 14: `sessions.persistent` cannot be used: idle lifetime is 172800s, and must be between 1s and 86400s");
    insta::assert_snapshot!(error_of(&document("[sessions]\nstore = \"memory:\"\nstore_env = \"STORE\"\n")), @"line 5, column 1: `sessions` has both `store` and `store_env`; remove one");
    insta::assert_snapshot!(error_of(&document("[sessions.cookies]\naccess_name = \"at\"\n")), @r#"line 6, column 15: `sessions.cookies.access_name` cannot be used; write another name: "at" cannot be the name of a cookie with the prefix __Host-"#);
}
