//! `report` in Chromium: no errors, no requests, nothing wider than a phone, and no markup from a ModelKit.
//!
//! The tests run if there is a Chromium on the PATH; otherwise `scripts/test.sh` reports that they were skipped.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::report_scene::{hostile, versions};
use kit_testkit::sandbox::Sandbox;

/// The width of a small phone in CSS pixels.
const PHONE: u32 = 360;

/// Returns the path of the browser, if it is installed.
#[allow(clippy::disallowed_methods, reason = "the rule is for the program, not for tests")]
fn chromium() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let paths = ["chromium", "chromium-browser", "google-chrome"];
    let mut found = std::env::split_paths(&folders).flat_map(|folder| paths.map(|name| folder.join(name)));
    found.find(|path| path.is_file())
}

/// A page that shows `report.html` in a frame of the given width, and replaces itself by its measurements.
fn frame(width: u32) -> String {
    format!(
        r##"<!DOCTYPE html><body style="margin:0">
<iframe src="report.html" style="width:{width}px;height:900px;border:0"></iframe><script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const measured = {{
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    requests: page.defaultView.performance.getEntriesByType("resource").length,
    elements: page.querySelectorAll("script, img, iframe, object, embed, link, form, base").length,
    links: [...page.querySelectorAll("a")].filter(a => !a.getAttribute("href").startsWith("#")).length,
    text: page.body.innerText,
    charts: [...page.querySelectorAll("svg[role=img]")].filter(svg => svg.querySelector("title")).length,
    unnamed: [...page.querySelectorAll("svg")].filter(svg => !svg.querySelector("title")).length,
    background: getComputedStyle(page.body).backgroundColor,
  }};
  document.body.textContent = JSON.stringify(measured);
}};
</script>"##
    )
}

/// Shows `report.html` of the sandbox in a frame, and returns its measurements and the messages of the console.
fn measure(sandbox: &Sandbox, chromium: &PathBuf, width: u32) -> (Value, String) {
    sandbox.write("frame.html", frame(width));
    let run = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--allow-file-access-from-files", "--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", sandbox.path("chromium").display()))
        .args(["--timeout=20000", "--dump-dom"])
        .arg(format!("file://{}", sandbox.path("frame.html").display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (page, log) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8_lossy(&run.stderr).into_owned());
    let json = page.split_once('{').and_then(|(_, rest)| Some(format!("{{{}}}", rest.rsplit_once('}')?.0)));
    let json = json.unwrap_or_else(|| panic!("{page}\n{log}"));
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let console = log.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n");
    (serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}")), console)
}

/// Checks everything that is true of all reports.
fn check(sandbox: &Sandbox, chromium: &PathBuf) -> Value {
    let (phone, console) = measure(sandbox, chromium, PHONE);
    assert_eq!(console, "");
    for (name, expected) in [("requests", 0), ("elements", 0), ("links", 0), ("unnamed", 0), ("overflow", 0)] {
        assert_eq!(phone[name], expected, "{name}: {phone}");
    }
    let (desktop, console) = measure(sandbox, chromium, 1280);
    assert_eq!((console.as_str(), &desktop["overflow"]), ("", &0.into()), "{desktop}");
    desktop
}

#[test]
fn a_browser_shows_the_page_without_requests_and_on_a_phone() {
    let Some(chromium) = chromium() else { return };
    let sandbox = versions();
    sandbox.kit(&["report", "net:v3", "-o", "report.html"]).ok();
    let shown = check(&sandbox, &chromium);
    assert!(shown["charts"].as_u64().unwrap() >= 4, "{shown}");
    for text in ["net:v3", "Sorts texts.", "Lineage", "accuracy", "Grace"] {
        assert!(shown["text"].as_str().unwrap().contains(text), "{text}: {shown}");
    }
}

#[test]
fn a_browser_finds_no_markup_of_a_hostile_modelkit() {
    let Some(chromium) = chromium() else { return };
    let sandbox = hostile();
    sandbox.kit(&["report", "evil:v1", "-o", "report.html"]).ok();
    let shown = check(&sandbox, &chromium);
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("</script><img src=//evil.example/x onerror=alert(1)>"), "{text}");
}
