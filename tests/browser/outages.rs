//! A server in trouble logs nobody out, and the page finds back by itself.

use libtest_mimic::{Failed, Trial};
use tollgate_conformance::app::PACKAGES;
use tollgate_conformance::redis::{self, RedisServer};
use tollgate_conformance::services;

use crate::trial;
use crate::visit::{IS_IN, IS_OUT, Visit};

pub(crate) fn trials() -> Vec<Trial> {
    let name = "outages::a_store_that_is_away_logs_nobody_out";
    let redis = if redis::is_installed() {
        trial(name, a_store_that_is_away_logs_nobody_out)
    } else {
        let missing = || Err(Failed::from("redis-server is not installed"));
        Trial::test(name, missing).with_ignored_flag(!services::required())
    };
    vec![trial("outages::a_restart_keeps_the_session", a_restart_keeps_the_session), redis]
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

/// The sessions are in a Redis that is killed and comes back while the page is open.
fn a_store_that_is_away_logs_nobody_out() {
    let mut redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let visit =
        Visit::start("store", PACKAGES[0], &[("TOLLGATE_ACCESS_TTL", "4"), ("TOLLGATE_STORE", &redis.url())]);
    visit.log_in();
    redis.kill();
    visit
        .browser
        .until("document.getElementById('journal').textContent.includes('cannot renew at present (503)')");
    assert_eq!(visit.browser.run(&format!("return {IS_IN}")), true);
    let cookies = visit.browser.cookies().into_iter().map(|cookie| cookie["name"].to_string());
    assert!(cookies.into_iter().any(|name| name.contains("__Host-Http-rt")), "nothing was cleared");
    redis.restart();
    visit
        .browser
        .until("document.querySelector('#journal li').textContent.includes('renewed the access token')");
    assert_eq!(visit.knock("GET", "/items"), "200");

    // Whoever logs out while it is away hears that it was not confirmed.
    redis.kill();
    visit.browser.click("#logout");
    visit.browser.until(IS_OUT);
    visit.browser.until("document.getElementById('login-alert').textContent.includes('could not confirm')");
    assert_eq!(visit.browser.cookies().len(), 0);
    visit.assert_no_violation();
}
