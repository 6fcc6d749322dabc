//! The demo page in a real browser: Debian's Chromium, without a window, driven over WebDriver.

mod browser;
mod cross_site;
mod driver;
mod elsewhere;
mod outages;
mod page;
mod pictures;
mod tabs;
mod visit;

use libtest_mimic::{Arguments, Failed, Trial};
use tollgate_conformance::services;

use browser::Browser;

fn main() {
    let arguments = Arguments::from_args();
    let trials = match Browser::start("probe") {
        Some(_) => {
            [page::trials(), tabs::trials(), cross_site::trials(), outages::trials(), pictures::trials()]
                .into_iter()
                .flatten()
                .collect()
        }
        None => vec![missing()],
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// A trial whose body panics when it fails.
fn trial(name: &str, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok::<_, Failed>(())
    })
}

/// One ignored test where the programs are not there; a failing one where they have to be.
fn missing() -> Trial {
    let message =
        "Chromium and its driver are not installed; on Debian: apt-get install chromium chromium-driver";
    Trial::test("chromium::is_installed", move || Err(Failed::from(message)))
        .with_ignored_flag(!services::required())
}
