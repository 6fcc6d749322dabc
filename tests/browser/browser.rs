//! [`Browser`]: Chromium without a window, with a profile of its own.

use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::{Value, json};
use tollgate_conformance::app::scratch;

use crate::driver::Driver;

/// A running browser. Ends when dropped.
pub(crate) struct Browser {
    driver: Driver,
    session: String,
    profile: PathBuf,
    /// What new documents run, in every tab.
    prepared: Mutex<Vec<String>>,
}

/// A tab of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab(String);

/// Keys without a sign of their own (WebDriver §17.4.2).
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const SPACE: &str = " ";

impl Browser {
    /// Starts it. `None` when Chromium or its driver is not installed.
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

    /// Goes there in the tab that is in front, and waits until it has loaded.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// The tab that is in front.
    pub(crate) fn tab(&self) -> Tab {
        Tab(self.get("/window").as_str().expect("a handle").to_owned())
    }

    /// A new tab, in front of the others.
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

    /// What the script returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// What the expression is, once it is something. Waits inside the page.
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
        assert!(!missing, "`{expression}` does not come true; the page says: {}", self.page_text());
        value
    }

    /// Presses keys, one after the other, as a person does: where the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})))
            .collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Clicks on what the selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        let element = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        self.post(&format!("/element/{}/click", element.expect("an element")), &json!({}));
    }

    /// The cookies of the page, those that its scripts cannot see included.
    pub(crate) fn cookies(&self) -> Vec<Value> {
        self.get("/cookie").as_array().expect("cookies").clone()
    }

    /// What the console has said since it was last asked.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        let text = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        entries.as_array().expect("entries").iter().map(text).collect()
    }

    /// From now on, new documents in this tab, and in those that are opened later, run this before anything else.
    pub(crate) fn prepare(&self, script: &str) {
        self.prepare_this_tab(script);
        self.prepared.lock().expect("scripts").push(script.to_owned());
    }

    fn prepare_this_tab(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": script}));
    }

    /// A command of the protocol of the developer tools, for what WebDriver has no word for.
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

/// No window, no calls home. It runs as root in containers, where its own sandbox cannot.
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
