//! A server in trouble logs nobody out, and the page finds back by itself.

use libtest_mimic::Trial;
use tollgate_conformance::app::PACKAGES;

use crate::trial;
use crate::visit::{IS_IN, Visit};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("outages::a_restart_keeps_the_session", a_restart_keeps_the_session)]
}

/// The application ends and comes back while the page is open, and again while the browser is elsewhere.
fn a_restart_keeps_the_session() {
    let mut visit = Visit::start("restart", PACKAGES[0], &[("TOLLGATE_ACCESS_TTL", "4")]);
    visit.log_in();
    visit.kill_app();
    visit.browser.until("document.getElementById('journal').textContent.includes('does not answer')");
    assert_eq!(visit.browser.run(&format!("return {IS_IN}")), true);
    visit.start_app();
    visit
        .browser
        .until("document.querySelector('#journal li').textContent.includes('renewed the access token')");
    assert_eq!(visit.knock("GET", "/items"), "200");
    visit.browser.open("about:blank");
    visit.kill_app();
    visit.start_app();
    visit.browser.open(&visit.url);
    visit.browser.until(IS_IN);
    assert_eq!(visit.knock("GET", "/me"), "200");
    visit.assert_no_violation();
}
