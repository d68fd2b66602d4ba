//! `kit recall`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::signing::{NoticeKeyArgs, open};
use crate::arguments::ReceiptArgs;
use crate::config::now;
use crate::context::Context;
use crate::output::{Code, Failure, usage};
use kit_core::ops::{self, Location, RecallOptions};
use kit_core::provenance::Recall;

/// Recall a ModelKit, so that others stop using it
///
/// The recall is a signed notice about the digest, which is attached to the ModelKit, to the forms whose tags are
/// beside its tag, such as NAME:TAG-image, and to the members of an index. `kit pull`, `kit unpack`, `kit promote`,
/// `kit update` and `kit list` of a registry show it. They refuse the ModelKit where a policy lets the key recall it,
/// unless the rule sets `recalled` to `warn` or `allow`. `kit recalled` finds deployments that run it.
///
/// Notices travel with copies that are made later. Copies that exist in other repositories are recalled there. --undo
/// attaches a withdrawal: the newest notice by a trusted key counts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit recall registry.example/production/sentiment:v2 --reason 'labels were swapped' --key release.key
  kit recall registry.example/production/sentiment:v2 --reason 'labels were swapped' \\
    --instead registry.example/production/sentiment:v3 --key release.key
  kit recall registry.example/production/sentiment:v2 --undo --key release.key")]
pub(crate) struct RecallArgs {
    /// ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Reason that users see; required without --undo
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Version to use in its place
    #[arg(long, value_name = "NAME:TAG", conflicts_with = "undo")]
    instead: Option<String>,
    /// Withdraw the recall
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    key: NoticeKeyArgs,
}

impl RecallArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let members = ["digest", "references", "artifacts", "seconds", "signer", "signatures"];
        self.receipt.begin_with(context, &members)?;
        let reason = self.reason.as_deref().unwrap_or_default().trim();
        if reason.is_empty() && !self.undo {
            return Err(usage("a recall needs a --reason that users understand"));
        }
        let location = context.location(&self.reference)?;
        let instead = self.instead(context, &location)?;
        let (key, certificates) = self.key.read(context)?;
        let session = context.session(&self.key.network)?;
        let failed = || format!("cannot recall `{location}`");
        let signable = open(&session, &location).with_context(failed)?;
        let recall = Recall {
            is_withdrawn: self.undo,
            reason: reason.to_owned(),
            instead,
            recaller: context.environment.builder.clone(),
            // Not the time of SOURCE_DATE_EPOCH: the newest notice counts.
            time: Some(now()),
        };
        let options = RecallOptions { key: &key, certificates: certificates.as_ref(), recall };
        let signed = ops::recall(&session, &signable, &options).with_context(failed)?;
        if signed.is_empty() {
            return Err(Failure::error(Code::NotFound, format!("`{location}` has no recall to withdraw")));
        }
        let (action, verb) = if self.undo { ("withdrawn", "Withdrew the recall of") } else { ("recalled", "Recalled") };
        for manifest in &signed {
            let digest = manifest.subject.digest;
            let line = format!("{verb} {digest} ({})", manifest.signer);
            context.receipt.made(&context.output, (action, digest), &[location.to_string()], line)?;
            for attached in &manifest.attached {
                context.receipt.append("signatures", json!({ "manifest": attached.manifest, "subject": digest }));
            }
        }
        context.receipt.fact("signer", key.public_key().name().to_string());
        if let Location::Artifact(reference) = &location
            && reference.is_local()
        {
            context.output.say("stored in the local store; copies elsewhere are not recalled");
        }
        Ok(())
    }

    /// The version to use in place of `recalled`.
    fn instead(&self, context: &Context, recalled: &Location) -> Result<Option<String>> {
        let Some(text) = &self.instead else { return Ok(None) };
        let instead = context.location(text)?;
        if instead == *recalled {
            return Err(usage(format!("--instead names the ModelKit that is recalled, `{instead}`")));
        }
        Ok(Some(instead.to_string()))
    }
}
