//! `report`: what it shows, in each format, and what no text in a ModelKit can do to it.

use super::report_scene::{hostile, versions};
use crate::trust::scene::key;
use kit_testkit::sandbox::{Run, Sandbox, repository};
use serde_json::Value;

fn report(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.kit(&[&["report"], args].concat()).ok()
}

/// Returns the text of a page without its markup.
fn words(page: &str) -> String {
    let body = page.split("</style>").nth(1).unwrap();
    let text: Vec<_> = body.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_page_shows_what_people_look_for() {
    let sandbox = versions();
    let public = key("test-p256.pub.pem");
    let said = report(&sandbox, &["net:v3", "--key", &public, "-o", "report.html"]);
    said.says("Wrote `report.html`");
    let page = sandbox.read("report.html");
    let words = words(&page);
    for expected in [
        "Sorts texts.",
        "Signature ✓ Verified",
        "Licence Apache-2.0",
        "Scan ✓ Clean a verified attestation",
        "Parameters 36",
        "This version v2 Change",
        "accuracy 0.92 0.84 +0.08",
        "robustness 0.7 – –",
        "Changed: model, datasets, Kitfile",
        "Since v2, in: model, datasets, configuration.",
        "1 of 2 tensors differ",
        "owner approved 2026-11-20 Grace",
        "2 passed, 0 warned, 0 failed held out",
        "CC-BY-4.0",
    ] {
        assert!(words.contains(expected), "{expected}\n{words}");
    }
    for part in ["<polyline", "dataset, verified by digest", "base:v1", "Content-Security-Policy"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!words.contains("recalled"), "{words}");
}

#[test]
fn a_page_is_complete_in_itself() {
    let sandbox = versions();
    let page = report(&sandbox, &["net:v3"]).stdout;
    for loaded in ["<script", " src=", "url(", "@import", "<link", "<iframe", "http-equiv=\"refresh\""] {
        assert!(!page.contains(loaded), "{loaded}");
    }
    let links: Vec<_> = page.match_indices("href=\"").map(|(at, _)| &page[at + 6..at + 7]).collect();
    assert!(!links.is_empty() && links.iter().all(|begin| *begin == "#"), "{links:?}");
}

#[test]
fn a_recall_comes_first_and_says_if_it_was_verified() {
    let sandbox = versions();
    let page = words(&report(&sandbox, &["net:v2", "--key", &key("test-p256.pub.pem")]).stdout);
    let banner = page.find("This ModelKit was recalled. Labels were swapped. Use instead: net:v3").expect(&page);
    assert!(banner < page.find("Parts").unwrap().max(page.find("Size by type").unwrap()));
    let page = words(&report(&sandbox, &["net:v2"]).stdout);
    assert!(page.contains("A recall of this ModelKit is attached.") && page.contains("not verified"), "{page}");
    let other = key("test-other.pub.pem");
    let page = words(&report(&sandbox, &["net:v2", "--key", &other]).stdout);
    assert!(!page.contains("recalled.") && page.contains("Does not count"), "{page}");
}

#[test]
fn json_has_the_same_facts() {
    let sandbox = versions();
    let json = report(&sandbox, &["net:v3", "--format", "json", "--since", "net:v1", "--scan"]).json();
    assert_eq!(json["changes"]["first"]["reference"], "net:v1");
    assert_eq!(json["history"][0]["metrics"]["metrics.accuracy"], 0.92);
    assert_eq!(json["history"].as_array().unwrap().len(), 3);
    assert_eq!((&json["scans"][0]["manifest"], &json["scans"][0]["verified"]), (&Value::Null, &true.into()));
    assert_eq!(json["scans"][1]["verified"], false, "no key was given");
    assert_eq!(json["signatures"].as_array().unwrap().len(), 4);
    assert_eq!(json["signatures"][0]["standing"], "unchecked");
    assert_eq!(json["task"], "text-classification");
    assert_eq!(json["unknown"].as_array().unwrap().len(), 0, "{}", json["unknown"]);
    sandbox.kit(&["report", "net:v3", "--since", "net:v9"]).fails().says("net:v9");
}

#[test]
fn markdown_is_a_model_card() {
    let sandbox = versions();
    report(&sandbox, &["net:v3", "-o", "README.md"]);
    let card = sandbox.read("README.md");
    for expected in [
        "---\nlicense: apache-2.0\nlibrary_name: pytorch\npipeline_tag: text-classification\n",
        "model-index:\n  - name: net\n",
        "          - type: accuracy\n            name: accuracy\n            value: 0.92\n",
        "\n# net:v3\n\nSorts texts.\n",
        "| `rows` | Dataset | 1 |",
        "```mermaid\nflowchart LR\n",
        "\n## Changes since v2\n",
    ] {
        assert!(card.contains(expected), "{expected}\n{card}");
    }
}

#[test]
fn no_text_becomes_markup() {
    let sandbox = hostile();
    for args in [&["evil:v1"][..], &["evil:v1", "--key", &key("test-p256.pub.pem"), "--since", "evil:v0"]] {
        let page = report(&sandbox, args).stdout;
        assert!(!page.contains("<img") && !page.contains("</script") && !page.contains("onerror=alert(1)>"), "{page}");
        assert_eq!((page.matches("</title>\n<style>").count(), page.matches("</style>").count()), (1, 1));
        assert!(page.matches("&lt;img src=//evil.example/x").count() > 20);
        let card = report(&sandbox, &[args, &["--format", "markdown"]].concat()).stdout;
        let (head, body) = card.split_once("\n---\n").unwrap();
        assert!(!body.replace('`', "").is_empty() && head.starts_with("---\nlicense: other\n"), "{card}");
        for line in body.lines() {
            let line = line.replace("\\`", "");
            let outside: String = line.split('`').step_by(2).collect();
            assert!(!outside.contains("<img") && !outside.contains(" [x]"), "{line}");
        }
    }
}

#[test]
fn a_report_on_nothing_is_not_written() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["report", "nothing:v1", "-o", "report.html"]).fails().says("cannot make a report on `nothing:v1`");
    assert!(!sandbox.path("report.html").exists());
}

#[test]
fn reports_on_modelkits_of_kitops_say_what_they_lack() {
    let sandbox = Sandbox::new();
    for layout in ["every-section-plain", "every-section-gzip", "long-names", "nested-layers", "non-ascii-names"] {
        let folder = repository().join("tests/golden/layouts").join(layout);
        let index: Value = serde_json::from_str(&fs_err::read_to_string(folder.join("index.json")).unwrap()).unwrap();
        let name = format!("oci:{}@{}", folder.display(), index["manifests"][0]["digest"].as_str().unwrap());
        let json = report(&sandbox, &[&name, "--format", "json"]).json();
        assert!(!json["parts"].as_array().unwrap().is_empty(), "{layout}");
        assert!(json["parts"].as_array().unwrap().iter().all(|part| part["files"].is_u64()), "{layout}: {json}");
        let page = words(&report(&sandbox, &[&name]).stdout);
        for expected in ["Packed Unknown no provenance is attached", "Signature ! None", "Not scanned"] {
            assert!(page.contains(expected), "{layout}: {expected}\n{page}");
        }
    }
}
