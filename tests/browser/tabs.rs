//! Several tabs and several browsers: the first tab to refresh does so for all, and a logout reaches all of them.

use libtest_mimic::Trial;
use tollgate_tests::app::PACKAGES;

use crate::browser::{Browser, ENTER, TAB};
use crate::trial;
use crate::visit::{EMAIL, IS_IN, IS_OUT, PASSWORD, Visit};

/// The lifetime of access tokens, in seconds.
const SHORT: (&str, &str) = ("TOLLGATE_ACCESS_TTL", "4");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "tabs::three_tabs_refresh_silently_and_log_out_together",
            three_tabs_refresh_silently_and_log_out_together,
        ),
        trial("tabs::tabs_without_shared_storage_refresh_too", tabs_without_shared_storage_refresh_too),
        trial("tabs::session_is_revoked_from_another_browser", session_is_revoked_from_another_browser),
        trial("tabs::logout_everywhere_reaches_all_browsers", logout_everywhere_reaches_all_browsers),
    ]
}

/// Returns a JavaScript expression that counts the journal entries with this text.
fn count(what: &str) -> String {
    format!(
        "[...document.querySelectorAll('#journal li')].filter((entry) => entry.textContent.includes('{what}')).length"
    )
}

/// The grace period is shorter than the time between two refreshes, so every refresh rotates the token.
fn three_tabs_refresh_silently_and_log_out_together() {
    let visit = Visit::start("tabs", PACKAGES[0], &[SHORT, ("TOLLGATE_REFRESH_WINDOW", "2")]);
    let browser = &visit.browser;
    visit.log_in();
    let tabs = [browser.tab(), browser.open_tab(&visit.url), browser.open_tab(&visit.url)];
    let mut own_refreshes = 0;
    let mut refreshes_of_others = 0;

    for tab in &tabs {
        browser.switch(tab);
        browser.until(IS_IN);
        browser.until(&format!("{} >= 4", count("refreshed the access token")));
        assert_eq!(visit.call("GET", "/items"), "200");
        own_refreshes +=
            browser.run(&format!("return {}", count("This tab refreshed"))).as_u64().expect("a count");
        refreshes_of_others +=
            browser.run(&format!("return {}", count("Another tab refreshed"))).as_u64().expect("a count");
    }

    println!("three tabs saw {own_refreshes} refreshes of their own and {refreshes_of_others} of other tabs");
    assert!(refreshes_of_others > 0, "tabs share their refreshes");
    for tab in &tabs {
        browser.switch(tab);
        assert_eq!(browser.run(&format!("return {IS_IN}")), true, "all tabs are still logged in");
        visit.assert_no_violation();
    }

    browser.click("#logout");
    for tab in &tabs {
        browser.switch(tab);
        browser.until(IS_OUT);
    }
    assert_eq!(browser.cookies().len(), 0);
}

/// Without locks, messages and storage, every tab refreshes alone. The server answers equal refreshes alike.
fn tabs_without_shared_storage_refresh_too() {
    let visit = Visit::start("alone", PACKAGES[1], &[SHORT]);
    let browser = &visit.browser;
    browser.prepare(
        "Object.defineProperty(navigator, 'locks', {value: undefined}); delete self.BroadcastChannel;
         Object.defineProperty(self, 'localStorage', {get() { throw new Error('no storage'); }});",
    );
    browser.reload();
    visit.log_in();
    let tabs = [browser.tab(), browser.open_tab(&visit.url), browser.open_tab(&visit.url)];

    for tab in &tabs {
        browser.switch(tab);
        browser.until(&format!("{} >= 3", count("This tab refreshed")));
        assert_eq!(browser.run(&format!("return {}", count("Another tab"))), 0);
        assert_eq!(visit.call("GET", "/items"), "200");
    }

    browser.click("#logout");
    for tab in &tabs {
        browser.switch(tab);
        browser.until(IS_OUT);
    }
}

/// Starts another browser with its own cookies and logs in to the same application.
fn log_in_from_another_browser(visit: &Visit, name: &str) -> Browser {
    let other = Browser::start(name).expect("a browser");
    other.open(&visit.url);
    other.until(IS_OUT);
    other.click("#email");
    other.press(&format!("{EMAIL}{TAB}{PASSWORD}{ENTER}"));
    other.until(IS_IN);
    other
}

fn session_is_revoked_from_another_browser() {
    let visit = Visit::start("ended", PACKAGES[2], &[]);
    visit.log_in();
    let other = log_in_from_another_browser(&visit, "ended-other");
    other.until("document.querySelectorAll('#sessions li').length === 2");
    other.click("#sessions button");
    other.until("document.querySelectorAll('#sessions li').length === 1");

    // The first browser learns of it at its next request: both the access token and the refresh are rejected.
    visit.browser.run("document.querySelector(\"button[data-path='/me']\").click()");
    visit.browser.until(IS_OUT);
    assert_eq!(visit.browser.cookies().len(), 0);
    assert_eq!(other.run(&format!("return {IS_IN}")), true);
}

fn logout_everywhere_reaches_all_browsers() {
    let visit = Visit::start("everywhere", PACKAGES[0], &[SHORT]);
    visit.log_in();
    let other = log_in_from_another_browser(&visit, "everywhere-other");
    other.click("#logout-all");
    other.until(IS_OUT);
    // The first browser learns of it at its next refresh, without any action by the user.
    visit.browser.until(IS_OUT);
    visit.log_in();
}
