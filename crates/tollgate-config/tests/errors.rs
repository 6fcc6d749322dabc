//! What a wrong document says: the place, the member, what is wrong and how to mend it. Every snapshot is the whole
//! message, with its causes.
#![expect(clippy::expect_used, reason = "in helpers of tests")]

mod support;

use support::{error_of, error_with};

/// An entry of `[[issuers]]` without a fault. It has four lines.
const ISSUER: &str = r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
keys = { insecure_secret = "jxxe0wK3mUoC8NRUPzz2qKpAo1AbN3HcIrqu9nT2/1I=", encoding = "base64", algorithm = "HS256" }
"#;

/// Such an entry up to its keys, which start on line 4.
const KEYLESS: &str = r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
"#;

#[test]
fn syntax_error() {
    insta::assert_snapshot!(error_of(r#"[gate
realm = "x"
"#), @"line 1, column 6: the document is not TOML: unclosed table, expected `]`");
}

#[test]
fn member_twice() {
    insta::assert_snapshot!(error_of(r#"[gate]
realm = "a"
realm = "b"
"#), @"line 3, column 1: the document is not TOML: duplicate key");
}

#[test]
fn unknown_table() {
    insta::assert_snapshot!(error_of(&[r#"[gates]
realm = "a"
"#, ISSUER].concat()), @"line 1, column 2: `gates` is not a member that exists; did you mean `gate`?");
}

#[test]
fn unknown_member_with_a_near_name() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
relm = "orders"
"#].concat()), @"line 6, column 1: `gate.relm` is not a member that exists; did you mean `realm`?");
}

#[test]
fn unknown_member_without_a_near_name() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
color = "red"
"#].concat()), @"line 6, column 1: `gate.color` is not a member that exists; the members here are `realm`, `sources`, `optional_token`, `preflights`, `grpc_rejections`, `policy`, `cache`, `public_origins`, `trusted_origins`, `resource`");
}

#[test]
fn unknown_member_of_an_issuer() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"audiences = ["a"]
"#].concat()), @"line 5, column 1: `issuers.0.audiences` is not a member that exists; did you mean `audience`?");
}

#[test]
fn no_issuers() {
    insta::assert_snapshot!(error_of(r#"[gate]
realm = "orders"
"#), @"line 1, column 1: the document needs the member `issuers`");
}

#[test]
fn empty_list_of_issuers() {
    insta::assert_snapshot!(error_of("issuers = []\n"), @"line 1, column 11: `issuers` is an empty list; add a table [[issuers]]");
}

#[test]
fn missing_audience() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "https://issuer.example"
keys = { discover = true }
"#), @"line 1, column 1: `issuers.0` needs the member `audience`; add it, or name a `provider`");
}

#[test]
fn missing_keys() {
    insta::assert_snapshot!(error_of(KEYLESS), @"line 1, column 1: `issuers.0` needs the member `keys`; write `keys = { discover = true }`, for example");
}

#[test]
fn string_where_a_boolean_is_wanted() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
preflights = "yes"
"#].concat()), @"line 6, column 14: `gate.preflights` is a string; write `true` or `false`");
}

#[test]
fn integer_where_a_string_is_wanted() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\nrealm = 5\n"].concat()), @"line 6, column 9: `gate.realm` is an integer; write a string");
}

#[test]
fn realm_that_the_core_refuses() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
realm = "a\"b"
"#].concat()), @"line 6, column 9: `gate.realm` cannot be used; write another text: realm may hold only printable ASCII without quotes and backslashes");
}

#[test]
fn unknown_source() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
sources = ["bearer", "cookie"]
"#].concat()), @r#"line 6, column 22: `gate.sources.1` is not a source of tokens; write "bearer", or a table such as { cookie = "__Host-Http-at" }"#);
}

#[test]
fn source_with_two_places() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
sources = [{ cookie = "a", header = "b" }]
"#].concat()), @"line 6, column 12: `gate.sources.0` has both `header` and `cookie`; remove one");
}

#[test]
fn source_without_a_place() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\nsources = [{ bearer_prefix = true }]\n"].concat()), @"line 6, column 12: `gate.sources.0` needs one of `scheme`, `bearer_in`, `header`, `cookie`, `cookie_in_pieces`, `websocket_protocol`, `insecure_query`");
}

#[test]
fn companion_of_another_source() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
sources = [{ header = "x-token", bearer_prefix = true }]
"#].concat()), @"line 6, column 12: `gate.sources.0` has `bearer_prefix`, which belongs to cookies; remove it");
}

#[test]
fn misspelled_source() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
sources = [{ coookie = "a" }]
"#].concat()), @"line 6, column 14: `gate.sources.0.coookie` is not a member that exists; did you mean `cookie`?");
}

#[test]
fn source_that_the_core_refuses() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
sources = [{ header = "authorization" }]
"#].concat()), @r#"line 6, column 12: `gate.sources.0` cannot be used; write another name: "authorization" cannot be the name of a header field for a token"#);
}

#[test]
fn no_sources() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\nsources = []\n"].concat()), @"line 6, column 11: `gate.sources` cannot be used; add a value, or leave the member out: no token source given; every token would be rejected");
}

#[test]
fn cache_of_true() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\ncache = true\n"].concat()), @"line 6, column 9: `gate.cache` is true, which is the default; leave it out, or write a table with limits");
}

#[test]
fn size_without_a_unit() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\ncache = { bytes = 1000 }\n"].concat()), @r#"line 6, column 19: `gate.cache.bytes` is an integer; write a number and a unit in quotes, such as "64MiB" (B, KiB, MiB, GiB)"#);
}

#[test]
fn size_with_a_wrong_unit() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
cache = { bytes = "64MB" }
"#].concat()), @r#"line 6, column 19: `gate.cache.bytes` is not a size; write a number and a unit in quotes, such as "64MiB" (B, KiB, MiB, GiB)"#);
}

#[test]
fn cache_limit_of_zero() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\ncache = { tokens = 0 }\n"].concat()), @"line 6, column 9: `gate.cache` has a limit of zero; write `cache = false` to disable the cache");
}

#[test]
fn negative_number() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\ncache = { tokens = -1 }\n"].concat()), @"line 6, column 20: `gate.cache.tokens` is not a number in the allowed range; write a whole number from 0 to 18446744073709551615");
}

#[test]
fn origin_with_a_path() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
trusted_origins = ["https://app.example", "https://app.example/x"]
"#].concat()), @r#"line 6, column 43: `gate.trusted_origins.1` cannot be used; write scheme and host, and the port unless it is the default: "https://app.example/x" is not an origin, such as https://app.example"#);
}

#[test]
fn duration_without_a_unit() {
    insta::assert_snapshot!(error_of(&[ISSUER, "leeway = 30\n"].concat()), @r#"line 5, column 10: `issuers.0.leeway` is an integer; write a number and a unit in quotes, such as "30s" (ms, s, min, h, d)"#);
}

#[test]
fn duration_with_a_wrong_unit() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"leeway = "30m"
"#].concat()), @r#"line 5, column 10: `issuers.0.leeway` is not a duration; write a number and a unit in quotes, such as "30s" (ms, s, min, h, d)"#);
}

#[test]
fn leeway_that_the_core_refuses() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"leeway = "10min"
"#].concat()), @"line 5, column 10: `issuers.0.leeway` cannot be used; write at most 5min: leeway of 600 s is longer than the limit of 300 s");
}

#[test]
fn unknown_algorithm() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"algorithms = ["RS256", "none"]
"#].concat()), @"line 5, column 24: `issuers.0.algorithms.1` is not a supported algorithm; write one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA");
}

#[test]
fn no_algorithms() {
    insta::assert_snapshot!(error_of(&[ISSUER, "algorithms = []\n"].concat()), @"line 5, column 14: `issuers.0.algorithms` cannot be used; add a value, or leave the member out: no algorithm given; every token would be rejected");
}

#[test]
fn unknown_tolerance() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"tolerate = ["numeric-subjects"]
"#].concat()), @"line 5, column 13: `issuers.0.tolerate.0` has a value that is not allowed; did you mean `numeric-subject`?");
}

#[test]
fn boolean_that_is_false() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = { insecure_absent = false }
audience = "a"
keys = { jwk_set_url = "https://a.example" }
"#), @"line 2, column 30: `issuers.0.issuer.insecure_absent` is false; write `true`, or leave the member out");
}

#[test]
fn template_without_values() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = { template = "https://login.example/{tid}/v2.0" }
audience = "a"
keys = { jwk_set_url = "https://a.example" }
"#), @"line 2, column 10: `issuers.0.issuer` needs the member `values`");
}

#[test]
fn template_that_the_core_refuses() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = { template = "https://login.example/v2.0", values = ["a"] }
audience = "a"
keys = { jwk_set_url = "https://a.example" }
"#), @r#"line 2, column 10: `issuers.0.issuer` cannot be used; write one claim name in braces: "https://login.example/v2.0" is not a template of issuers, such as https://login.microsoftonline.com/{tid}/v2.0"#);
}

#[test]
fn discovery_without_an_exact_issuer() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = { template = "https://login.example/{tid}/v2.0", values = ["a"] }
audience = "a"
keys = { discover = true }
"#), @"line 4, column 8: `issuers.0.keys` asks for discovery, which needs an exact `issuer`; write `jwk_set_url`, or another location");
}

#[test]
fn audience_without_a_binding() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "https://issuer.example"
audience = { insecure_absent = true }
keys = { discover = true }
"#), @"line 3, column 32: `issuers.0.audience.insecure_absent` is not a string; write one of `dedicated-key`, `dedicated-issuer`");
}

#[test]
fn audience_that_the_core_refuses() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "https://issuer.example"
audience = ["api://demo", ""]
keys = { discover = true }
"#), @r#"line 3, column 27: `issuers.0.audience.1` cannot be used; write it as the tokens have it: "" cannot be an audience: it is empty, has white space around it or holds a control character"#);
}

#[test]
fn two_places_of_keys() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true, secret_env = "KEY" }
"#].concat()), @"line 4, column 8: `issuers.0.keys` has both `discover` and `secret_env`; remove one");
}

#[test]
fn secret_without_an_encoding() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { secret_env = "KEY", algorithm = "HS256" }
"#].concat()), @"line 4, column 8: `issuers.0.keys` needs the member `encoding`");
}

#[test]
fn secret_in_a_member_for_a_file() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { secret = "abc" }
"#].concat()), @"line 4, column 10: `issuers.0.keys.secret` is not a member that exists; did you mean `secret_file` or `secret_env`?");
}

#[test]
fn secret_of_a_variable_that_is_not_set() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { secret_env = "TOLLGATE_TEST_UNSET", encoding = "utf8", algorithm = "HS256" }
"#].concat()), @"line 4, column 23: `issuers.0.keys.secret_env` names the variable TOLLGATE_TEST_UNSET, which is not set; set it");
}

#[test]
fn secret_in_the_wrong_encoding() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { insecure_secret = "not base64!", encoding = "base64", algorithm = "HS256" }
"#].concat()), @"line 4, column 28: `issuers.0.keys.insecure_secret` is not what `encoding` says; create a secret with: openssl rand -base64 32");
}

#[test]
fn weak_secret() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { insecure_secret = "changeme-changeme-changeme-changeme", encoding = "utf8", algorithm = "HS256" }
"#].concat()), @"line 4, column 28: `issuers.0.keys.insecure_secret` cannot be used; replace the secret, or write `insecure_weak = true` for development: HMAC secret rejected for HS256; generate one with `openssl rand -base64 32`: it repeats the same bytes");
}

#[test]
fn file_that_does_not_exist() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { pem_file = "/nowhere/key.pem", algorithm = "RS256" }
"#].concat()), @"line 4, column 21: `issuers.0.keys.pem_file` names /nowhere/key.pem, which cannot be read: No such file or directory (os error 2)");
}

#[test]
fn url_that_is_not_https() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { jwk_set_url = "http://issuer.example/keys" }
"#].concat()), @r#"line 4, column 24: `issuers.0.keys.jwk_set_url` leads to plain http at issuer.example; write an https URL, or add `network = { insecure_http_to = ["issuer.example"] }` to the entry"#);
}

#[test]
fn refresh_settings_that_contradict_each_other() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true }
refresh = { shortest_lifetime = "2h" }
"#].concat()), @"line 5, column 11: `issuers.0.refresh` cannot be used; correct the settings: invalid settings: the shortest lifetime is above the longest");
}

#[test]
fn refresh_settings_of_local_keys() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[issuers.refresh]
timeout = "1s"
"#].concat()), @"line 5, column 1: `issuers.0.refresh` applies to remote keys alone; remove it");
}

#[test]
fn types_beside_the_profile() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"types = ["JWT"]
rfc9068_profile = true
"#].concat()), @"line 5, column 9: `issuers.0.types` contradicts `rfc9068_profile`, which sets the type; remove one of them");
}

#[test]
fn one_issuer_twice() {
    insta::assert_snapshot!(error_of(&format!("{ISSUER}{ISSUER}")), @r#"line 5, column 1: `issuers.1` has the same issuer as `issuers.0` (line 1, column 1); write one entry; `audience` can be a list: two verifiers for the issuer "https://issuer.example""#);
}

#[test]
fn unknown_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "cognito"
"#), @"line 2, column 12: `issuers.0.provider` has a value that is not allowed; did you mean `cognito-access` or `cognito-id`?");
}

#[test]
fn provider_without_its_member() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "cognito-access"
region = "eu-central-1"
clients = ["a"]
"#), @"line 1, column 1: `issuers.0` needs the member `user_pool`; an entry of cognito-access has the members `region`, `user_pool`, `clients`");
}

#[test]
fn member_of_another_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "auth0"
domain = "a.eu.auth0.com"
audience = "api://demo"
region = "eu-central-1"
"#), @"line 5, column 10: `issuers.0.region` does not belong to auth0; remove it; the members of auth0 are `domain`, `audience`");
}

#[test]
fn provider_member_that_the_core_refuses() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "auth0"
domain = "https://a.eu.auth0.com"
audience = "api://demo"
"#), @r#"line 3, column 10: `issuers.0.domain` cannot be used; write the domain without the scheme: "https://a.eu.auth0.com" cannot be the name of a Auth0 domain"#);
}

#[test]
fn member_of_a_provider_without_a_provider() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"region = "eu-central-1"
"#].concat()), @"line 5, column 10: `issuers.0.region` belongs to entries with `provider`; remove it, or name the provider");
}

#[test]
fn provider_with_a_secret_that_is_missing() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "supabase-secret"
url = "https://a.supabase.co"
"#), @"line 1, column 1: `issuers.0.keys` is missing: this provider shares a secret; write `secret_file` or `secret_env`");
}

#[test]
fn policy_that_does_not_exist() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[gate]
policy = "staf"
[policies]
staff = { role = "admin" }
"#].concat()), @"line 6, column 10: `gate.policy` names the policy `staf`, which does not exist; the policies are `staff`");
}

#[test]
fn policy_that_is_a_part_of_itself() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[policies]
a = { any = ["b"] }
b = { not = "a" }
"#].concat()), @"line 6, column 14: `policies.a.any.0.not` makes the policy `a` a part of itself; remove it");
}

#[test]
fn policy_with_two_requirements() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[policies]
a = { scope = "read", role = "admin" }
"#].concat()), @"line 6, column 5: `policies.a` has both `scope` and `role`; remove one");
}

#[test]
fn policy_in_a_list_with_a_wrong_scope() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[policies]
a = { all = [{ role = "admin" }, { scope = "two words" }] }
"#].concat()), @r#"line 6, column 44: `policies.a.all.1.scope` cannot be used; write another name: "two words" cannot be the name of a scope"#);
}

#[test]
fn policy_without_a_value() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"[policies]
a = { claim = "department" }
"#].concat()), @"line 6, column 5: `policies.a` needs the member `is`");
}

#[test]
fn empty_list_of_policies() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[policies]\na = { any = [] }\n"].concat()), @"line 6, column 13: `policies.a.any` is an empty list; add a policy");
}

#[test]
fn grant_with_a_member_of_another_form() {
    insta::assert_snapshot!(error_of(&[ISSUER, r#"roles_at = [{ keys_of = "roles", separated_by = "," }]
"#].concat()), @"line 5, column 13: `issuers.0.roles_at.0` has `separated_by`, which belongs to `path`; remove it");
}

#[test]
fn date() {
    insta::assert_snapshot!(error_of(&[ISSUER, "[gate]\nrealm = 2026-01-01\n"].concat()), @"line 6, column 9: `gate.realm` is a date or time; write it in quotes");
}

#[test]
fn variable_with_an_unknown_member() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_GATE__RELM", "orders")]), @"TOLLGATE_GATE__RELM: `gate.relm` is not a member that exists; did you mean `realm`?");
}

#[test]
fn variable_of_the_wrong_type() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_GATE__PREFLIGHTS", "yes")]), @"TOLLGATE_GATE__PREFLIGHTS: `gate.preflights` is a string; write `true` or `false`");
}

#[test]
fn variable_that_is_empty() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_GATE__REALM", "")]), @"TOLLGATE_GATE__REALM: the variable is empty; unset it, or give it a value");
}

#[test]
fn variable_beyond_a_list() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_ISSUERS__3__LEEWAY", "1s")]), @"TOLLGATE_ISSUERS__3__LEEWAY: the variable names the entry `3` of a list; the document has the entry 0; the position 1 adds an entry");
}

#[test]
fn variable_inside_of_a_string() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_ISSUERS__0__ISSUER__TEMPLATE", "x")]), @"TOLLGATE_ISSUERS__0__ISSUER__TEMPLATE: the variable sets `template` inside of a value that is no table and no list; set the value itself");
}

#[test]
fn variable_that_the_core_refuses() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_ISSUERS__0__LEEWAY", "1h")]), @"TOLLGATE_ISSUERS__0__LEEWAY: `issuers.0.leeway` cannot be used; write at most 5min: leeway of 3600 s is longer than the limit of 300 s");
}

#[test]
fn list_in_a_variable_with_a_wrong_element() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_GATE__SOURCES", r#"["bearer", { cooky = "a" }]"#)]), @"TOLLGATE_GATE__SOURCES: `gate.sources.1.cooky` is not a member that exists; did you mean `cookie`?");
}

#[test]
fn list_in_a_variable_that_is_not_toml() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_GATE__SOURCES", r#"["bearer""#)]), @"TOLLGATE_GATE__SOURCES: `gate.sources` is not TOML: unclosed array, expected `]`; write a list or a table as in TOML");
}

#[test]
fn number_in_a_variable() {
    insta::assert_snapshot!(error_with(ISSUER, &[("TOLLGATE_GATE__CACHE__TOKENS", "many")]), @"TOLLGATE_GATE__CACHE__TOKENS: `gate.cache.tokens` is not a number in the allowed range; write a whole number from 0 to 18446744073709551615");
}

#[test]
fn proxy_with_a_password() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true }
network = { proxy = "http://user:secret@proxy:3128" }
"#].concat()), @"line 5, column 21: `issuers.0.network.proxy` contains a password, which must not be in the document; write the URL into a file for `proxy_file`, or a variable for `proxy_env`");
}

#[test]
fn proxy_without_a_port() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true }
network = { proxy = "http://proxy" }
"#].concat()), @"line 5, column 21: `issuers.0.network.proxy` cannot be used; write a URL such as http://proxy:3128: the proxy of `with_proxy` cannot be used: it has no valid port");
}

#[test]
fn two_proxies() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true }
network = { proxy = "http://proxy:3128", proxy_from_environment = true }
"#].concat()), @"line 5, column 11: `issuers.0.network` has both `proxy` and `proxy_from_environment`; remove one");
}

#[test]
fn host_with_a_port() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true }
network = { insecure_http_to = ["keycloak:8080"] }
"#].concat()), @"line 5, column 33: `issuers.0.network.insecure_http_to.0` is not a host name; write the host without the port");
}

#[test]
fn request_header_without_a_value() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { discover = true }
network = { request_headers = { X-Key = "secret" } }
"#].concat()), @r#"line 5, column 41: `issuers.0.network.request_headers.X-Key` is a string; write a table such as { file = "token", prefix = "Bearer " }, or with `env`"#);
}

#[test]
fn no_authorities() {
    insta::assert_snapshot!(error_of(&[KEYLESS, "keys = { discover = true }\nnetwork = { only_own_authorities = true }\n"].concat()), @"line 5, column 36: `issuers.0.network.only_own_authorities` leaves no authority that is trusted; add `authorities_file`");
}

#[test]
fn tolerance_of_a_single_key() {
    insta::assert_snapshot!(error_of(&[KEYLESS, r#"keys = { pem_file = "key.pem", algorithm = "RS256", tolerate = ["coordinate-lengths"] }
"#].concat()), @"line 4, column 8: `issuers.0.keys` has `tolerate`, which belongs to JWK Sets; remove it");
}

#[test]
fn refresh_settings_of_keys_that_are_fetched_one_by_one() {
    let keys = r#"keys = { pem_per_key_url = "https://keys.example/", algorithm = "ES256" }"#;
    insta::assert_snapshot!(error_of(&[KEYLESS, keys, "\nrefresh = { timeout = \"1s\" }\n"].concat()), @"line 5, column 11: `issuers.0.refresh` applies to JWK Sets alone; remove it");
}

#[test]
fn optional_issuer_of_another_form() {
    insta::assert_snapshot!(error_of("[[issuers]]\nissuer = { template = \"https://a.example/{tid}\", values = [\"a\"], issuer = \"https://a.example\" }\n"), @"line 2, column 10: `issuers.0.issuer` has `issuer`, which belongs to `subject_prefix`; remove it");
}

#[test]
fn unknown_member_of_a_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "shop"
client = "orders"
color = "red"
"#), @"line 6, column 1: `issuers.0.color` is not a member that exists; an entry of keycloak needs `base_url`, `realm`, `client`, and may have the general members `provider`, `keys`, `leeway`, `max_age`, `max_lifetime`, `max_token`, `algorithms`, `types`, `rfc9068_profile`, `key_issuers`, `required_claims`, `required_values`, `required_header_members`, `scopes_at`, `roles_at`, `implied_scopes`, `implied_roles`, `tolerate`, `tolerate_id_token_claims`, `refresh`, `network`");
}

#[test]
fn unknown_member_of_a_provider_with_an_optional_member() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
color = "red"
provider = "spiffe"
trust_domain = "a.example"
"#), @"line 2, column 1: `issuers.0.color` is not a member that exists; an entry of spiffe needs `trust_domain`, `audience`, may have `issuer`, and may have the general members `provider`, `keys`, `leeway`, `max_age`, `max_lifetime`, `max_token`, `algorithms`, `types`, `rfc9068_profile`, `key_issuers`, `required_claims`, `required_values`, `required_header_members`, `scopes_at`, `roles_at`, `implied_scopes`, `implied_roles`, `tolerate`, `tolerate_id_token_claims`, `refresh`, `network`");
}

#[test]
fn unknown_member_without_a_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
color = "red"
"#), @"line 4, column 1: `issuers.0.color` is not a member that exists; an entry without `provider` needs `issuer`, `audience`, and may have the general members `provider`, `keys`, `leeway`, `max_age`, `max_lifetime`, `max_token`, `algorithms`, `types`, `rfc9068_profile`, `key_issuers`, `required_claims`, `required_values`, `required_header_members`, `scopes_at`, `roles_at`, `implied_scopes`, `implied_roles`, `tolerate`, `tolerate_id_token_claims`, `refresh`, `network`");
}

#[test]
fn unknown_member_with_the_meaning_of_another() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "auth0"
domain = "a.eu.auth0.com"
api = "api://demo"
"#), @"line 4, column 1: `issuers.0.api` is not a member that exists; did you mean `audience`?");
}

#[test]
fn beginning_of_a_member_of_the_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base = "https://keycloak.example"
"#), @"line 3, column 1: `issuers.0.base` is not a member that exists; did you mean `base_url`?");
}

#[test]
fn singular_of_a_member_of_the_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "google"
client = "a"
"#), @"line 3, column 10: `issuers.0.client` does not belong to google; did you mean `clients`?");
}

#[test]
fn variable_with_an_unknown_member_of_a_provider() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "shop"
client = "orders"
"#, &[("TOLLGATE_ISSUERS__0__BASE", "https://a.example")]), @"TOLLGATE_ISSUERS__0__BASE: `issuers.0.base` is not a member that exists; did you mean `base_url`?");
}

#[test]
fn several_providers_with_the_same_first_word() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "entra"
"#), @"line 2, column 12: `issuers.0.provider` has a value that is not allowed; did you mean `entra-v1` or `entra-v1-tenants` or `entra-v2` or `entra-v2-tenants`?");
}

#[test]
fn owner_with_a_repository() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "github-actions"
owner = "acme/api"
audience = "api://demo"
"#), @r#"line 3, column 9: `issuers.0.owner` cannot be used; write the account without the repository: "acme/api" cannot be the name of a repository owner"#);
}

#[test]
fn base_url_without_a_scheme() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "keycloak:8080"
realm = "shop"
client = "orders"
"#), @r#"line 3, column 12: `issuers.0.base_url` cannot be used; write a URL that begins with https:// or http://, without a query: "keycloak:8080" cannot be the name of a base URL of a provider"#);
}

#[test]
fn realm_with_a_slash() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "a/b"
client = "orders"
"#), @r#"line 4, column 9: `issuers.0.realm` cannot be used; write letters, digits, `-`, `.`, `_` and `~` alone: "a/b" cannot be the name of a realm"#);
}

#[test]
fn provider_without_clients() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "cognito-access"
region = "eu-central-1"
user_pool = "eu-central-1_a"
clients = []
"#), @"line 5, column 11: `issuers.0.clients` cannot be used; add a value: no audience given; every token would be rejected");
}

#[test]
fn audience_of_a_provider_that_is_empty() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "shop"
client = " "
"#), @r#"line 5, column 10: `issuers.0.client` cannot be used; write it as the tokens have it: " " cannot be an audience: it is empty, has white space around it or holds a control character"#);
}

#[test]
fn base_url_of_a_variable() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "shop"
client = "orders"
"#, &[("TOLLGATE_ISSUERS__0__BASE_URL", "keycloak:8080")]), @r#"TOLLGATE_ISSUERS__0__BASE_URL: `issuers.0.base_url` cannot be used; write a URL that begins with https:// or http://, without a query: "keycloak:8080" cannot be the name of a base URL of a provider"#);
}

#[test]
fn plain_http_of_a_provider() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "shop"
client = "orders"
"#), @r#"line 3, column 12: `issuers.0.base_url` leads to plain http at keycloak; write an https URL, or add `network = { insecure_http_to = ["keycloak"] }` to the entry"#);
}

#[test]
fn plain_http_of_a_variable() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
provider = "keycloak"
base_url = "https://keycloak:8080"
realm = "shop"
client = "orders"
"#, &[("TOLLGATE_ISSUERS__0__BASE_URL", "http://keycloak:8080")]), @r#"TOLLGATE_ISSUERS__0__BASE_URL: `issuers.0.base_url` leads to plain http at keycloak; write an https URL, or add `network = { insecure_http_to = ["keycloak"] }` to the entry"#);
}

#[test]
fn plain_http_to_loopback() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "http://localhost:8080"
realm = "shop"
client = "orders"
"#), @"line 3, column 12: `issuers.0.base_url` leads to plain http at localhost; write an https URL, or add `network = { insecure_loopback = true }` to the entry");
}

#[test]
fn plain_http_to_another_host() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "http://keycloak:8080"
realm = "shop"
client = "orders"
network = { insecure_http_to = ["other"] }
"#), @r#"line 3, column 12: `issuers.0.base_url` leads to plain http at keycloak; write an https URL, or add "keycloak" to the list `insecure_http_to`"#);
}

#[test]
fn plain_http_of_an_issuer() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "http://issuer.example"
audience = "api://demo"
keys = { discover = true }
"#), @r#"line 2, column 10: `issuers.0.issuer` leads to plain http at issuer.example; write an https URL, or add `network = { insecure_http_to = ["issuer.example"] }` to the entry"#);
}

#[test]
fn host_with_a_scheme() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
keys = { discover = true }
network = { insecure_http_to = ["a", "http://keycloak"] }
"#), @"line 5, column 38: `issuers.0.network.insecure_http_to.1` is not a host name; write the host without the scheme");
}

#[test]
fn two_places_of_keys_and_one_of_a_variable() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
keys = { discover = true }
"#, &[("TOLLGATE_ISSUERS__0__KEYS__JWK_SET_FILE", "keys.json")]), @"TOLLGATE_ISSUERS__0__KEYS__JWK_SET_FILE: `issuers.0.keys` has both `discover` and `jwk_set_file`; unset it, or remove `discover` from the document");
}

#[test]
fn two_places_of_keys_of_two_variables() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
"#, &[("TOLLGATE_ISSUERS__0__KEYS__JWK_SET_FILE", "keys.json"), ("TOLLGATE_ISSUERS__0__KEYS__DISCOVER", "true")]), @"TOLLGATE_ISSUERS__0__KEYS__DISCOVER: `issuers.0.keys` has both `discover` and `jwk_set_file`; unset it or TOLLGATE_ISSUERS__0__KEYS__JWK_SET_FILE");
}

#[test]
fn companion_of_another_member_in_a_variable() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
keys = { discover = true }
"#, &[("TOLLGATE_ISSUERS__0__KEYS__ENCODING", "base64")]), @"TOLLGATE_ISSUERS__0__KEYS__ENCODING: `issuers.0.keys` has `encoding`, which belongs to secrets; unset it");
}

#[test]
fn two_proxies_and_one_of_a_variable() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
keys = { discover = true }
network = { proxy = "http://proxy:3128" }
"#, &[("TOLLGATE_ISSUERS__0__NETWORK__PROXY_FROM_ENVIRONMENT", "true")]), @"TOLLGATE_ISSUERS__0__NETWORK__PROXY_FROM_ENVIRONMENT: `issuers.0.network` has both `proxy` and `proxy_from_environment`; unset it, or remove `proxy` from the document");
}

#[test]
fn one_issuer_twice_with_a_list_of_clients() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "cognito-access"
region = "eu-central-1"
user_pool = "eu-central-1_a"
clients = ["a"]
[[issuers]]
provider = "cognito-access"
region = "eu-central-1"
user_pool = "eu-central-1_a"
clients = ["b"]
"#), @r#"line 6, column 1: `issuers.1` has the same issuer as `issuers.0` (line 1, column 1); write one entry, with all values in `clients`: two verifiers for the issuer "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a""#);
}

#[test]
fn one_issuer_twice_with_one_client_each() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "keycloak"
base_url = "https://keycloak:8080"
realm = "shop"
client = "orders"
[[issuers]]
provider = "keycloak"
base_url = "https://keycloak:8080"
realm = "shop"
client = "shop"
"#), @r#"line 6, column 1: `issuers.1` has the same issuer as `issuers.0` (line 1, column 1); an issuer has one entry: write it without `provider`, and list the audiences in `audience`: two verifiers for the issuer "https://keycloak:8080/realms/shop""#);
}

#[test]
fn one_issuer_twice_with_two_providers() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
provider = "cognito-access"
region = "eu-central-1"
user_pool = "eu-central-1_a"
clients = ["a"]
[[issuers]]
provider = "cognito-id"
region = "eu-central-1"
user_pool = "eu-central-1_a"
clients = ["a"]
"#), @r#"line 6, column 1: `issuers.1` has the same issuer as `issuers.0` (line 1, column 1); an issuer has one entry: write it without `provider`, and list the audiences in `audience`: two verifiers for the issuer "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a""#);
}

#[test]
fn duration_in_a_variable_without_a_unit() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
"#, &[("TOLLGATE_ISSUERS__0__LEEWAY", "5")]), @"TOLLGATE_ISSUERS__0__LEEWAY: `issuers.0.leeway` is not a duration; write a number and a unit, such as 30s (ms, s, min, h, d)");
}

#[test]
fn size_in_a_table_in_a_variable() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
"#, &[("TOLLGATE_GATE__CACHE", "{ bytes = '64MB' }")]), @r#"TOLLGATE_GATE__CACHE: `gate.cache.bytes` is not a size; write a number and a unit in quotes, such as "64MiB" (B, KiB, MiB, GiB)"#);
}

#[test]
fn variable_for_an_entry_after_the_last() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://a.example"
audience = "api://demo"
keys = { discover = true }
[[issuers]]
issuer = "https://b.example"
audience = "api://demo"
keys = { discover = true }
[[issuers]]
issuer = "https://c.example"
audience = "api://demo"
keys = { discover = true }
"#, &[("TOLLGATE_ISSUERS__3__LEEWAY", "5s")]), @"TOLLGATE_ISSUERS__3__LEEWAY: `issuers.3` needs the member `issuer`; add it, or name a `provider`; the document has the entries 0 to 2");
}

#[test]
fn variable_for_an_entry_far_after_the_last() {
    insta::assert_snapshot!(error_with(r#"[[issuers]]
issuer = "https://a.example"
audience = "api://demo"
keys = { discover = true }
[[issuers]]
issuer = "https://b.example"
audience = "api://demo"
keys = { discover = true }
[[issuers]]
issuer = "https://c.example"
audience = "api://demo"
keys = { discover = true }
"#, &[("TOLLGATE_ISSUERS__5__LEEWAY", "5s")]), @"TOLLGATE_ISSUERS__5__LEEWAY: the variable names the entry `5` of a list; the document has the entries 0 to 2; the position 3 adds an entry");
}

#[test]
fn policy_of_an_issuer_that_is_empty() {
    insta::assert_snapshot!(error_of(r#"[[issuers]]
issuer = "https://issuer.example"
audience = "api://demo"
keys = { discover = true }
[policies]
a = { issuer = "" }
"#), @r#"line 6, column 16: `policies.a.issuer` cannot be used; write it as the tokens have it: "" cannot be an issuer: it is empty, has white space around it or holds a control character"#);
}
