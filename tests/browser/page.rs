//! The page itself: login with `HttpOnly` cookies, calls to each route, keyboard operation, other accounts.

use libtest_mimic::Trial;
use tollgate_tests::app::PACKAGES;

use crate::browser::{ENTER, SPACE, TAB};
use crate::trial;
use crate::visit::{EMAIL, IS_IN, IS_OUT, PASSWORD, Visit};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = PACKAGES
        .into_iter()
        .map(|package| {
            let name = format!("page::{package}::login_sets_cookies_hidden_from_scripts");
            trial(&name, move || login_sets_cookies_hidden_from_scripts(package))
        })
        .collect();
    trials.push(trial("page::keyboard_alone_operates_the_page", keyboard_alone_operates_the_page));
    trials.push(trial("page::new_account_has_fewer_permissions", new_account_has_fewer_permissions));
    trials.push(trial("page::page_reports_a_wrong_password", page_reports_a_wrong_password));
    trials.push(trial("page::page_sends_anti_csrf_tokens", page_sends_anti_csrf_tokens));
    trials
}

fn login_sets_cookies_hidden_from_scripts(package: &'static str) {
    let visit = Visit::start(&format!("cookies-{package}"), package, &[]);
    let browser = &visit.browser;
    visit.log_in();

    let mut cookies = browser.cookies();
    cookies.sort_by_key(|cookie| cookie["name"].to_string());
    let shown: Vec<_> =
        cookies.iter().map(|cookie| (cookie["name"].as_str(), cookie["sameSite"].as_str())).collect();
    let expected = [(Some("__Host-Http-at"), Some("Lax")), (Some("__Host-Http-rt"), Some("Strict"))];
    assert_eq!(shown, expected);
    for cookie in &cookies {
        assert_eq!((cookie["httpOnly"].as_bool(), cookie["secure"].as_bool()), (Some(true), Some(true)));
        assert_eq!((cookie["path"].as_str(), cookie["domain"].as_str()), (Some("/"), Some("127.0.0.1")));
    }
    assert!(cookies[1].get("expiry").is_none(), "a transient cookie ends with the browser");

    // Scripts cannot read the cookies, nor replace one with a token of their own.
    assert_eq!(browser.run("return document.cookie"), "");
    assert_eq!(browser.until("JSON.stringify(await cookieStore.getAll())"), "[]");
    browser.run("document.cookie = '__Host-Http-at=planted; Path=/; Secure; Max-Age=9'");
    let values = |cookies: &[serde_json::Value]| {
        cookies.iter().map(|cookie| cookie["value"].clone()).collect::<Vec<_>>()
    };
    let mut after = browser.cookies();
    after.sort_by_key(|cookie| cookie["name"].to_string());
    assert_eq!(values(&after), values(&cookies));
    let kept = browser.run("return JSON.stringify([{...localStorage}, {...sessionStorage}])");
    assert!(!holds_a_token(&kept), "{kept}");
    let answer = browser.until(
        "await (await fetch('/auth/refresh', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})).text()",
    );
    assert!(answer.as_str().expect("a text").contains("expires_in") && !holds_a_token(&answer), "{answer}");

    for (method, path, status) in [
        ("GET", "/public", "200"),
        ("GET", "/whoami", "200"),
        ("GET", "/me", "200"),
        ("GET", "/items", "200"),
        ("POST", "/items", "201"),
        ("GET", "/admin", "200"),
    ] {
        assert_eq!(visit.call(method, path), status, "{method} {path}");
    }
    browser.reload();
    browser.until(IS_IN);
    browser.until("document.getElementById('claims').textContent.includes('admin')");
    browser.click("#logout");
    browser.until(IS_OUT);
    assert_eq!(browser.cookies().len(), 0, "both cookies are cleared");
    assert_eq!(visit.call("GET", "/me"), "401");
    visit.assert_no_violation();
}

fn holds_a_token(value: &serde_json::Value) -> bool {
    let text = value.to_string();
    text.contains("eyJ") || text.contains("rt1_")
}

fn page_sends_anti_csrf_tokens() {
    let visit = Visit::start("csrf-tokens", PACKAGES[0], &[("TOLLGATE_CSRF_TOKENS", "required")]);
    let browser = &visit.browser;
    visit.log_in();
    let shown = browser.run("return document.cookie");
    assert!(shown.as_str().expect("a text").starts_with("__Host-csrf="), "{shown}");
    assert_eq!(visit.call("POST", "/items"), "201");

    // Calls from a script without the token, or with a wrong one, are rejected.
    for headers in ["{}", "{'X-CSRF-Token': 'x'}"] {
        for path in ["/items", "/auth/refresh", "/auth/logout"] {
            let call = format!(
                "(await fetch('{path}', {{method: 'POST', headers: {{'Content-Type': 'application/json', ...{headers}}}, body: '{{\"name\":\"x\"}}'}})).status"
            );
            assert_eq!(browser.until(&call), 403, "{path} {headers}");
        }
    }

    // The session may be older than the requirement, or the cookie may be another session's: the page fetches a token.
    for lost in ["__Host-csrf=; Max-Age=0", "__Host-csrf=x"] {
        browser.run(&format!("document.cookie = '{lost}; Path=/; Secure'"));
        assert_eq!(visit.call("POST", "/items"), "201");
        assert_ne!(browser.run("return document.cookie"), shown);
    }

    browser.click("#logout");
    browser.until(IS_OUT);
    assert_eq!(browser.cookies().len(), 0, "all cookies are cleared");
    visit.assert_no_violation();
}

fn keyboard_alone_operates_the_page() {
    let visit = Visit::start("keyboard", PACKAGES[0], &[]);
    let browser = &visit.browser;
    let focused = || browser.run("return document.activeElement.id || document.activeElement.className");
    browser.until(IS_OUT);
    browser.press(TAB);
    assert_eq!(focused(), "skip");

    browser.press(ENTER);
    assert_eq!(focused(), "main");
    browser.press(TAB);
    assert_eq!(focused(), "email");

    browser.press(&format!("{EMAIL}{TAB}{PASSWORD}{TAB}{SPACE}{TAB}{ENTER}"));
    browser.until(IS_IN);
    assert_eq!(focused(), "inside-title", "focus moves to the new section");

    let persistent = browser.cookies().into_iter().find(|cookie| cookie["name"] == "__Host-Http-rt");
    assert!(persistent.expect("a cookie")["expiry"].is_u64(), "a persistent cookie outlives the browser");
    for _ in 0..20 {
        browser.press(TAB);
        let visible = "return getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(browser.run(visible), "solid", "the focused element has an outline: {}", focused());
        if focused() == "logout" {
            break;
        }
    }

    browser.press(ENTER);
    browser.until(IS_OUT);
    assert_eq!(focused(), "outside-title");
    visit.assert_no_violation();
}

fn new_account_has_fewer_permissions() {
    let visit = Visit::start("account", PACKAGES[2], &[]);
    let browser = &visit.browser;
    browser.until(IS_OUT);
    browser.click("#switch");
    browser.press(&format!("new@tollgate.example{TAB}another good long phrase{ENTER}"));
    browser.until(IS_IN);
    assert_eq!(visit.call("GET", "/items"), "200");
    assert_eq!(visit.call("POST", "/items"), "403");
    assert_eq!(visit.call("GET", "/admin"), "403");
    visit.assert_no_violation();
}

fn page_reports_a_wrong_password() {
    let visit = Visit::start("wrong", PACKAGES[1], &[]);
    let browser = &visit.browser;
    browser.until(IS_OUT);
    browser.click("#email");
    browser.press(&format!("{EMAIL}{TAB}something else entirely{ENTER}"));
    let alert = browser.until("document.getElementById('login-alert').textContent");
    assert_eq!(alert, "Not logged in. The email or the password is wrong.");
    assert_eq!(browser.run("return document.activeElement.id"), "password");
    assert_eq!(browser.cookies().len(), 0);
    visit.assert_no_violation();
}
