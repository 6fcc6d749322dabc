//! Cross-origin requests in the browser of a logged-in user: from a sibling domain, for which the browser sends every
//! cookie, and from another site.

use libtest_mimic::Trial;
use tollgate_tests::app::PACKAGES;

use crate::other_site::OtherSite;
use crate::trial;
use crate::visit::{IS_IN, Visit};

const HOST: &str = "app.tollgate.localhost";
/// Another origin on the same site.
const SIBLING: &str = "evil.tollgate.localhost";
/// An origin on another site.
const STRANGER: &str = "elsewhere.localhost";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for package in PACKAGES {
        for (origin, host) in [("sibling_domain", SIBLING), ("other_site", STRANGER)] {
            let name = format!("cross_site::{package}::{origin}_changes_nothing");
            trials.push(trial(&name, move || changes_nothing(package, host)));
        }
    }
    trials
}

fn changes_nothing(package: &'static str, host: &str) {
    let visit = Visit::start_as(HOST, &format!("{package}-{host}"), package, &[]);
    let (browser, other_site) = (&visit.browser, OtherSite::start());
    let evil = format!("http://{host}:{}", other_site.port);
    visit.log_in();
    let home = browser.tab();
    let items = || browser.until("await (await fetch('/items')).text()");
    let before = items();

    browser.open_tab(&evil);
    assert_cookies_sent(&visit, &other_site, &evil, host == SIBLING);
    for path in
        ["/items", "/auth/logout", "/auth/logout-all", "/auth/refresh", "/auth/login", "/auth/register"]
    {
        browser.open(&evil);
        let status = post_a_form(&visit, path);
        // The session endpoints accept JSON only, which no form can send.
        let expected: &[u64] = match path {
            "/items" if host == SIBLING => &[403],
            "/items" => &[401],
            _ => &[403, 415],
        };
        assert!(expected.contains(&status), "{path} from {host}: {status}");
        browser.open(&evil);
        fetch_without_cors(&visit, path);
    }
    browser.open(&evil);
    web_socket(&visit, host);

    browser.switch(&home);
    assert_eq!(items(), before);
    browser.reload();
    browser.until(IS_IN);
}

/// Asserts which cookies the browser sends. Cookies ignore the port, so a recorder on another port receives the same
/// ones as the application: all of them from a sibling domain, none from another site.
fn assert_cookies_sent(visit: &Visit, other_site: &OtherSite, evil: &str, is_sibling: bool) {
    let recorder = format!("http://{HOST}:{}/recorded", other_site.port);
    submit(visit, &recorder);
    let request = other_site.last_request("/recorded").expect("a request");
    let site = if is_sibling { "same-site" } else { "cross-site" };
    assert!(request.contains(&format!("sec-fetch-site: {site}\r\n")), "{request}");
    assert!(request.contains(&format!("origin: {evil}\r\n")), "{request}");
    for cookie in ["__host-http-at=", "__host-http-rt="] {
        assert_eq!(request.contains(cookie), is_sibling, "{request}");
    }
}

/// Submits a form whose body resembles JSON from a script of the current page, and returns the status.
fn post_a_form(visit: &Visit, path: &str) -> u64 {
    submit(visit, &format!("{}{path}", visit.url));
    let browser = &visit.browser;
    assert_eq!(browser.run("return location.origin + location.pathname"), format!("{}{path}", visit.url));
    let status = browser.run("return performance.getEntriesByType('navigation')[0].responseStatus");
    status.as_u64().expect("a status")
}

fn submit(visit: &Visit, target: &str) {
    visit.browser.run(&format!(
        r#"const form = document.createElement("form");
           Object.assign(form, {{method: "post", action: "{target}", enctype: "text/plain"}});
           const input = document.createElement("input");
           Object.assign(input, {{name: '{{"name":"stolen","padding":"', value: '"}}'}});
           form.append(input); document.body.append(form); form.submit();"#
    ));
}

/// Sends a request that needs no CORS preflight. The script cannot read the response.
fn fetch_without_cors(visit: &Visit, path: &str) {
    let kind = visit.browser.until(&format!(
        r#"(await fetch("{}{path}", {{method: "POST", mode: "no-cors", credentials: "include",
            headers: {{"Content-Type": "text/plain"}}, body: '{{"name":"stolen"}}'}})).type"#,
        visit.url
    ));
    assert_eq!(kind, "opaque");
}

/// A WebSocket handshake is a GET request that is exempt from CORS, so only the server can reject it. The console shows
/// the status.
fn web_socket(visit: &Visit, host: &str) {
    let socket = visit.url.replace("http://", "ws://");
    let handshake = |path: &str| {
        drop(visit.browser.console());
        let events = visit.browser.until(&format!(
            "await new Promise((done) => {{ const socket = new WebSocket('{socket}{path}');
                 socket.onopen = () => done('open'); socket.onclose = (event) => done(`closed ${{event.code}}`); }})"
        ));
        assert_eq!(events, "closed 1006");
        visit.browser.console().join("\n")
    };
    let console = handshake("/me");

    if host == SIBLING {
        assert!(console.contains("Unexpected response code: 403"), "{console}");
    } else {
        // The browser sends no cookie, so the answer is 401, which Chromium words like this.
        assert!(console.contains("HTTP Authentication failed"), "{console}");
    }

    // A handshake from the application's own page reaches the handler, which does not speak WebSocket.
    visit.browser.open(&visit.url);
    let own = handshake("/me");
    assert!(own.contains("Unexpected response code: 200"), "{own}");
}
