//! The demo page in headless Chromium, controlled over WebDriver.

mod browser;
mod cross_site;
mod driver;
mod other_site;
mod outages;
mod page;
mod screenshots;
mod tabs;
mod visit;
mod web_socket;

use libtest_mimic::{Arguments, Failed, Trial};
use tollgate_tests::services;

use browser::Browser;

fn main() {
    let arguments = Arguments::from_args();
    let trials = match Browser::start("probe") {
        Some(_) => {
            let trials = [
                page::trials(),
                tabs::trials(),
                cross_site::trials(),
                outages::trials(),
                screenshots::trials(),
                web_socket::trials(),
            ];
            trials.into_iter().flatten().collect()
        }
        None => vec![missing()],
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// Makes a test of a body that panics on failure.
fn trial(name: &str, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok::<_, Failed>(())
    })
}

/// Returns one test that stands for all others if the programs are missing. It is ignored, or fails if they are
/// required.
fn missing() -> Trial {
    let message =
        "Chromium and its driver are not installed; on Debian: apt-get install chromium chromium-driver";
    Trial::test("chromium::is_installed", move || Err(Failed::from(message)))
        .with_ignored_flag(!services::required())
}
