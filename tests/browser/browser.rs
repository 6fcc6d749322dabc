//! [`Browser`]: headless Chromium with its own profile.

use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::{Value, json};
use tollgate_tests::app::scratch;

use crate::driver::Driver;

/// A running browser. Dropping it closes the browser.
pub(crate) struct Browser {
    driver: Driver,
    session: String,
    profile: PathBuf,
    /// Scripts that run in every new document of every tab.
    prepared: Mutex<Vec<String>>,
}

/// A tab of a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab(String);

/// Keys without a printable character (WebDriver §17.4.2).
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const SPACE: &str = " ";

impl Browser {
    /// Starts a browser. Returns `None` if Chromium or its driver is not installed.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let (driver, profile) = (Driver::start()?, scratch(&format!("browser-{name}")));
        let directory = format!("--user-data-dir={}", profile.display());
        let arguments: Vec<_> = ARGUMENTS.into_iter().chain([&*directory]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": arguments},
            "timeouts": {"script": 120_000, "pageLoad": 120_000},
        }}});
        let answer = driver.exchange("POST", "/session", &wanted)?;
        let session = answer["value"]["sessionId"].as_str()?.to_owned();
        Some(Self { driver, session, profile, prepared: Mutex::default() })
    }

    /// Opens a URL in the current tab and waits until the page has loaded.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// Returns the current tab.
    pub(crate) fn tab(&self) -> Tab {
        Tab(self.get("/window").as_str().expect("a handle").to_owned())
    }

    /// Opens a URL in a new tab and makes it the current one.
    pub(crate) fn open_tab(&self, url: &str) -> Tab {
        let made = self.post("/window/new", &json!({"type": "tab"}));
        let tab = Tab(made["handle"].as_str().expect("a handle").to_owned());
        self.switch(&tab);
        for script in self.prepared.lock().expect("scripts").iter() {
            self.prepare_this_tab(script);
        }
        self.open(url);
        tab
    }

    pub(crate) fn switch(&self, tab: &Tab) {
        self.post("/window", &json!({"handle": tab.0}));
    }

    /// Runs a script in the page and returns its result.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until a JavaScript expression is truthy and returns its value. The page itself polls it.
    pub(crate) fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; let tries = 0;
             const look = async () => {{
                 const value = await (async () => ({expression}))().catch(() => null);
                 if (value || ++tries > 600) done(value ?? null); else setTimeout(look, 100);
             }};
             look();"
        );
        let value = self.post("/execute/async", &json!({"script": script, "args": []}));
        let missing = matches!(&value, Value::Null | Value::Bool(false));
        assert!(!missing, "`{expression}` stays false; the page shows: {}", self.page_text());
        value
    }

    /// Presses keys one after the other. They go to the focused element.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})))
            .collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Clicks the first element that the selector matches.
    pub(crate) fn click(&self, selector: &str) {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        let element = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        self.post(&format!("/element/{}/click", element.expect("an element")), &json!({}));
    }

    /// Returns the cookies of the page, including `HttpOnly` ones.
    pub(crate) fn cookies(&self) -> Vec<Value> {
        self.get("/cookie").as_array().expect("cookies").clone()
    }

    /// Returns the console messages since the last call.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        let text = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        entries.as_array().expect("entries").iter().map(text).collect()
    }

    /// Makes every further document in this tab and in later tabs run a script before its own.
    pub(crate) fn prepare(&self, script: &str) {
        self.prepare_this_tab(script);
        self.prepared.lock().expect("scripts").push(script.to_owned());
    }

    fn prepare_this_tab(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": script}));
    }

    /// Sends a command of the Chrome DevTools Protocol, for what WebDriver cannot express.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    fn page_text(&self) -> String {
        let text = self.run("return document.body ? document.body.innerText : ''");
        text.as_str().unwrap_or_default().to_owned()
    }

    fn get(&self, path: &str) -> Value {
        self.driver.ask("GET", &self.path(path), &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.driver.ask("POST", &self.path(path), body)
    }

    fn path(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ended = self.driver.exchange("DELETE", &self.path(""), &Value::Null);
        let _removed = std::fs::remove_dir_all(&self.profile);
    }
}

/// No window and no background traffic. No sandbox: in containers the browser runs as root, which the sandbox refuses.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1200,900",
];
