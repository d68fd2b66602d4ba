//! The other forms of a ModelKit, which are tagged beside it: a ModelPack and an image that list the same layers.

use std::collections::HashSet;
use std::convert::Infallible;

use super::copy::CopyOptions;
use super::copying::Copying;
use super::referrers::{Carry, copy_attached};
use crate::digest::Digest;
use crate::layer_format::Format;
use crate::modelkit::{Family, LayerType};
use crate::oci::{ContentError, Descriptor, Manifest, Source, Target};
use crate::ops::error::{Error, reason};
use crate::ops::workers;
use crate::progress::{Progress, Warning};

/// The suffix of the tag of a ModelKit.
pub const MODELKIT_SUFFIX: &str = "-modelkit";
/// The suffix of the tag of a ModelPack.
pub const MODELPACK_SUFFIX: &str = "-modelpack";
/// The suffix of the tag of an image.
pub const IMAGE_SUFFIX: &str = "-image";

/// The suffixes of the tags of all forms.
pub const FORM_SUFFIXES: [&str; 3] = [MODELKIT_SUFFIX, MODELPACK_SUFFIX, IMAGE_SUFFIX];

/// Another form of a ModelKit.
#[derive(Debug, Clone)]
pub struct OtherForm {
    /// The suffix that its tag has after that of the ModelKit.
    pub suffix: &'static str,
    /// The descriptor of its manifest.
    pub manifest: Descriptor,
    bytes: Vec<u8>,
    blobs: Vec<Descriptor>,
}

/// Returns the forms of the artifact `modelkit`, which has the tag `name` in `source`. A manifest that has such a tag
/// but lists other layers is left out with a warning. An index has no forms.
pub fn other_forms(
    source: &dyn Source,
    name: &str,
    modelkit: &Descriptor,
    progress: &dyn Progress,
) -> Result<Vec<OtherForm>, Error> {
    forms(source, name, modelkit, progress, |tag| progress.warn(&Warning::FormOfAnother { tag }))
}

/// Like [`other_forms`], without a warning about tags that are left out.
pub(crate) fn own_forms(
    source: &dyn Source,
    name: &str,
    modelkit: &Descriptor,
    progress: &dyn Progress,
) -> Result<Vec<OtherForm>, Error> {
    forms(source, name, modelkit, progress, |_| {})
}

/// Returns the forms of the artifact `modelkit`, and reports the tags of other manifests.
fn forms(
    source: &dyn Source,
    name: &str,
    modelkit: &Descriptor,
    progress: &dyn Progress,
    report_other: impl Fn(&str),
) -> Result<Vec<OtherForm>, Error> {
    if name.parse::<Digest>().is_ok() {
        return Ok(Vec::new());
    }
    let bytes = source.manifest(modelkit).map_err(|error| Error::reading("the manifest", error))?;
    let Some(manifest) = Manifest::parse(&bytes).ok().filter(|manifest| Family::of(manifest).is_some()) else {
        return Ok(Vec::new());
    };
    let mut forms = Vec::new();
    for (tag, found) in find_all(source, name, &manifest) {
        match found {
            Ok(Found::Form(form)) => forms.push(form),
            Ok(Found::Other) => report_other(&tag),
            Ok(Found::Nothing) => {}
            Err(error) => progress.warn(&Warning::Unreadable { name: &tag, reason: reason(&error) }),
        }
    }
    Ok(forms)
}

/// Returns the tags of the artifact `modelkit` with a suffix of a form that point to something else in `source`, where
/// it has the tag `name`. Those that cannot be read are left out, because they are only a help for the user.
pub(crate) fn stale_forms(source: &dyn Source, name: &str, modelkit: &[u8]) -> Vec<String> {
    let Some(manifest) = Manifest::parse(modelkit).ok().filter(|manifest| Family::of(manifest).is_some()) else {
        return Vec::new();
    };
    let found = find_all(source, name, &manifest).into_iter();
    found.filter(|(_, found)| matches!(found, Ok(Found::Other))).map(|(tag, _)| tag).collect()
}

/// Looks for every form of the ModelKit `of`, which has the tag `name`. Each result has the tag of the form.
fn find_all(source: &dyn Source, name: &str, of: &Manifest) -> Vec<(String, Result<Found, ContentError>)> {
    let Ok(found) = workers::run(FORM_SUFFIXES.len(), &FORM_SUFFIXES, |suffix| {
        let tag = format!("{name}{suffix}");
        Ok::<_, Infallible>((tag.clone(), find(source, &tag, suffix, of)))
    });
    found
}

enum Found {
    Nothing,
    Form(OtherForm),
    /// A manifest that is not a form of the ModelKit.
    Other,
}

fn find(source: &dyn Source, tag: &str, suffix: &'static str, of: &Manifest) -> Result<Found, ContentError> {
    let (manifest, bytes) = match source.read(tag) {
        Err(ContentError::NotFound(_)) => return Ok(Found::Nothing),
        read => read?,
    };
    let Ok(form) = Manifest::parse(&bytes) else { return Ok(Found::Other) };
    if !lists_layers_of(&form, of) {
        return Ok(Found::Other);
    }
    let blobs = form.blobs().cloned().collect();
    Ok(Found::Form(OtherForm { suffix, manifest, bytes, blobs }))
}

/// Returns true if `form` lists the layers of `modelkit`. An image may have further layers, and lacks the raw ones.
fn lists_layers_of(form: &Manifest, modelkit: &Manifest) -> bool {
    let listed: HashSet<_> = form.layers.iter().map(|layer| layer.digest).collect();
    let is_image = Family::of(form).is_none();
    let is_raw = |layer: &Descriptor| LayerType::of(layer).is_some_and(|kind| kind.format == Format::Raw);
    let mut layers = modelkit.layers.iter().filter(|layer| !is_image || !is_raw(layer));
    let has_all = layers.all(|layer| listed.contains(&layer.digest));
    has_all && !listed.is_empty() && (is_image || form.layers.len() == modelkit.layers.len())
}

impl OtherForm {
    /// Returns the form with the manifest `digest` in `source`, whose tag has the `suffix`.
    pub(crate) fn read(source: &dyn Source, digest: &Digest, suffix: &'static str) -> Result<Self, Error> {
        let reading = |error| Error::reading(&format!("`{digest}`"), error);
        let (manifest, bytes) = source.read(&digest.to_string()).map_err(reading)?;
        let blobs = Manifest::parse(&bytes).map_err(Error::NotAManifest)?.blobs().cloned().collect();
        Ok(Self { suffix, manifest, bytes, blobs })
    }

    /// Copies the form to `target`, which has the ModelKit, and gives it the tag `tag` with the suffix of the form.
    pub fn copy(
        &self,
        source: &dyn Source,
        (target, tag): (&dyn Target, &str),
        (options, carry): (&CopyOptions, Carry),
        progress: &dyn Progress,
    ) -> Result<String, Error> {
        let tag = format!("{tag}{}", self.suffix);
        let whole = &*progress.overall(self.blobs.iter().map(|blob| blob.size).sum());
        let copying = Copying::new((source, target), options, progress, whole);
        workers::run(options.jobs, &self.blobs, |blob| copying.copy_blob(blob).map(drop))?;
        let attached = || copy_attached((source, target), &self.manifest, (options, carry), progress);
        let published = || {
            let published = target.publish(&self.manifest, &self.bytes, Some(&tag));
            published.map_err(|error| Error::writing(&format!("`{tag}`"), error))
        };
        carry.in_order(published, attached)?;
        Ok(tag)
    }
}
