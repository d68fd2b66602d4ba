//! Importing a repository into the local store, or straight into a registry.

use std::time::Instant;

use anyhow::Result;

use super::command::ImportArgs;
use super::done::{say_done, texts};
use crate::context::Context;
use crate::output::Moved;
use kit_core::digest::Digest;
use kit_core::oci::Target;
use kit_core::ops::{self, CopyOptions, ImportOptions, Location, Origins, Session};
use kit_core::progress::Phase;
use kit_core::store::Names;
use kit_core::upstream::Upstream;

impl ImportArgs {
    pub(super) fn save(
        &self,
        context: &Context,
        session: &Session<'_>,
        upstream: &dyn Upstream,
        options: &ImportOptions,
        start: Instant,
    ) -> Result<Digest> {
        let packed = ops::import(session, upstream, options)?;
        let digest = packed.manifest.digest;
        self.made(context, ("saved", digest), &texts(&options.references), format!("Model saved: {digest}"))?;
        context.receipt.packed(&packed);
        say_done(context, &options.references, &Moved::packed(&packed, "written"), start);
        Ok(digest)
    }

    pub(super) fn save_raw(
        &self,
        context: &Context,
        session: &Session<'_>,
        upstream: &dyn Upstream,
        options: &ImportOptions,
        start: Instant,
    ) -> Result<Digest> {
        let reference = &options.references[0];
        let writer = session.store.writer(Names::Of(reference.clone()))?;
        let copying =
            CopyOptions { jobs: upstream.concurrency(), origins: Origins::default(), phase: Phase::Downloading };
        let tag = reference.tag.as_ref().map(ToString::to_string);
        let target = (&writer as &dyn Target, tag.as_deref());
        let copied = ops::import_to(session, upstream, options, target, &copying)?;
        for tag in options.references[1..].iter().filter_map(|reference| reference.tag.as_ref()) {
            writer.enter(&copied.manifest, Some(tag.as_str()))?;
        }
        let digest = copied.manifest.digest;
        self.made(context, ("saved", digest), &texts(&options.references), format!("Model saved: {digest}"))?;
        context.receipt.copied(&copied);
        say_done(
            context,
            &options.references,
            &Moved { mounted: None, done: (copied.sent_bytes, "written"), ..Moved::sent(&copied) },
            start,
        );
        Ok(digest)
    }

    pub(super) fn push(
        &self,
        context: &Context,
        session: &Session<'_>,
        upstream: &dyn Upstream,
        options: &ImportOptions,
        destination: &Location,
        start: Instant,
    ) -> Result<Digest> {
        let (target, tag) = session.target(destination)?;
        let jobs = session.jobs(&[destination]).min(upstream.concurrency());
        let origins = Origins::known_to(&session.store, destination)?;
        let copying = CopyOptions { jobs, origins, phase: Phase::Uploading };
        let copied = ops::import_to(session, upstream, options, (&*target, tag.as_deref()), &copying)?;
        let digest = copied.manifest.digest;
        self.made(context, ("pushed", digest), &[destination.to_string()], format!("Pushed {digest}"))?;
        context.receipt.copied(&copied);
        context.output.say(&Moved::sent(&copied).in_words(start));
        Ok(digest)
    }
}
