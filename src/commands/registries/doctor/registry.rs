//! The diagnosis of a registry or a repository.

use serde_json::{Value, json};

use crate::output::table;
use kit_core::registry::{Finding, SaidBy};

pub(super) fn render(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        [finding.topic.to_owned(), finding.found.clone(), source(finding.said_by).to_owned(), finding.plan.clone()]
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    table::render(["TOPIC", "FOUND", "SOURCE", "WHAT KIT DOES"], &rows)
}

pub(super) fn to_json(finding: &Finding) -> Value {
    json!({
        "topic": finding.topic,
        "supported": finding.is_supported,
        "found": finding.found,
        "source": source(finding.said_by),
        "plan": finding.plan,
    })
}

fn source(said_by: SaidBy) -> &'static str {
    match said_by {
        SaidBy::Answer => "answer",
        SaidBy::Configuration => "configuration",
        SaidBy::Learned => "learned",
        SaidBy::Table => "table",
        SaidBy::Default => "default",
    }
}
