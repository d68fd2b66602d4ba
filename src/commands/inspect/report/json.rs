//! The JSON of `kit report`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::commands::inspect::diff::DiffData;
use crate::commands::inspect::lineage;
use crate::commands::inspect::modelkit::models_to_json;
use crate::commands::trust::signer_to_json;
use kit_core::ops::{
    AttachedRow, Evaluation, Recall, Report, ReportedApproval, ReportedPart, ScanSummary, SignedDocument, Standing,
    UnknownFact, Version,
};

/// The report as a document.
pub(super) fn to_json(report: &Report) -> Result<Value> {
    let kitfile: Value = serde_json::from_slice(&report.inspected.kitfile_json())?;
    let changes = report
        .changes
        .as_ref()
        .map(|changes| serde_json::to_value(DiffData::new((&changes.since, &report.name), &changes.difference, true)));
    Ok(json!({
        "name": report.name,
        "digest": report.inspected.descriptor.digest,
        "size": report.size(),
        "kitfile": kitfile,
        "recall": report.recall.as_ref().map(recall),
        "parts": report.parts.iter().map(part).collect::<Value>(),
        "models": models_to_json(&report.models)?,
        "licenses": report.licenses,
        "task": report.task,
        "lineage": lineage::to_json(&report.lineage),
        "history": report.history.iter().map(version).collect::<Value>(),
        "changes": changes.transpose()?,
        "signatures": report.signed.iter().map(signed).collect::<Value>(),
        "approvals": report.approvals.iter().map(approval).collect::<Value>(),
        "evaluations": report.evaluations.iter().map(evaluation).collect::<Value>(),
        "scans": report.scans.iter().map(scan).collect::<Value>(),
        "attached": report.attached.iter().map(attached).collect::<Value>(),
        "unknown": report.unknown.iter().map(unknown).collect::<Value>(),
    }))
}

fn recall(recall: &Recall) -> Value {
    json!({
        "reason": recall.reason,
        "instead": recall.instead,
        "recalledOn": recall.recalled_on,
        "recaller": recall.recaller,
        "verified": recall.is_verified,
    })
}

fn part(part: &ReportedPart) -> Value {
    json!({
        "section": part.section,
        "name": part.name,
        "path": part.path,
        "mediaType": part.media_type,
        "digest": part.digest,
        "size": part.size,
        "compression": part.compression,
        "files": part.files,
        "unpackedSize": part.unpacked_size,
    })
}

fn version(version: &Version) -> Value {
    let record = version.record.as_ref();
    json!({
        "tags": version.tags,
        "digest": version.descriptor.digest,
        "size": version.size,
        "author": version.author,
        "time": record.and_then(|record| record.time).map(|time| time.to_string()),
        "commit": record.and_then(|record| record.commit.as_ref()).map(|commit| &commit.id),
        "comparedWith": version.before,
        "metrics": version.declared_metrics,
    })
}

fn signed(document: &SignedDocument) -> Value {
    let (standing, signer, reason) = match &document.standing {
        Standing::Verified(signer) => ("verified", Some(signer_to_json(signer)), None),
        Standing::Unchecked => ("unchecked", None, None),
        Standing::Refused(reason) => ("refused", None, Some(reason)),
    };
    json!({
        "manifest": document.manifest,
        "form": document.form.as_str(),
        "created": document.created.map(|time| time.to_string()),
        "predicateType": document.predicate_type,
        "predicate": document.predicate,
        "standing": standing,
        "signer": signer,
        "reason": reason,
    })
}

fn approval(approval: &ReportedApproval) -> Value {
    json!({
        "manifest": approval.manifest,
        "role": approval.role,
        "withdrawn": approval.is_withdrawn,
        "approver": approval.approver,
        "approvedOn": approval.approved_on,
        "comment": approval.comment,
        "verified": matches!(approval.standing, Standing::Verified(_)),
    })
}

fn evaluation(evaluation: &Evaluation) -> Value {
    json!({
        "manifest": evaluation.manifest,
        "result": evaluation.result,
        "configuration": evaluation.configuration,
        "url": evaluation.url,
        "passed": evaluation.counts[0],
        "warned": evaluation.counts[1],
        "failed": evaluation.counts[2],
        "metrics": evaluation.metrics,
        "verified": evaluation.is_verified,
    })
}

fn scan(scan: &ScanSummary) -> Value {
    json!({ "manifest": scan.manifest, "verified": scan.is_verified, "result": scan.document })
}

fn attached(row: &AttachedRow) -> Value {
    json!({ "digest": row.digest, "artifactType": row.artifact_type, "created": row.created })
}

fn unknown(fact: &UnknownFact) -> Value {
    json!({ "what": fact.what, "reason": fact.reason })
}
