//! `kit inspect --trust`: the signatures and attestations beside a ModelKit, none of them verified.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::commands::trust::{material, predicate_word};
use crate::context::Context;
use crate::output::{Format, table};
use kit_core::ops::{self, Beside, Located};
use kit_core::problem::printable;
use kit_core::progress::human;
use kit_core::trust::Candidate;

/// The members of the JSON document.
pub(super) const MEMBERS: [&str; 3] = ["digest", "verified", "signatures"];

const HEADINGS: [&str; 5] = ["FORM", "TYPE", "SIGNER (NOT VERIFIED)", "SIZE", "DIGEST"];

/// Prints what is beside `found`.
pub(super) fn print(context: &Context, format: &Format, found: &Located, name: &str) -> Result<()> {
    let beside = ops::beside(found).with_context(|| format!("could not find out what is attached to `{name}`"))?;
    if beside.candidates.is_cut_off {
        context.output.warn("there are more signatures than are read");
    }
    let signatures: Vec<Value> = beside.candidates.found.iter().map(to_json).chain(others(&beside)).collect();
    let data = json!({ "digest": beside.subject.digest, "verified": false, "signatures": signatures });
    let render = || {
        let rows: Vec<_> = signatures.iter().map(row).collect();
        if rows.is_empty() {
            "nothing is attached that could be a signature".to_owned()
        } else {
            table::render(HEADINGS, &rows)
        }
    };
    Ok(context.output.result(format.render(&data, render)?)?)
}

fn to_json(candidate: &Candidate) -> Value {
    let signed = candidate.document.as_ref();
    json!({
        "manifest": candidate.manifest,
        "tag": candidate.tag,
        "form": candidate.form.as_str(),
        "predicateType": signed.ok().map(|signed| signed.claim.predicate_type()),
        "signer": signed.ok().map(|signed| material(&signed.material)),
        "size": candidate.size,
        "problem": signed.err().map(ToString::to_string),
    })
}

/// Signatures of forms that are not read.
fn others(beside: &Beside) -> impl Iterator<Item = Value> {
    beside.notation.iter().map(|referrer| {
        json!({
            "manifest": referrer.digest,
            "tag": null,
            "form": "notation",
            "predicateType": null,
            "signer": null,
            "size": referrer.size,
            "problem": "signatures of notation are not read",
        })
    })
}

fn row(signature: &Value) -> [String; 5] {
    let text = |member: &str| signature[member].as_str().map(str::to_owned);
    let kind = text("predicateType").map(|uri| predicate_word(&uri)).or_else(|| text("problem")).unwrap_or_default();
    let signer = text("signer").unwrap_or_default();
    let size = signature["size"].as_u64().map(human).unwrap_or_default();
    let (form, digest) = (text("form").unwrap_or_default(), text("manifest").unwrap_or_default());
    [form, printable(&kind).into_owned(), printable(&signer).into_owned(), size, digest]
}
