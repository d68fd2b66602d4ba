//! Loads the ModelKits of an archive into the local store, or straight into registries.

use std::collections::BTreeMap;

use super::contents::{IMAGE_NAME, OMITTED, SINCE};
use super::error::BundleError;
use super::layout::Layout;
use crate::digest::Digest;
use crate::modelkit::label;
use crate::oci::{ContentError, Descriptor, REF_NAME, Reference, Source, Tag, Target};
use crate::ops::error::Error;
use crate::ops::examined::Examined;
use crate::ops::lacking::Lacking;
use crate::ops::session::{Location, Session};
use crate::ops::transfer::{Brought, Carry, Copied, CopyOptions, CopySet, bring, discard_if_refused, referrers};
use crate::ops::trust::{Admission, judge_manifest, requires_attached};
use crate::store::Names;
use crate::trust::policy::Name;

/// The destination of the ModelKits of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadTo {
    /// The local store. The ModelKits keep their names.
    Store,
    /// This registry. The ModelKits keep the names of their repositories.
    Registry(String),
    /// This repository for all ModelKits; a tag is allowed if there is only one ModelKit.
    Repository(Reference),
}

/// A ModelKit that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its name at the destination.
    pub reference: Reference,
    /// The result of copying it.
    pub copied: Copied,
}

/// Loads all ModelKits of `layout` with their referrers. A ModelKit that only has a tag goes into the repository
/// `unnamed`.
///
/// If a blob is neither in the archive nor at the target, loading fails before anything is transferred. No ModelKit is
/// published before the blobs of all ModelKits have been transferred and verified.
pub fn load(
    session: &Session<'_>,
    layout: &Layout,
    unnamed: &Reference,
    to: &LoadTo,
    options: &CopyOptions,
) -> Result<Vec<Loaded>, BundleError> {
    load_judged(session, (layout, unnamed), to, options).inspect_err(|error| match error {
        BundleError::Operation(error) if *to == LoadTo::Store => discard_if_refused(session, error),
        _ => {}
    })
}

fn load_judged(
    session: &Session<'_>,
    (layout, unnamed): (&Layout, &Reference),
    to: &LoadTo,
    options: &CopyOptions,
) -> Result<Vec<Loaded>, BundleError> {
    let names = names(layout, unnamed, to)?;
    // Before the store is created.
    let examined = Examined::default();
    let admissions = admissions(session, (layout, &examined), unnamed, &names)?;
    let mut arriving = Vec::new();
    for (name, reference) in names {
        let (target, tag) = target(session, to, &reference)?;
        arriving.push(Arriving { name, reference, target, tag });
    }
    refuse_incomplete(layout, &arriving)?;
    let mut brought = Vec::new();
    for Arriving { name, target, .. } in &arriving {
        brought.push(bring((layout, name), &**target, options, session.progress).map_err(of_archive)?);
    }
    // The archive is read again, but its blobs have been verified.
    admissions.into_iter().try_for_each(|admission| admission.admit_content_in(session, (layout, &examined)))?;
    let publish = |(Arriving { reference, target, tag, .. }, mut brought): (Arriving, Brought)| {
        let carry = Carry::required_if(requires_attached(session, &Location::Artifact(reference.clone()))?);
        brought.refuse_losses(carry)?;
        let copied = brought.publish(&*target, tag.as_deref(), (options, carry), session.progress)?;
        Ok(Loaded { reference, copied })
    };
    arriving.into_iter().zip(brought).map(publish).collect()
}

/// Judges the ModelKits by their names in the archive, and by those at the destination.
fn admissions(
    session: &Session<'_>,
    (layout, examined): (&Layout, &Examined),
    unnamed: &Reference,
    arriving: &[(String, Reference)],
) -> Result<Vec<Admission>, BundleError> {
    let mut admissions = Vec::new();
    for (name, reference) in arriving {
        let resolve = || layout.resolve(name).map_err(|error| Error::reading("the manifest", error));
        let entries = layout.artifacts().filter(|entry| entry.digest.to_string() == *name);
        let own = entries.map(|entry| own_name(entry, unnamed)).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<Name> = Vec::new();
        for reference in own.iter().chain([reference]) {
            let name = Name::of(reference);
            if !names.contains(&name) {
                admissions.push(judge_manifest(
                    session,
                    (layout, examined),
                    resolve,
                    (std::slice::from_ref(&name), &reference.to_string()),
                )?);
                names.push(name);
            }
        }
    }
    Ok(admissions)
}

/// Content that does not match its digest was read from the archive.
fn of_archive(error: Error) -> BundleError {
    match &error {
        Error::Read { source: ContentError::Mismatch(_), .. }
        | Error::Write { source: ContentError::Mismatch(_), .. } => BundleError::Damaged(error),
        _ => error.into(),
    }
}

/// A ModelKit that is being loaded.
struct Arriving {
    /// The digest of its manifest.
    name: String,
    reference: Reference,
    target: Box<dyn Target>,
    tag: Option<String>,
}

fn target(
    session: &Session<'_>,
    to: &LoadTo,
    reference: &Reference,
) -> Result<(Box<dyn Target>, Option<String>), BundleError> {
    if *to == LoadTo::Store {
        let tag = reference.tag.as_ref().map(ToString::to_string);
        return Ok((Box::new(session.store.writer(Names::Of(reference.clone()))?), tag));
    }
    Ok(session.target(&Location::Artifact(reference.clone()))?)
}

/// Returns the digests of the ModelKits and their names at the destination.
fn names(layout: &Layout, unnamed: &Reference, to: &LoadTo) -> Result<Vec<(String, Reference)>, BundleError> {
    let mut names = Vec::new();
    for entry in layout.artifacts() {
        names.push((entry.digest.to_string(), own_name(entry, unnamed)?));
    }
    if names.is_empty() {
        return Err(BundleError::EmptyArchive);
    }
    match to {
        LoadTo::Store => {}
        LoadTo::Registry(registry) => {
            for (_, reference) in &mut names {
                reference.registry.clone_from(registry);
            }
        }
        LoadTo::Repository(repository) => {
            let first = names[0].1.without_selector();
            let is_one = names.iter().all(|(_, reference)| reference.without_selector() == first);
            if !is_one || repository.tag.is_some() && names.len() > 1 {
                return Err(BundleError::ManyInArchive(names.into_iter().map(|(_, reference)| reference).collect()));
            }
            for (_, reference) in &mut names {
                reference.registry.clone_from(&repository.registry);
                reference.repository.clone_from(&repository.repository);
                if let Some(tag) = &repository.tag {
                    *reference = reference.with_tag(tag.clone());
                }
            }
        }
    }
    Ok(names)
}

/// Returns the name of an entry in the archive: a full name, as docker, containerd and kit write it, or a tag, as other
/// tools do.
fn own_name(entry: &Descriptor, unnamed: &Reference) -> Result<Reference, BundleError> {
    let given = |key: &str| entry.annotations.get(key);
    let whole = |text: &String| text.parse::<Reference>().ok().filter(|reference| reference.selector().is_some());
    let reference = match (given(IMAGE_NAME), given(REF_NAME)) {
        (Some(text), _) => whole(text).ok_or_else(|| BundleError::BadName(text.clone()))?,
        (None, Some(text)) => match Tag::new(text) {
            Some(tag) => unnamed.with_tag(tag),
            None => whole(text).ok_or_else(|| BundleError::BadName(text.clone()))?,
        },
        (None, None) => unnamed.clone(),
    };
    Ok(match &reference.tag {
        Some(tag) => reference.with_tag(tag.clone()),
        None => reference.with_digest(entry.digest),
    })
}

fn refuse_incomplete(layout: &Layout, arriving: &[Arriving]) -> Result<(), BundleError> {
    let mut lacking = BTreeMap::new();
    for Arriving { name, target, .. } in arriving {
        let artifact = CopySet::read(layout, name)?;
        note_lacking(layout, &**target, &artifact.blobs, &mut lacking)?;
    }
    for (subject, listed) in layout.attached() {
        let attached = referrers::read(layout, subject, listed)?;
        // Its target is not known yet, so its blobs are looked for in the archive and at the first target.
        note_lacking(layout, &*arriving[0].target, &attached.blobs, &mut lacking)?;
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let annotations = &layout.index.annotations;
    let omitted = annotations.get(OMITTED).map(String::as_str).unwrap_or_default();
    let is_omitted = |digest: &Digest| omitted.split(',').any(|text| text == digest.to_string());
    let since = annotations.get(SINCE).filter(|_| lacking.keys().all(is_omitted)).cloned();
    Err(BundleError::Incomplete(Lacking { blobs: lacking.into_values().collect(), since }))
}

fn note_lacking(
    layout: &Layout,
    target: &dyn Target,
    blobs: &[Descriptor],
    lacking: &mut BTreeMap<Digest, (String, u64)>,
) -> Result<(), BundleError> {
    for blob in blobs {
        let failed = |error| Error::writing(&label(blob), error);
        if !layout.holds(blob)? && !target.contains(blob).map_err(failed)? {
            lacking.insert(blob.digest, (label(blob), blob.size));
        }
    }
    Ok(())
}
