//! The layout of the image form of a ModelKit, which depends on the names at the root of its layers.

use crate::layer_format::Format;
use crate::modelkit::{Image, ImageLayout, ModelKit};
use crate::oci::Source;
use crate::ops::error::Error;
use crate::ops::files::{ListOptions, ls};
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// The name at the root of the image that KServe mounts.
const MODELS: &str = "models";

/// Returns `image` without the link `models` if the ModelKit itself has that name at the root: a link in the last layer
/// would replace the folder. Warns about everything that a user of the image would miss.
pub(super) fn fit(
    image: &Image,
    source: &dyn Source,
    modelkit: &ModelKit,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Image, Error> {
    for raw in modelkit.layers.iter().filter(|layer| layer.format == Format::Raw) {
        progress.warn(&Warning::NotInImage { path: raw.path.as_str() });
    }
    let models = Models::find(source, modelkit, jobs, progress)?;
    let layout = if models == Models::Absent { image.layout } else { ImageLayout::Root };
    match models {
        Models::Beside if image.layout == ImageLayout::Link => progress.warn(&Warning::ImageHasModelsFolder),
        Models::File if image.layout == ImageLayout::Link => progress.warn(&Warning::ImageHasModelsFile),
        _ => {}
    }
    Ok(Image { layout, ..image.clone() })
}

/// The name `models` at the root of the tar layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Models {
    Absent,
    /// A folder that contains all files.
    Everything,
    /// A folder beside other files.
    Beside,
    File,
}

impl Models {
    fn find(source: &dyn Source, modelkit: &ModelKit, jobs: usize, progress: &dyn Progress) -> Result<Self, Error> {
        let models: RelativePath = MODELS.parse().expect("the name is a valid path");
        let layers: Vec<_> = modelkit.layers.iter().filter(|layer| layer.format == Format::Tar).collect();
        let has_root = layers.iter().any(|layer| layer.path.is_root());
        if !has_root && !layers.iter().any(|layer| layer.path.starts_with(&models)) {
            return Ok(Self::Absent);
        }
        let path = if has_root { RelativePath::root() } else { models.clone() };
        let options = ListOptions { path, jobs, ..ListOptions::default() };
        let mut files = ls(source, modelkit, MODELS, &options, progress)?;
        files.retain(|file| file.layer.is_some_and(|digest| layers.iter().any(|it| it.descriptor.digest == *digest)));
        let (below, beside): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.path.starts_with(&models));
        let is_beside = !beside.is_empty() || !has_root && !layers.iter().all(|it| it.path.starts_with(&models));
        Ok(match &below[..] {
            [file] if file.path == models => Self::File,
            [] if has_root => Self::Absent,
            _ if is_beside => Self::Beside,
            _ => Self::Everything,
        })
    }
}
