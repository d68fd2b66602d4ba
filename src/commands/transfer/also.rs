//! The flag `--also`: further forms of a ModelKit, which are made for the destination.

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::{CompatArgs, FormName, ImageArgs};
use crate::context::Context;
use crate::output::usage;
use kit_core::ops::{self, Addition, Located, Session};

/// The forms, and the settings for them.
#[derive(Debug, Args)]
pub(super) struct AlsoArgs {
    /// Additional manifests for other tools: modelpack, image, modelkit
    #[arg(long, value_name = "FORM[,FORM]", value_delimiter = ',')]
    also: Vec<FormName>,
    #[command(flatten)]
    image: ImageArgs,
    #[command(flatten)]
    compat: CompatArgs,
}

impl AlsoArgs {
    /// Makes the documents of the forms of `found`, except for those that `exists` returns true for. `tag_of` returns
    /// the tag of a form.
    pub(super) fn additions(
        &self,
        context: &Context,
        (session, found): (&Session<'_>, &Located),
        exists: impl Fn(&str) -> bool,
        tag_of: impl Fn(FormName) -> Result<String>,
    ) -> Result<Vec<Addition>> {
        if self.compat.is_given() && !self.also.contains(&FormName::Modelpack) {
            return Err(usage("--compat requires `--also modelpack`"));
        }
        let missing = self.also.iter().filter(|name| !exists(name.suffix()));
        missing
            .map(|name| {
                let tag = tag_of(*name)?;
                self.addition(context, session, found, *name).with_context(|| format!("cannot make `{tag}`"))
            })
            .collect()
    }

    fn addition(&self, context: &Context, session: &Session<'_>, found: &Located, name: FormName) -> Result<Addition> {
        let mut image = self.image.image();
        let base = match &self.image.image_base {
            Some(base) if name == FormName::Image => {
                Some(ops::image_base(session, &context.location(base)?, &image.platform)?)
            }
            _ => None,
        };
        image.base = base.as_ref().map(|base| base.image.clone());
        let documents = ops::list_as(found, &name.form(self.compat, &image), ops::jobs(), &context.bars)?;
        Ok(Addition { suffix: name.suffix(), documents, base })
    }
}
