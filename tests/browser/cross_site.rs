//! Other origins, in the browser of somebody who is logged in: a page of a sibling domain, to which the browser lends every
//! cookie, and a page of another site.

use libtest_mimic::Trial;
use tollgate_conformance::app::PACKAGES;

use crate::elsewhere::Elsewhere;
use crate::trial;
use crate::visit::{IS_IN, Visit};

const HOST: &str = "app.tollgate.localhost";
/// Another origin of the same site.
const SIBLING: &str = "evil.tollgate.localhost";
/// Another site.
const STRANGER: &str = "elsewhere.localhost";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for package in PACKAGES {
        for (who, host) in [("a_sibling", SIBLING), ("a_stranger", STRANGER)] {
            let name = format!("cross_site::{package}::{who}_changes_nothing");
            trials.push(trial(&name, move || changes_nothing(package, host)));
        }
    }
    trials
}

fn changes_nothing(package: &'static str, host: &str) {
    let visit = Visit::start_as(HOST, &format!("{package}-{host}"), package, &[]);
    let (browser, elsewhere) = (&visit.browser, Elsewhere::start());
    let evil = format!("http://{host}:{}", elsewhere.port);
    visit.log_in();
    let home = browser.tab();
    let items = || browser.until("await (await fetch('/items')).text()");
    let before = items();

    browser.open_tab(&evil);
    what_the_browser_lends(&visit, &elsewhere, &evil, host == SIBLING);
    for path in
        ["/items", "/auth/logout", "/auth/logout-all", "/auth/refresh", "/auth/login", "/auth/register"]
    {
        browser.open(&evil);
        let status = post_a_form(&visit, path);
        // The calls of sessions take JSON alone, which no form can send.
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

/// Cookies know no ports, so another port of the host shows what comes along: from a sibling, everything.
fn what_the_browser_lends(visit: &Visit, elsewhere: &Elsewhere, evil: &str, is_sibling: bool) {
    let recorder = format!("http://{HOST}:{}/lent", elsewhere.port);
    submit(visit, &recorder);
    let heard = elsewhere.heard("/lent").expect("a request");
    let site = if is_sibling { "same-site" } else { "cross-site" };
    assert!(heard.contains(&format!("sec-fetch-site: {site}\r\n")), "{heard}");
    assert!(heard.contains(&format!("origin: {evil}\r\n")), "{heard}");
    for cookie in ["__host-http-at=", "__host-http-rt="] {
        assert_eq!(heard.contains(cookie), is_sibling, "{heard}");
    }
}

/// A form, sent by a script of the page that is shown, whose body could pass for JSON. Answers the status.
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

/// Scripts may send this without being asked about it before. What comes back they cannot read.
fn fetch_without_cors(visit: &Visit, path: &str) {
    let kind = visit.browser.until(&format!(
        r#"(await fetch("{}{path}", {{method: "POST", mode: "no-cors", credentials: "include",
            headers: {{"Content-Type": "text/plain"}}, body: '{{"name":"stolen"}}'}})).type"#,
        visit.url
    ));
    assert_eq!(kind, "opaque");
}

/// A handshake is a GET, and not subject to the rules for reading across origins: only the server can refuse it. The
/// console has its status.
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
    println!("{host}: {console}");
    if host == SIBLING {
        assert!(console.contains("Unexpected response code: 403"), "{console}");
    } else {
        // Without the cookie nobody is asking.
        assert!(
            !console.contains("response code: 200") && !console.contains("response code: 101"),
            "{console}"
        );
    }
    // The page of the application itself comes to the handler, which speaks no WebSocket.
    visit.browser.open(&visit.url);
    let own = handshake("/me");
    assert!(own.contains("Unexpected response code: 200"), "{own}");
}
