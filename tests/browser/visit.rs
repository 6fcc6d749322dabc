//! [`Visit`]: an example application and a browser that shows its page.

use std::net::SocketAddr;
use std::path::PathBuf;

use tollgate_tests::app::{App, free_address, scratch};

use crate::browser::{Browser, ENTER, TAB};

pub(crate) const EMAIL: &str = "demo@tollgate.example";
pub(crate) const PASSWORD: &str = "seven quiet boats drift past the mill";

/// A running application whose demo account has the password [`PASSWORD`], and a browser on its page.
pub(crate) struct Visit {
    pub(crate) browser: Browser,
    pub(crate) url: String,
    app: Option<App>,
    address: SocketAddr,
    package: &'static str,
    environment: Vec<(String, String)>,
    data: PathBuf,
}

impl Visit {
    /// Starts both, with the application at `http://127.0.0.1` and a free port.
    pub(crate) fn start(name: &str, package: &'static str, environment: &[(&str, &str)]) -> Self {
        Self::start_as("127.0.0.1", name, package, environment)
    }

    /// Starts both, with the browser addressing the application by this name of the loopback interface.
    pub(crate) fn start_as(
        host: &str,
        name: &str,
        package: &'static str,
        environment: &[(&str, &str)],
    ) -> Self {
        let (address, data) = (free_address(), scratch(name));
        let url = format!("http://{host}:{}", address.port());
        let known = [
            ("RUST_LOG", "warn"),
            ("TOLLGATE_PUBLIC_ORIGIN", &*url),
            ("TOLLGATE_DEMO_EMAIL", EMAIL),
            ("TOLLGATE_DEMO_PASSWORD", PASSWORD),
        ];
        let all = known.iter().chain(environment);
        let environment = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let browser = Browser::start(name).expect("a browser");
        browser.prepare(WATCH);
        let mut visit = Self { browser, url, app: None, address, package, environment, data };
        visit.start_app();
        visit.browser.open(&visit.url);
        visit
    }

    pub(crate) fn start_app(&mut self) {
        let environment: Vec<_> = self.environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.app = Some(App::start_at(self.address, self.package, &self.data, &environment));
    }

    pub(crate) fn kill_app(&mut self) {
        self.app = None;
    }

    /// Logs in through the form.
    pub(crate) fn log_in(&self) {
        self.browser.until("!document.getElementById('outside').hidden");
        self.browser.click("#email");
        self.browser.press(&format!("{EMAIL}{TAB}{PASSWORD}{ENTER}"));
        self.browser.until(IS_IN);
    }

    /// Clicks the button of a route and returns the status that the page shows.
    pub(crate) fn call(&self, method: &str, path: &str) -> String {
        let button = format!("button[data-method={method}][data-path='{path}']");
        self.browser.run(&format!("document.querySelector(\"{button} .result\").textContent = ''"));
        self.browser.click(&button);
        let result = self.browser.until(&format!("document.querySelector(\"{button} .result\").textContent"));
        result.as_str().expect("a text").to_owned()
    }

    /// Asserts that the current tab reported no violation of its content security policy and no script error.
    pub(crate) fn assert_no_violation(&self) {
        assert_eq!(self.browser.run("return window.watched.join()"), "");
        let console = self.browser.console();
        let bad = ["Content Security Policy", "Trusted", "Uncaught"];
        assert!(!console.iter().any(|line| bad.iter().any(|bad| line.contains(bad))), "{console:?}");
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.app = None;
        let _removed = std::fs::remove_dir_all(&self.data);
    }
}

pub(crate) const IS_IN: &str = "document.body.dataset.state === 'in'";
pub(crate) const IS_OUT: &str = "document.body.dataset.state === 'out'";

/// Collects policy violations and script errors.
const WATCH: &str = "
    window.watched = [];
    addEventListener('securitypolicyviolation', (event) => watched.push(`${event.violatedDirective} ${event.blockedURI}`));
    addEventListener('error', (event) => watched.push(event.message));
    addEventListener('unhandledrejection', (event) => watched.push(String(event.reason)));
";
