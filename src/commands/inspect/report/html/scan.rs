//! The results of scans.

use serde_json::Value;

use super::super::facts::{Tone, capitalized, scan_source};
use super::blocks::{Kind, Section, badge, digest, facts_list, path_name, table};
use crate::output::counted;
use crate::output::page::{Html, element};
use kit_core::ops::{Report, ScanSummary};
use kit_core::progress::human;

/// The most findings that are listed.
const FINDINGS: usize = 100;

pub(super) fn section(report: &Report) -> Section {
    let section = Section::new("scan", "Scan");
    if report.scans.is_empty() {
        let lead = "Not scanned, and no result of a scan is attached. `kit report --scan` scans the files.";
        return section.lead(lead);
    }
    report.scans.iter().fold(section, |section, scan| section.add(one(scan)))
}

fn one(scan: &ScanSummary) -> Html {
    let level = scan.level();
    let tone = match level {
        "clean" if scan.is_verified => Tone::Good,
        "high" => Tone::Bad,
        _ => Tone::Caution,
    };
    let source = element("p").add(badge(tone, &capitalized(level))).text(&format!(" {} ", scan_source(scan)));
    let source = match &scan.manifest {
        Some(manifest) => source.add(digest(manifest)),
        None => source,
    };
    let number = |name: &str| scan.document.get(name).and_then(Value::as_u64);
    let scanner = |name: &str| scan.document.get("scanner").and_then(|it| it.get(name)).and_then(Value::as_str);
    let skipped = scan.document.get("skipped").and_then(Value::as_array).map_or(0, Vec::len);
    let facts = facts_list([
        ("Files", number("files").map(|files| files.to_string())),
        ("Size", number("bytes").map(human)),
        ("Not read", (skipped > 0).then(|| counted(skipped, "file"))),
        ("Scanner", scanner("name").map(|name| format!("{name} {}", scanner("version").unwrap_or_default()))),
    ]);
    [Some(source.into()), facts, findings(scan.findings())].into_iter().flatten().collect()
}

fn findings(findings: &[Value]) -> Option<Html> {
    let columns = [("File", Kind::Text), ("Level", Kind::Text), ("Rule", Kind::Extra), ("Finding", Kind::Text)];
    let row = |finding: &Value| {
        let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tone = match text("level").as_str() {
            "high" => Tone::Bad,
            "medium" => Tone::Caution,
            _ => Tone::Neutral,
        };
        [
            path_name(&text("path")),
            badge(tone, &text("level")).into(),
            Html::text(&text("rule")),
            Html::text(&text("detail")),
        ]
    };
    let table = (!findings.is_empty()).then(|| table("Findings", columns, findings.iter().take(FINDINGS).map(row)))?;
    let more = findings.len().saturating_sub(FINDINGS);
    let more = (more > 0).then(|| element("p").class("more").text(&format!("and {more} more findings")).into());
    Some([Some(table), more].into_iter().flatten().collect())
}
