//! Outages of the application and of its store do not log users out, and the page recovers by itself.

use libtest_mimic::{Failed, Trial};
use tollgate_tests::app::PACKAGES;
use tollgate_tests::redis::{self, RedisServer};
use tollgate_tests::services;

use crate::trial;
use crate::visit::{IS_IN, IS_OUT, Visit};

pub(crate) fn trials() -> Vec<Trial> {
    let name = "outages::store_outage_keeps_users_logged_in";
    let redis = if redis::is_installed() {
        trial(name, store_outage_keeps_users_logged_in)
    } else {
        let missing = || Err(Failed::from("redis-server is not installed"));
        Trial::test(name, missing).with_ignored_flag(!services::required())
    };
    vec![
        trial("outages::application_restart_keeps_the_session", application_restart_keeps_the_session),
        redis,
    ]
}

/// The application restarts while the page is open, and again while the browser shows another page.
fn application_restart_keeps_the_session() {
    let mut visit = Visit::start("restart", PACKAGES[0], &[("TOLLGATE_ACCESS_TTL", "4")]);
    visit.log_in();
    visit.kill_app();
    visit.browser.until("document.getElementById('journal').textContent.includes('does not respond')");
    assert_eq!(visit.browser.run(&format!("return {IS_IN}")), true);

    visit.start_app();
    visit
        .browser
        .until("document.querySelector('#journal li').textContent.includes('refreshed the access token')");
    assert_eq!(visit.call("GET", "/items"), "200");

    visit.browser.open("about:blank");
    visit.kill_app();
    visit.start_app();
    visit.browser.open(&visit.url);
    visit.browser.until(IS_IN);
    assert_eq!(visit.call("GET", "/me"), "200");
    visit.assert_no_violation();
}

/// The Redis that holds the sessions is killed and restarted while the page is open.
fn store_outage_keeps_users_logged_in() {
    let mut redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let visit =
        Visit::start("store", PACKAGES[0], &[("TOLLGATE_ACCESS_TTL", "4"), ("TOLLGATE_STORE", &redis.url())]);
    visit.log_in();
    redis.kill();
    visit.browser.until(
        "document.getElementById('journal').textContent.includes('refresh the session right now (503)')",
    );
    assert_eq!(visit.browser.run(&format!("return {IS_IN}")), true);
    let cookies = visit.browser.cookies().into_iter().map(|cookie| cookie["name"].to_string());
    assert!(cookies.into_iter().any(|name| name.contains("__Host-Http-rt")), "nothing was cleared");
    redis.restart();
    visit
        .browser
        .until("document.querySelector('#journal li').textContent.includes('refreshed the access token')");
    assert_eq!(visit.call("GET", "/items"), "200");

    // A logout during the outage is reported as unconfirmed.
    redis.kill();
    visit.browser.click("#logout");
    visit.browser.until(IS_OUT);
    visit.browser.until("document.getElementById('login-alert').textContent.includes('could not confirm')");
    assert_eq!(visit.browser.cookies().len(), 0);
    visit.assert_no_violation();
}
