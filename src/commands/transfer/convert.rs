//! `kit convert`

use anyhow::{Context as _, Result};
use clap::Args;

use super::unsigned::note_unsigned;
use crate::arguments::{CompatArgs, DigestReceiptArgs, FormName, check_new_name};
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::usage;
use kit_core::modelkit::Family;
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{self, Lookup};

/// Convert a ModelKit to a ModelPack, or a ModelPack to a ModelKit
///
/// The layers are not changed: only a new manifest and a new config are stored, which refer to the same blobs.
/// Converting back restores the original ModelKit. All commands accept both.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit convert sentiment:v2 --to modelpack
  kit convert sentiment:v2 --to modelpack -t registry.example/team/sentiment:v2-modelpack
  kit convert registry.example/models/llama:8b --to modelkit -t llama:8b")]
pub(crate) struct ConvertArgs {
    /// ModelKit or ModelPack in the local store
    #[arg(value_name = "NAME:TAG")]
    source: String,
    /// Format to convert to
    #[arg(long, value_name = "FAMILY")]
    to: FamilyName,
    /// Name and tag of the result [default: the source with -modelpack or -modelkit appended to its tag]
    #[arg(short, long, value_name = "NAME:TAG")]
    tag: Vec<String>,
    #[command(flatten)]
    compat: CompatArgs,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FamilyName {
    Modelpack,
    Modelkit,
}

impl ConvertArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let (family, suffix) = match self.to {
            FamilyName::Modelpack => (self.compat.modelpack(), FormName::Modelpack.suffix()),
            FamilyName::Modelkit if self.compat.is_given() => {
                return Err(usage("--compat requires `--to modelpack`"));
            }
            FamilyName::Modelkit => (Family::ModelKit, FormName::Modelkit.suffix()),
        };
        let source: Reference = parse(&self.source)?;
        let target = self.target(&source, suffix)?;
        let session = context.session(&self.network)?;
        let is_signed = ops::is_signed(&session.find_reference(&source, Lookup::Local)?)?;
        let manifest = ops::convert(&session, &source, &target, family, ops::jobs())
            .with_context(|| format!("cannot convert `{source}` to a {family}"))?;
        let (digest, names) = (manifest.digest, [target.to_string()]);
        context.receipt.made(&context.output, ("converted", digest), &names, format!("Converted {digest}"))?;
        context.output.say(&format!("{source} is now also the {family} {target}, with the same layers"));
        if is_signed {
            note_unsigned(context, &source.to_string(), &names);
        }
        Ok(())
    }

    fn target(&self, source: &Reference, suffix: &str) -> Result<Reference> {
        if let [first, second, ..] = &self.tag[..] {
            return Err(usage(format!(
                "the result gets one name; give `{first}`, then run `kit tag {first} {second}`"
            )));
        }
        let Some(text) = self.tag.first() else {
            let tag = source.tag.clone().unwrap_or_else(Tag::latest);
            let tag = Tag::new(&format!("{tag}{suffix}"));
            let tag = tag.ok_or_else(|| usage("the tag is too long to append a suffix; name the result with --tag"))?;
            return Ok(source.with_tag(tag));
        };
        let target: Reference = parse(text)?;
        if target.digest.is_some() {
            return Err(usage(format!("`{text}` contains a digest; a new name needs a tag")));
        }
        check_new_name(&target)?;
        Ok(target.with_tag(target.tag.clone().unwrap_or_else(Tag::latest)))
    }
}
