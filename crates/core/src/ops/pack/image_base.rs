//! The image below the image form of a ModelKit: finding it, and copying its layers.

use serde_json::Value;

use crate::modelkit::{BaseImage, InvalidBase, Platform};
use crate::oci::{Descriptor, Manifest, Source, Target, read_document};
use crate::ops::error::Error;
use crate::ops::session::{Location, Lookup, Session};
use crate::ops::transfer::{CopyOptions, Copying};
use crate::ops::workers;
use crate::progress::Progress;

/// A base image and the place from which its layers are copied.
pub struct ImageBase {
    source: Box<dyn Source>,
    /// The image.
    pub image: BaseImage,
}

/// Finds the image `location` in a registry or an image layout; in an image index, the one for `platform`.
pub fn image_base(session: &Session<'_>, location: &Location, platform: &Platform) -> Result<ImageBase, Error> {
    let found = session.find(location, Lookup::Remote)?;
    let source = found.source;
    let reading = |error| Error::reading("the base image", error);
    let descriptor = source.resolve(&found.name).map_err(reading)?;
    let mut bytes = source.manifest(&descriptor).map_err(reading)?;
    let invalid = |source| Error::BaseImage { image: found.title.clone(), source };
    if let Some(chosen) = member(&bytes, platform).map_err(invalid)? {
        bytes = source.manifest(&chosen).map_err(reading)?;
    }
    let manifest = Manifest::parse(&bytes).map_err(|error| invalid(error.into()))?;
    let config = read_document(&*source.blob(&manifest.config), &manifest.config).map_err(reading)?;
    let image = BaseImage::read(&manifest, &config).map_err(invalid)?;
    Ok(ImageBase { source, image })
}

/// Returns the manifest for `platform`, if `bytes` are an image index.
fn member(bytes: &[u8], platform: &Platform) -> Result<Option<Descriptor>, InvalidBase> {
    let document: Value = serde_json::from_slice(bytes)?;
    let Some(manifests) = document["manifests"].as_array() else { return Ok(None) };
    let fits = |entry: &&Value| Platform::read(&entry["platform"]).is_some_and(|found| found.fits(platform));
    let entry = manifests.iter().find(fits).ok_or_else(|| InvalidBase::Platform(platform.clone()))?;
    Ok(Some(serde_json::from_value(entry.clone())?))
}

impl ImageBase {
    /// Copies the layers to `target`, unless it has them.
    pub fn send(&self, target: &dyn Target, options: &CopyOptions, progress: &dyn Progress) -> Result<(), Error> {
        let layers = self.image.layers();
        let whole = &*progress.overall(layers.iter().map(|layer| layer.size).sum());
        let copying = Copying::new((&*self.source, target), options, progress, whole);
        workers::run(options.jobs, layers, |layer| copying.copy_blob(layer).map(drop))?;
        copying.report_present();
        Ok(())
    }
}
