//! Several tabs, and several browsers: one session is renewed by whoever is first, and ends everywhere.

use libtest_mimic::Trial;
use tollgate_conformance::app::PACKAGES;

use crate::browser::{Browser, ENTER, TAB};
use crate::trial;
use crate::visit::{EMAIL, IS_IN, IS_OUT, PASSWORD, Visit};

/// Seconds that an access token lives.
const SHORT: (&str, &str) = ("TOLLGATE_ACCESS_TTL", "4");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("tabs::three_renew_silently_and_end_together", three_renew_silently_and_end_together),
        trial("tabs::those_that_cannot_talk_renew_as_well", those_that_cannot_talk_renew_as_well),
        trial("tabs::a_session_is_ended_from_another_browser", a_session_is_ended_from_another_browser),
        trial("tabs::logging_out_everywhere_ends_all_browsers", logging_out_everywhere_ends_all_browsers),
    ]
}

/// How often the journal says this.
fn count(what: &str) -> String {
    format!(
        "[...document.querySelectorAll('#journal li')].filter((entry) => entry.textContent.includes('{what}')).length"
    )
}

/// The window in which an old token gets the same answer is shorter than the time between renewals: every one rotates.
fn three_renew_silently_and_end_together() {
    let visit = Visit::start("tabs", PACKAGES[0], &[SHORT, ("TOLLGATE_REFRESH_WINDOW", "2")]);
    let browser = &visit.browser;
    visit.log_in();
    let tabs = [browser.tab(), browser.open_tab(&visit.url), browser.open_tab(&visit.url)];
    let mut renewed_here = 0;
    let mut renewed_elsewhere = 0;
    for tab in &tabs {
        browser.switch(tab);
        browser.until(IS_IN);
        browser.until(&format!("{} >= 4", count("renewed the access token")));
        assert_eq!(visit.knock("GET", "/items"), "200");
        renewed_here +=
            browser.run(&format!("return {}", count("This tab renewed"))).as_u64().expect("a count");
        renewed_elsewhere +=
            browser.run(&format!("return {}", count("Another tab renewed"))).as_u64().expect("a count");
    }
    println!("renewals seen by three tabs: {renewed_here} their own, {renewed_elsewhere} of others");
    assert!(renewed_elsewhere > 0, "tabs hear of each other");
    for tab in &tabs {
        browser.switch(tab);
        assert_eq!(browser.run(&format!("return {IS_IN}")), true, "nobody was logged out");
        visit.assert_no_violation();
    }
    browser.click("#logout");
    for tab in &tabs {
        browser.switch(tab);
        browser.until(IS_OUT);
    }
    assert_eq!(browser.cookies().len(), 0);
}

/// Without locks, without messages, without anything kept: the server takes equal renewals for one.
fn those_that_cannot_talk_renew_as_well() {
    let visit = Visit::start("alone", PACKAGES[1], &[SHORT]);
    let browser = &visit.browser;
    browser.prepare(
        "Object.defineProperty(navigator, 'locks', {value: undefined}); delete self.BroadcastChannel;
         Object.defineProperty(self, 'localStorage', {get() { throw new Error('nothing is kept'); }});",
    );
    browser.reload();
    visit.log_in();
    let tabs = [browser.tab(), browser.open_tab(&visit.url), browser.open_tab(&visit.url)];
    for tab in &tabs {
        browser.switch(tab);
        browser.until(&format!("{} >= 3", count("This tab renewed")));
        assert_eq!(browser.run(&format!("return {}", count("Another tab"))), 0);
        assert_eq!(visit.knock("GET", "/items"), "200");
    }
    browser.click("#logout");
    for tab in &tabs {
        browser.switch(tab);
        browser.until(IS_OUT);
    }
}

/// Another browser, with cookies of its own, on the page of the first.
fn log_in_elsewhere(visit: &Visit, name: &str) -> Browser {
    let other = Browser::start(name).expect("a browser");
    other.open(&visit.url);
    other.until(IS_OUT);
    other.click("#email");
    other.press(&format!("{EMAIL}{TAB}{PASSWORD}{ENTER}"));
    other.until(IS_IN);
    other
}

fn a_session_is_ended_from_another_browser() {
    let visit = Visit::start("ended", PACKAGES[2], &[]);
    visit.log_in();
    let other = log_in_elsewhere(&visit, "ended-other");
    other.until("document.querySelectorAll('#sessions li').length === 2");
    other.click("#sessions button");
    other.until("document.querySelectorAll('#sessions li').length === 1");
    // It finds out at its next request: the token is refused, and so is its renewal.
    visit.browser.run("document.querySelector(\"button[data-path='/me']\").click()");
    visit.browser.until(IS_OUT);
    assert_eq!(visit.browser.cookies().len(), 0);
    assert_eq!(other.run(&format!("return {IS_IN}")), true);
}

fn logging_out_everywhere_ends_all_browsers() {
    let visit = Visit::start("everywhere", PACKAGES[0], &[SHORT]);
    visit.log_in();
    let other = log_in_elsewhere(&visit, "everywhere-other");
    other.click("#logout-all");
    other.until(IS_OUT);
    // Nothing is done here: the next renewal tells.
    visit.browser.until(IS_OUT);
    visit.log_in();
}
