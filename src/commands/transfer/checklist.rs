//! The checklist of a promotion: what the policies for the destination require, and what is missing.

use serde_json::json;

use crate::context::Context;
use crate::output::{one_line, table};
use kit_core::ops::{Checklist, Judged};
use kit_core::trust::policy::{Outcome, Requirement, Row};

/// Shows the checklist on standard error, and adds it to the document. Without a rule for the destination, there is
/// none.
pub(super) fn show(context: &Context, checklist: &Checklist) {
    for judged in &checklist.judged {
        let Judged { file, line, pattern, verdict, .. } = judged;
        let rule = pattern.as_ref().map_or_else(|| "no rule".to_owned(), |pattern| format!("rule for `{pattern}`"));
        context.output.say(&format!("Checklist of the {rule} in {file}:{line}"));
        let cells = |row: &Row| {
            let ask = if row.ask.is_empty() { String::new() } else { format!("; ask {}", row.ask.join(", ")) };
            let reason = one_line(&format!("{}{ask}", row.reason));
            [state(row).to_owned(), row.requirement.as_str().to_owned(), reason]
        };
        let rows: Vec<_> = verdict.rows.iter().map(cells).collect();
        // Its first line has the headings.
        table::render(["", "", ""], &rows).lines().skip(1).for_each(|line| context.output.say(&format!("  {line}")));
        for row in &verdict.rows {
            context.receipt.append(
                "checklist",
                json!({
                    "file": file,
                    "line": line,
                    "match": pattern,
                    "requirement": row.requirement.as_str(),
                    "state": state(row),
                    "reason": row.reason,
                    "ask": row.ask,
                }),
            );
        }
    }
}

/// The word for the outcome of a requirement.
fn state(row: &Row) -> &'static str {
    let can_be_added = matches!(
        row.requirement,
        Requirement::SignedBy | Requirement::Attestation | Requirement::Approval | Requirement::FilesSigned
    );
    match row.outcome {
        Outcome::Satisfied => "there",
        Outcome::Warned => "warned",
        Outcome::Failed if can_be_added => "missing",
        Outcome::Failed => "refused",
    }
}
