//! `kit approve`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::signing::{NoticeKeyArgs, open};
use crate::arguments::ReceiptArgs;
use crate::config::now;
use crate::context::Context;
use crate::output::{Code, Failure, usage};
use kit_core::ops::{self, ApproveOptions};
use kit_core::provenance::Approval;

/// Approve a ModelKit in a role, with a signature
///
/// The approval is a signed statement about the digest, which is attached to the ModelKit. A policy can require the
/// approvals of roles by their keys before a ModelKit is promoted or used; `kit promote` lists those that are missing.
/// Other forms of the ModelKit, such as NAME:TAG-image, have digests of their own and are approved by themselves.
///
/// A name with a registry is approved in the registry, even if the ModelKit is in the local store. --undo withdraws the
/// approvals of this key in this role: the newest statement of a key counts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit approve registry.example/team/sentiment:v2 --as sre --key ada.key
  kit approve registry.example/team/sentiment:v2 --as legal --key bob.key --comment 'licence checked'
  kit approve registry.example/team/sentiment:v2 --as sre --key ada.key --undo")]
pub(crate) struct ApproveArgs {
    /// ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Role in which you approve, as the policy names it
    #[arg(long = "as", value_name = "ROLE")]
    role: String,
    /// Text that is signed with the approval
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Withdraw earlier approvals of this key in this role
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    key: NoticeKeyArgs,
}

impl ApproveArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let members = ["digest", "references", "artifacts", "seconds", "role", "signer", "signatures"];
        self.receipt.begin_with(context, &members)?;
        let role = self.role.trim();
        if role.is_empty() {
            return Err(usage("--as needs the name of a role"));
        }
        let location = context.location(&self.reference)?;
        let (key, certificates) = self.key.read(context)?;
        let session = context.session(&self.key.network)?;
        let failed = || format!("cannot approve `{location}`");
        let signable = open(&session, &location).with_context(failed)?;
        let approval = Approval {
            role: role.to_owned(),
            comment: self.comment.clone(),
            is_withdrawn: self.undo,
            approver: context.environment.builder.clone(),
            // Not the time of SOURCE_DATE_EPOCH: the newest statement counts.
            time: Some(now()),
        };
        let options = ApproveOptions { key: &key, certificates: certificates.as_ref(), approval };
        let Some(signed) = ops::approve(&session, &signable, options).with_context(failed)? else {
            let message = format!("`{location}` has no approval as {role} by this key to withdraw");
            return Err(Failure::error(Code::NotFound, message));
        };
        let (action, verb) =
            if self.undo { ("withdrawn", "Withdrew the approval of") } else { ("approved", "Approved") };
        let digest = signed.subject.digest;
        let line = format!("{verb} {digest} as {role} ({})", signed.signer);
        context.receipt.made(&context.output, (action, digest), &[location.to_string()], line)?;
        context.receipt.fact("role", role);
        context.receipt.fact("signer", signed.signer.to_string());
        for attached in &signed.attached {
            context.receipt.append("signatures", json!({ "manifest": attached.manifest, "subject": digest }));
        }
        Ok(())
    }
}
