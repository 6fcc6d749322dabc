//! The layout of the page on a desktop and a phone, light and dark: nothing overflows the window, and text has enough
//! contrast. Screenshots for review go to `target/tmp/browser`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use serde_json::json;
use tollgate_tests::app::PACKAGES;

use crate::trial;
use crate::visit::{IS_OUT, Visit};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("screenshots::text_fits_and_has_contrast", text_fits_and_has_contrast)]
}

fn text_fits_and_has_contrast() {
    let visit = Visit::start("screenshots", PACKAGES[0], &[]);
    visit.browser.until(IS_OUT);
    check_layout(&visit, "out");
    visit.log_in();
    visit.browser.until("document.querySelectorAll('#sessions li').length === 1");

    for (method, path) in
        [("GET", "/public"), ("GET", "/whoami"), ("GET", "/me"), ("GET", "/admin"), ("POST", "/items")]
    {
        visit.call(method, path);
    }

    visit.call("GET", "/items");
    check_layout(&visit, "in");
}

fn check_layout(visit: &Visit, state: &str) {
    let browser = &visit.browser;
    for (device, width, height, scale) in [("desktop", 1200, 900, 1), ("phone", 390, 844, 2)] {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": device == "phone"});
        browser.devtools("Emulation.setDeviceMetricsOverride", &size);
        for scheme in ["light", "dark"] {
            let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            browser.devtools("Emulation.setEmulatedMedia", &features);
            let overflow = browser
                .run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(overflow, 0, "{state}, {device}");
            let faint = browser.run(CONTRAST);
            assert_eq!(faint, json!([]), "{state}, {device}, {scheme}");
            save(visit, &format!("{state}-{device}-{scheme}"));
        }
    }
}

fn save(visit: &Visit, name: &str) {
    let size = visit.browser.run("return [innerWidth, document.documentElement.scrollHeight]");
    let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
    let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    let screenshot = visit.browser.devtools("Page.captureScreenshot", &wanted);
    let screenshot = STANDARD.decode(screenshot["data"].as_str().expect("base64")).expect("base64");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join(format!("{name}.png")), screenshot).expect("written");
}

/// Returns the elements whose own text has a contrast of less than 4.5 to 1 (WCAG 2.2, 1.4.3).
const CONTRAST: &str = r#"
    const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parts(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const faint = [];
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility()) continue;
        const [one, other] = [luminance(parts(getComputedStyle(element).color)), luminance(behind(element))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < 4.5) faint.push(`${element.tagName} ${element.id} ${ratio.toFixed(2)}`);
    }
    return faint;
"#;
