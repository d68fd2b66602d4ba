//! Reading the keys of a rule about approvals and recalls.

use super::decoder::{Decoder, Table, Value};
use super::document::{RecallMode, RecallRule, RequiredApproval, Rule};
use super::rule::{names_of_keys, signers};
use crate::problem::quoted;

/// Reads the list `approvals`.
pub(super) fn approvals<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, keys: &[&str]) -> Vec<RequiredApproval> {
    let Some(value) = table.get("approvals") else { return Vec::new() };
    let Some(items) = value.get_ref().as_array().filter(|items| !items.is_empty()) else {
        decoder.wrong(value, "approvals", "a list of tables that is not empty, as in [{ role = \"sre\", … }]");
        return Vec::new();
    };
    let mut approvals: Vec<RequiredApproval> = Vec::new();
    for item in items {
        let Some(approval) = approval(decoder, item, keys) else { continue };
        if approvals.iter().any(|other| other.role == approval.role) {
            decoder.complain(item.span(), "approvals", format!("{} is in `approvals` twice", quoted(&approval.role)));
        }
        approvals.push(approval);
    }
    approvals
}

fn approval<'t>(decoder: &mut Decoder<'t>, value: &Value<'t>, keys: &[&str]) -> Option<RequiredApproval> {
    let table = decoder.table(value, "approvals", &["role", "signed-by"])?;
    for key in ["role", "signed-by"] {
        if table.get(key).is_none() {
            decoder.missing(table, key);
        }
    }
    let signed_by = signers(decoder, table, keys);
    let role = decoder.string(table, "role")?.to_owned();
    Some(RequiredApproval { role, signed_by: signed_by? })
}

/// Reads `recalled` and `recall-by`.
pub(super) fn recalled<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, keys: &[&str]) -> RecallRule {
    let modes = [("refuse", RecallMode::Refuse), ("warn", RecallMode::Warn), ("allow", RecallMode::Allow)];
    let mode = decoder.choice(table, "recalled", &modes).unwrap_or_default();
    let by = table.get("recall-by").and_then(|value| {
        let inner = decoder.table(value, "recall-by", &["any"])?;
        if inner.get("any").is_none() {
            decoder.missing(inner, "any");
        }
        names_of_keys(decoder, inner, "any", keys)
    });
    RecallRule { mode, by }
}

/// Reports settings about recalls without an effect.
pub(super) fn expect_effect<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, rule: &Rule) {
    let is_allowed = rule.recalled.mode == RecallMode::Allow;
    if let Some(value) = table.get("recall-by").filter(|_| is_allowed) {
        decoder.complain(value.span(), "recall-by", "`recall-by` has no effect beside `recalled = \"allow\"`");
    }
    if let Some(value) = table.get("recalled").filter(|_| !is_allowed && rule.recall_keys().is_empty()) {
        let message = "`recalled` has no effect: the rule has no keys whose recalls count; add `recall-by`";
        decoder.complain(value.span(), "recalled", message);
    }
}
