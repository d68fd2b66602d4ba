//! `kit tag`

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::{ReceiptArgs, check_new_name};
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Usage, usage};
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{self};

/// Add a tag to a ModelKit in the local store
///
/// Nothing is copied; both names refer to the same ModelKit.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit tag sentiment:v2 sentiment:latest
  kit tag sentiment:v2 registry.example/team/sentiment:v2,stable")]
pub(crate) struct TagArgs {
    /// ModelKit to tag
    #[arg(value_name = "NAME:TAG")]
    source: String,
    /// New name and tag; add more tags after commas
    #[arg(value_name = "NEW-NAME:TAG[,TAG]")]
    target: String,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl TagArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let source: Reference = parse(&self.source)?;
        let targets = Reference::parse_list(&self.target).map_err(|error| Usage(error.into()))?;
        if targets.iter().any(|target| target.digest.is_some()) {
            return Err(usage(format!("`{}` contains a digest; a new name needs a tag", self.target)));
        }
        targets.iter().try_for_each(check_new_name)?;
        if source.selector().is_none() {
            return Err(usage(format!("source ModelKit reference requires a tag or digest ({source}:<tag>)")));
        }
        let session = context.session(&self.network)?;
        self.report_new_name(context, &source, &targets);
        for target in targets {
            let target = target.with_tag(target.tag.clone().unwrap_or_else(Tag::latest));
            let tagged = ops::tag(&session, &source, &target);
            let digest = tagged.with_context(|| format!("Failed to tag modelkit `{source}`"))?.digest;
            context.receipt.note("tagged", digest, &[target.to_string()]);
            context.receipt.line(&context.output, format!("Modelkit {source} tagged as {target}"))?;
        }
        Ok(())
    }

    /// Reports that a word without a colon is a new name: it may have been meant as a tag.
    fn report_new_name(&self, context: &Context, source: &Reference, targets: &[Reference]) {
        let [target] = targets else { return };
        let is_word = target.is_local() && target.tag.is_none() && !target.repository.contains('/');
        let meant = Tag::new(&self.target).filter(|_| is_word && target.repository != source.repository);
        if let Some(tag) = meant {
            let meant = source.without_digest().with_tag(tag);
            context.output.say(&format!("`{target}` is a name, not a tag; did you mean `kit tag {source} {meant}`?"));
        }
    }
}
