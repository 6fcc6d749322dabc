//! Login, refresh and logout in the example applications. All of them must give the same answers.

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_tests::app::{App, PACKAGES, scratch};
use tollgate_tests::client::Response;

use crate::{JSON, call, get, header};

const EMAIL: &str = "demo@tollgate.example";
const PASSWORD: &str = "seven quiet boats drift past the mill";
const DEMO: (&str, &str) = ("TOLLGATE_DEMO_PASSWORD", PASSWORD);
/// The issuer of applications on several ports.
const ISSUER: (&str, &str) = ("TOLLGATE_ISSUER", "https://issuer.example");

/// Returns a string member of a JSON response.
pub(crate) fn member(response: &Response, name: &str) -> String {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_else(|_| panic!("{response:?}"));
    body[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", response.body)).to_owned()
}

fn post(app: &App, path: &str, lines: &[&str], body: &Value) -> Response {
    call(app, "POST", path, &[&[JSON], lines].concat(), &body.to_string())
}

fn log_in(app: &App, email: &str, password: &str) -> Response {
    post(app, "/auth/login", &[], &json!({"email": email, "password": password}))
}

fn refresh(app: &App, token: &str) -> Response {
    post(app, "/auth/refresh", &[], &json!({"refresh_token": token}))
}

fn list(app: &App, token: &str) -> Vec<Value> {
    let listed = get(app, "/auth/sessions", token);
    assert_eq!(listed.status, 200, "{}", listed.body);
    let body: Value = serde_json::from_str(&listed.body).expect("JSON");
    body["sessions"].as_array().expect("sessions").clone()
}

/// The stable parts of the responses: status, names of the header fields, names of the JSON members.
#[derive(Default)]
struct Transcript(Vec<(String, u16, Vec<String>, Vec<String>)>);

impl Transcript {
    fn add(&mut self, step: &str, status: u16, response: Response) -> Response {
        assert_eq!(response.status, status, "{step}: {}", response.body);
        let left_out = ["date", "connection", "content-length", "transfer-encoding"];
        let names = response.headers.iter().map(|(name, _)| name.clone());
        let mut names: Vec<_> = names.filter(|name| !left_out.contains(&name.as_str())).collect();
        names.sort();
        let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
        let members = body.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default();
        self.0.push((step.to_owned(), status, names, members));
        response
    }
}

#[test]
fn applications_handle_a_session_alike() {
    let mut first: Option<Vec<_>> = None;
    for package in PACKAGES {
        let data = scratch(&format!("{package}-sessions"));
        let app = App::start(package, &data, &[DEMO]);
        let mut transcript = Transcript::default();
        with_tokens(&app, &mut transcript);
        with_cookies(&app, &mut transcript);
        other_accounts(&app, &mut transcript);
        rejected_calls(&app, &mut transcript);
        rejections_are_counted(&app, &mut transcript);

        match &first {
            None => first = Some(transcript.0),
            Some(first) => assert_eq!(*first, transcript.0, "{package}"),
        }
        std::fs::remove_dir_all(data).expect("removed");
    }
}

fn with_tokens(app: &App, transcript: &mut Transcript) {
    transcript.add("wrong password", 401, log_in(app, EMAIL, "something else"));
    transcript.add("unknown user", 401, log_in(app, "unknown@tollgate.example", PASSWORD));
    let one = transcript.add("login", 200, log_in(app, EMAIL, PASSWORD));
    let (access, token) = (member(&one, "access_token"), member(&one, "refresh_token"));
    let me = transcript.add("me", 200, get(app, "/me", &access));
    assert_eq!(member(&me, "sub"), "demo");
    transcript.add("admin", 200, get(app, "/admin", &access));
    let next = transcript.add("refresh", 200, refresh(app, &token));
    // A client that lost the response, or a race, gets the same token again.
    let again = transcript.add("refresh again", 200, refresh(app, &token));
    assert_eq!(member(&next, "refresh_token"), member(&again, "refresh_token"));

    let two = transcript.add("login elsewhere", 200, log_in(app, EMAIL, PASSWORD));
    let sessions = list(app, &access);
    let other = sessions.iter().find(|session| session["current"] == false).expect("another session");
    assert_eq!(sessions.len(), 2);
    let path = format!("/auth/sessions/{}", other["sid"].as_str().expect("an id"));
    let bearer = format!("Authorization: Bearer {access}");
    transcript.add("end the other", 204, call(app, "DELETE", &path, &[&bearer], ""));
    transcript.add("end the other again", 404, call(app, "DELETE", &path, &[&bearer], ""));
    transcript.add("refresh the other", 401, refresh(app, &member(&two, "refresh_token")));
    rejected_soon(|| get(app, "/me", &member(&two, "access_token")));
    transcript.add("token of the other", 401, get(app, "/me", &member(&two, "access_token")));
    assert_eq!(list(app, &access).len(), 1);

    let token = member(&next, "refresh_token");
    transcript.add("logout", 204, post(app, "/auth/logout", &[], &json!({"refresh_token": token})));
    transcript.add("logout again", 204, post(app, "/auth/logout", &[], &json!({"refresh_token": token})));
    transcript.add("refresh after", 401, refresh(app, &token));
    rejected_soon(|| get(app, "/me", &access));
    transcript.add("token after", 401, get(app, "/me", &access));

    let many: Vec<_> = (0..3).map(|_| log_in(app, EMAIL, PASSWORD)).collect();
    let bearer = format!("Authorization: Bearer {}", member(&many[0], "access_token"));
    transcript.add("logout everywhere", 204, post(app, "/auth/logout-all", &[&bearer], &json!({})));
    for session in many {
        transcript.add("one of many", 401, refresh(app, &member(&session, "refresh_token")));
        rejected_soon(|| get(app, "/me", &member(&session, "access_token")));
        transcript.add("token of one", 401, get(app, "/me", &member(&session, "access_token")));
    }
}

fn with_cookies(app: &App, transcript: &mut Transcript) {
    let body = json!({"email": EMAIL, "password": PASSWORD, "mode": "cookie", "remember": true});
    let login = transcript.add("cookie login", 200, post(app, "/auth/login", &[], &body));
    assert_eq!(member(&login, "token_type"), "Cookie");

    let line = cookies(&login);
    let origin = format!("Origin: http://{}", app.address);
    transcript.add("me with cookies", 200, call(app, "GET", "/me", &[&line], ""));
    let name = r#"{"name":"map"}"#;
    transcript.add("unsafe, from nowhere", 403, call(app, "POST", "/items", &[&line], name));
    transcript.add("unsafe, from here", 201, call(app, "POST", "/items", &[&line, &origin], name));
    transcript.add("refresh from nowhere", 403, post(app, "/auth/refresh", &[&line], &json!({})));
    let evil = "Origin: https://evil.example";
    transcript.add("refresh from elsewhere", 403, post(app, "/auth/refresh", &[&line, evil], &json!({})));
    let next =
        transcript.add("cookie refresh", 200, post(app, "/auth/refresh", &[&line, &origin], &json!({})));
    // A refresh token from a cookie is valid only in a cookie.
    let token = line.rsplit_once("__Host-Http-rt=").expect("a cookie").1;
    transcript.add("cookie token in the body", 400, refresh(app, token));
    let line = cookies(&next);
    let gone = transcript.add("cookie logout", 204, post(app, "/auth/logout", &[&line, &origin], &json!({})));
    let cleared =
        gone.headers.iter().filter(|(name, value)| name == "set-cookie" && value.contains("Max-Age=0"));
    assert_eq!(cleared.count(), 2);
    rejected_soon(|| call(app, "GET", "/me", &[&line], ""));
    transcript.add("me after", 401, call(app, "GET", "/me", &[&line], ""));
    let refused = transcript.add(
        "cookie refresh after",
        401,
        post(app, "/auth/refresh", &[&line, &origin], &json!({})),
    );
    assert!(header(&refused, "set-cookie").is_some(), "cookies of a revoked session are cleared");
}

/// Returns the cookies that a response sets as a `Cookie` header line.
fn cookies(response: &Response) -> String {
    let set = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    let pairs: Vec<_> = set.filter_map(|(_, value)| value.split(';').next()).collect();
    assert_eq!(pairs.len(), 2);
    format!("Cookie: {}", pairs.join("; "))
}

fn other_accounts(app: &App, transcript: &mut Transcript) {
    let new = json!({"email": "new@tollgate.example", "password": "another good phrase"});
    transcript.add("register", 201, post(app, "/auth/register", &[], &new));
    transcript.add("register again", 201, post(app, "/auth/register", &[], &new));
    let weak = json!({"email": "weak@tollgate.example", "password": "short"});
    transcript.add("register, weak", 400, post(app, "/auth/register", &[], &weak));
    let login =
        transcript.add("login as new", 200, log_in(app, "new@tollgate.example", "another good phrase"));
    let access = member(&login, "access_token");
    transcript.add("items as new", 200, get(app, "/items", &access));
    transcript.add("admin as new", 403, get(app, "/admin", &access));
    let bearer = format!("Authorization: Bearer {access}");
    transcript.add("add as new", 403, call(app, "POST", "/items", &[&bearer], r#"{"name":"map"}"#));
    let sid = list(app, &access)[0]["sid"].as_str().expect("an id").to_owned();
    let demo = member(&log_in(app, EMAIL, PASSWORD), "access_token");
    let bearer = format!("Authorization: Bearer {demo}");
    let path = format!("/auth/sessions/{sid}");
    transcript.add("end another user's", 404, call(app, "DELETE", &path, &[&bearer], ""));
}

fn rejected_calls(app: &App, transcript: &mut Transcript) {
    let huge = json!({"email": EMAIL, "password": "x".repeat(100_000)});
    transcript.add("huge", 413, post(app, "/auth/login", &[], &huge));
    transcript.add("no JSON", 400, call(app, "POST", "/auth/login", &[JSON], "{"));
    let form = "Content-Type: application/x-www-form-urlencoded";
    transcript.add("a form", 415, call(app, "POST", "/auth/login", &[form], "email=a&password=b"));
    transcript.add("another method", 405, call(app, "GET", "/auth/login", &[], ""));
    // Bodies differ: warp tries its other routes, so there the application answers instead of the endpoints.
    assert_eq!(call(app, "POST", "/auth/nothing", &[JSON], "{}").status, 404);
    transcript.add("anonymous list", 401, call(app, "GET", "/auth/sessions", &[], ""));
    transcript.add("forged", 401, refresh(app, &format!("rt1_{}", "A".repeat(72))));
}

/// Asserts that the metrics count all rejections so far. How many refreshes rotated the token depends on the speed of
/// this test, so they are not compared.
fn rejections_are_counted(app: &App, transcript: &mut Transcript) {
    let metrics = get(app, "/metrics", "");
    let refusals =
        ["tollgate_refresh_refused_total{", "tollgate_cross_site_refused_total{", "tollgate_logins_total{"];
    let counts = metrics.body.lines().filter(|line| refusals.iter().any(|name| line.starts_with(name)));
    let counts: Vec<_> = counts.map(str::to_owned).collect();
    let there: Vec<_> = counts.iter().filter(|line| !line.ends_with(" 0")).map(String::as_str).collect();
    let expected = [
        r#"tollgate_refresh_refused_total{reason="forged"} 1"#,
        r#"tollgate_refresh_refused_total{reason="wrong_transport"} 1"#,
        r#"tollgate_refresh_refused_total{reason="revoked"} 6"#,
        r#"tollgate_logins_total{outcome="succeeded"} 8"#,
        r#"tollgate_logins_total{outcome="unknown_user"} 1"#,
        r#"tollgate_logins_total{outcome="wrong_password"} 1"#,
        r#"tollgate_cross_site_refused_total{reason="origin_mismatch"} 1"#,
        r#"tollgate_cross_site_refused_total{reason="missing_provenance"} 1"#,
    ];

    assert_eq!(there, expected, "{}", metrics.body);
    transcript.0.push(("counts".to_owned(), metrics.status, counts, Vec::new()));
}

#[test]
fn restart_keeps_sessions_and_can_set_the_demo_password() {
    for package in PACKAGES {
        let data = scratch(&format!("{package}-restart"));
        let app = App::start(package, &data, &[DEMO, ISSUER]);
        let login = log_in(&app, EMAIL, PASSWORD);
        let ended = log_in(&app, EMAIL, PASSWORD);
        let token = member(&ended, "refresh_token");
        assert_eq!(post(&app, "/auth/logout", &[], &json!({"refresh_token": token})).status, 204);

        drop(app);
        let app = App::start(package, &data, &[("TOLLGATE_DEMO_PASSWORD", "a new one this time"), ISSUER]);
        assert_eq!(get(&app, "/me", &member(&login, "access_token")).status, 200);
        assert_eq!(refresh(&app, &member(&login, "refresh_token")).status, 200);
        assert_eq!(
            get(&app, "/me", &member(&ended, "access_token")).status,
            401,
            "the logout survives the restart"
        );
        assert_eq!(log_in(&app, EMAIL, PASSWORD).status, 401);
        assert_eq!(log_in(&app, EMAIL, "a new one this time").status, 200);

        drop(app);
        // With `memory:`, sessions and accounts end with the process.
        let app = App::start(package, &data, &[DEMO, ("TOLLGATE_STORE", "memory:")]);
        assert_eq!(refresh(&app, &member(&login, "refresh_token")).status, 401);
        assert_eq!(log_in(&app, EMAIL, PASSWORD).status, 200);

        drop(app);
        std::fs::remove_dir_all(data).expect("removed");
    }
}

/// Three processes share one file. All of them refresh a session of one, and reject it after another has revoked it.
#[test]
fn instances_share_sessions() {
    let data = scratch("shared");
    let apps: Vec<_> = PACKAGES.iter().map(|package| App::start(package, &data, &[DEMO, ISSUER])).collect();
    let login = log_in(&apps[0], EMAIL, PASSWORD);
    let access = member(&login, "access_token");
    let mut token = member(&login, "refresh_token");

    for app in &apps {
        assert_eq!(get(app, "/me", &access).status, 200);
        let next = refresh(app, &token);
        assert_eq!(next.status, 200, "{}", next.body);
        token = member(&next, "refresh_token");
    }

    assert_eq!(post(&apps[1], "/auth/logout", &[], &json!({"refresh_token": token})).status, 204);
    for app in &apps {
        assert_eq!(refresh(app, &token).status, 401);
        // The other processes learn of it at their next poll.
        eventually(|| get(app, "/me", &access).status == 401);
    }

    drop(apps);
    std::fs::remove_dir_all(data).expect("removed");
}

/// Nothing listens at the address of the session store.
#[test]
fn application_answers_503_without_its_store() {
    let unused = tollgate_tests::app::free_address();
    for (package, scheme) in PACKAGES.into_iter().zip(["redis", "postgres", "redis"]) {
        let data = scratch(&format!("{package}-no-store"));
        let app = App::start(package, &data, &[DEMO, ("TOLLGATE_STORE", &format!("{scheme}://{unused}/0"))]);
        let login = log_in(&app, EMAIL, PASSWORD);
        assert_eq!(login.status, 503, "{}", login.body);
        assert!(header(&login, "retry-after").is_some() && header(&login, "set-cookie").is_none());

        // The application still rejects a wrong password.
        assert_eq!(log_in(&app, EMAIL, "something else").status, 401);
        let ready = call(&app, "GET", "/readyz", &[], "");
        assert_eq!(ready.status, 503);
        assert!(
            ready.body.contains(r#""sessions":{"revocations_age_secs":null,"store":"down"}"#),
            "{}",
            ready.body
        );
        assert_eq!(call(&app, "GET", "/public", &[], "").status, 200);

        drop(app);
        std::fs::remove_dir_all(data).expect("removed");
    }
}

/// Waits until the gate has learned of a revocation, shortly after the endpoint has confirmed it.
fn rejected_soon(ask: impl Fn() -> Response) {
    eventually(|| ask().status == 401);
}

/// Waits until a condition holds, for at most a minute.
fn eventually(condition: impl Fn() -> bool) {
    let holds = |_| {
        let holds = condition();
        if !holds {
            std::thread::sleep(Duration::from_millis(100));
        }
        holds
    };
    assert!((0..600).any(holds), "the condition does not hold within a minute");
}
