//! Every file of `tests/golden/trust/scan`, with the level and the rules of `verdicts.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::{Finding, Level, Report, Rules, scan_file};

/// The rules whose details are in the table.
const DETAILED: &[&str] = &["pickle-global", "pickle-carved", "keras-foreign-module", "tensorflow-op"];

#[derive(Deserialize)]
struct Verdict {
    level: String,
    /// The findings of this level.
    rules: BTreeSet<String>,
}

#[test]
fn the_verdict_on_every_vector_is_that_of_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/trust/scan");
    let table = fs_err::read(folder.join("verdicts.json")).unwrap();
    let table: BTreeMap<String, Verdict> = serde_json::from_slice(&table).unwrap();
    assert!(table.len() > 100);
    let mut wrong = Vec::new();
    for (name, verdict) in &table {
        let mut file = fs_err::File::open(folder.join(name)).unwrap();
        let size = file.metadata().unwrap().len();
        let report = scan_file(&mut file, size, name, &Rules::default()).unwrap();
        let level = report.level().map_or("clean", Level::as_str);
        let rules = worst(&report);
        if level != verdict.level || rules != verdict.rules {
            wrong.push(format!("{name}: {level} {rules:?}, not {} {:?}", verdict.level, verdict.rules));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the findings of the worst level as the table has them.
fn worst(report: &Report) -> BTreeSet<String> {
    let worst = report.findings.iter().filter(|finding| Some(finding.level) == report.level());
    let listed = |Finding { rule, detail, .. }: &Finding| {
        if DETAILED.contains(rule) { format!("{rule} {detail}") } else { (*rule).to_owned() }
    };
    worst.map(listed).collect()
}
