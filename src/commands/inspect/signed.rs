//! The signed records in a log: promotions, approvals and recalls.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::trust::public_key;
use crate::context::Context;
use crate::output::one_line;
use kit_core::ops::{RecordedPromotion, SignedRecord};
use kit_core::provenance::{APPROVAL_PREDICATE_TYPE, Approval, AskedPolicy, Recall};
use kit_core::trust::Verifier;

/// The keys that signatures are verified with, each with its name.
pub(super) struct Signers(Vec<(String, Verifier)>);

impl Signers {
    /// Reads the public keys in `files`.
    pub(super) fn read(context: &Context, files: &[String]) -> Result<Self> {
        let read = |file: &String| {
            let key = public_key(context, file)?;
            Ok((format!("`{file}` ({})", key.name()), Verifier::Key(key)))
        };
        files.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// The name of the key that signed `record`, if it is one of them.
    fn of(&self, record: &SignedRecord) -> Option<&str> {
        let mut keys = self.0.iter();
        keys.find(|(_, verifier)| record.signer(std::slice::from_ref(verifier)).is_some())
            .map(|(name, _)| name.as_str())
    }

    fn words(&self, record: &SignedRecord) -> String {
        match self.of(record) {
            Some(name) => format!("signed by {name}"),
            None if self.0.is_empty() => "signature not verified".to_owned(),
            None => "signed by another key".to_owned(),
        }
    }
}

/// The end of the line about a promotion: the policies that were asked, and the signature.
pub(super) fn promotion_words(recorded: &RecordedPromotion, signers: &Signers) -> String {
    let policy = |asked: &AskedPolicy| {
        let rule = asked.pattern.as_ref().map(|pattern| format!(" for `{pattern}`")).unwrap_or_default();
        format!(", {} by policy {}{rule}", asked.verdict, &asked.digest.hex()[..12])
    };
    let policies: String = recorded.promotion.policies.iter().map(policy).collect();
    let signature = recorded.signed.as_ref().map(|signed| format!(" ({})", signers.words(signed)));
    policies + &signature.unwrap_or_default()
}

pub(super) fn promotion_to_json(recorded: &RecordedPromotion, signers: &Signers) -> Value {
    let RecordedPromotion { promotion, signed } = recorded;
    let policy =
        |asked: &AskedPolicy| json!({ "digest": asked.digest, "match": asked.pattern, "verdict": asked.verdict });
    json!({
        "action": if promotion.is_rollback { "rollback" } else { "promote" },
        "source": promotion.source,
        "target": promotion.target,
        "previous": promotion.previous,
        "time": promotion.time.map(|time| time.to_string()),
        "promoter": promotion.promoter.id,
        "run": promotion.promoter.run,
        "policies": promotion.policies.iter().map(policy).collect::<Value>(),
        "signed": signed.is_some(),
        "signer": signed.as_ref().and_then(|signed| signers.of(signed)),
    })
}

/// An approval or a recall.
struct Notice {
    kind: &'static str,
    action: &'static str,
    role: Option<String>,
    text: Option<String>,
    instead: Option<String>,
    time: Option<Timestamp>,
    run: Option<String>,
}

impl Notice {
    fn read(record: &SignedRecord) -> Option<Self> {
        let action = |is_withdrawn, action| if is_withdrawn { "withdraw" } else { action };
        if record.predicate_type() == APPROVAL_PREDICATE_TYPE {
            let Approval { role, comment, is_withdrawn, approver, time } = Approval::parse(record.predicate())?;
            let action = action(is_withdrawn, "approve");
            let (role, run) = (Some(role), approver.run);
            return Some(Self { kind: "approval", action, role, text: comment, instead: None, time, run });
        }
        let Recall { is_withdrawn, reason, instead, recaller, time } = Recall::parse(record.predicate())?;
        let (action, text) = (action(is_withdrawn, "recall"), Some(reason).filter(|reason| !reason.is_empty()));
        Some(Self { kind: "recall", action, role: None, text, instead, time, run: recaller.run })
    }
}

/// A line about an approval or a recall.
pub(super) fn notice_line(record: &SignedRecord, signers: &Signers) -> Option<String> {
    let notice = Notice::read(record)?;
    let mut line = match (notice.kind, notice.action) {
        ("approval", "withdraw") => "approval withdrawn",
        ("approval", _) => "approved",
        (_, "withdraw") => "recall withdrawn",
        _ => "recalled",
    }
    .to_owned();
    line.extend(notice.role.map(|role| format!(" as {role}")));
    line.extend(notice.time.map(|time| time.strftime(" %Y-%m-%d %H:%M").to_string()));
    line.extend(notice.run.map(|run| format!(" by {run}")));
    line.extend(notice.text.map(|text| format!(": {text}")));
    line.extend(notice.instead.map(|instead| format!("; use {instead} instead")));
    Some(format!("  {}\n", one_line(&format!("{line} ({})", signers.words(record)))))
}

pub(super) fn notice_to_json(record: &SignedRecord, signers: &Signers) -> Option<Value> {
    let Notice { kind, action, role, text, instead, time, run } = Notice::read(record)?;
    Some(json!({
        "type": kind,
        "action": action,
        "role": role,
        "text": text,
        "instead": instead,
        "time": time.map(|time| time.to_string()),
        "run": run,
        "signer": signers.of(record),
    }))
}
