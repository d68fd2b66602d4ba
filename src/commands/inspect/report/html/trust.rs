//! Signatures, attestations, approvals and evaluations, and the other documents that are attached.

use super::super::facts::{Tone, standing};
use super::blocks::{Kind, Section, badge, digest, moment, none, or_none, path_name, table, with_note};
use crate::commands::trust::predicate_word;
use crate::output::page::{Html, element};
use kit_core::ops::{Evaluation, Report, ReportedApproval, SignedDocument, Standing};

/// The most rows of each table.
const ROWS: usize = 100;

pub(super) fn section(report: &Report) -> Section {
    let section = Section::new("trust", "Signatures and attestations");
    if report.signed.is_empty() {
        return section.lead("Nothing that is signed is attached to this ModelKit.");
    }
    let (signatures, attestations): (Vec<_>, Vec<_>) =
        report.signed.iter().partition(|document| document.is_signature());
    let section = section
        .add_under("Signatures", documents("Signatures", &signatures))
        .add_under("Approvals", approvals(&report.approvals))
        .add_under("Evaluations", evaluations(&report.evaluations));
    section.add_under("Attestations", documents("Attestations", &attestations))
}

fn documents(label: &str, documents: &[&SignedDocument]) -> Option<Html> {
    let columns = [
        ("Type", Kind::Text),
        ("Result", Kind::Text),
        ("Signer", Kind::Text),
        ("Created", Kind::Extra),
        ("Document", Kind::Extra),
    ];
    let rows = documents.iter().take(ROWS).map(|document| {
        let (tone, word, who) = standing(&document.standing);
        let kind = document.predicate_type.as_deref().map_or_else(|| "unknown".to_owned(), type_word);
        [
            with_note(path_name(&kind), document.form.as_str()),
            badge(tone, word).into(),
            element("span").class("signer").text(&who).into(),
            moment(document.created),
            digest(&document.manifest),
        ]
    });
    (!documents.is_empty()).then(|| table(label, columns, rows))
}

/// The word for the type of a predicate.
fn type_word(uri: &str) -> String {
    match uri {
        "https://sigstore.dev/cosign/sign/v1" => "signature".to_owned(),
        "https://model_signing/signature/v1.0" => "signature of the files".to_owned(),
        uri => predicate_word(uri),
    }
}

fn approvals(approvals: &[ReportedApproval]) -> Option<Html> {
    let columns = [
        ("Role", Kind::Text),
        ("Decision", Kind::Text),
        ("By", Kind::Text),
        ("Signature", Kind::Text),
        ("Comment", Kind::Extra),
    ];
    let rows = approvals.iter().take(ROWS).map(|approval| {
        let (tone, word, who) = standing(&approval.standing);
        let decision = if approval.is_withdrawn { "withdrawn" } else { "approved" };
        let signer = if let Standing::Verified(signer) = &approval.standing { signer.to_string() } else { who };
        let by = approval.approver.as_ref().unwrap_or(&signer);
        [
            Html::text(&approval.role),
            with_note(Html::text(decision), approval.approved_on.as_deref().unwrap_or_default()),
            with_note(Html::text(by), if *by == signer { "" } else { &signer }),
            badge(tone, word).into(),
            or_none(approval.comment.as_deref().unwrap_or_default()),
        ]
    });
    (!approvals.is_empty()).then(|| table("Approvals", columns, rows))
}

fn evaluations(evaluations: &[Evaluation]) -> Option<Html> {
    let columns = [
        ("Result", Kind::Text),
        ("Tests", Kind::Text),
        ("Of", Kind::Text),
        ("Signature", Kind::Text),
        ("Document", Kind::Extra),
    ];
    let rows = evaluations.iter().take(ROWS).map(|evaluation| {
        let tone = match evaluation.result.as_str() {
            "PASSED" if evaluation.is_verified => Tone::Good,
            "FAILED" => Tone::Bad,
            _ => Tone::Caution,
        };
        let [passed, warned, failed] = evaluation.counts;
        let is_counted = passed + warned + failed > 0;
        let tests =
            if is_counted { format!("{passed} passed, {warned} warned, {failed} failed") } else { String::new() };
        let (tone_of_signature, word) =
            if evaluation.is_verified { (Tone::Good, "Verified") } else { (Tone::Neutral, "Not checked") };
        [
            badge(tone, &evaluation.result).into(),
            or_none(&tests),
            or_none(&evaluation.configuration.join(", ")),
            badge(tone_of_signature, word).into(),
            digest(&evaluation.manifest),
        ]
    });
    (!evaluations.is_empty()).then(|| table("Evaluations", columns, rows))
}

/// The other documents that are attached.
pub(super) fn attached(report: &Report) -> Option<Section> {
    if report.attached.is_empty() {
        return None;
    }
    let columns = [("Type", Kind::Text), ("Created", Kind::Text), ("Digest", Kind::Extra)];
    let rows = report.attached.iter().take(ROWS).map(|row| {
        let kind = if row.artifact_type.is_empty() { none() } else { path_name(&row.artifact_type) };
        [kind, or_none(row.created.as_deref().unwrap_or_default()), digest(&row.digest)]
    });
    let lead = "Attached to the ModelKit without a signature; `kit referrers` fetches their files.";
    Some(Section::new("attached", "Attached documents").lead(lead).add(table("Attached documents", columns, rows)))
}
