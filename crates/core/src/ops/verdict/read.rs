//! Reads the facts of one version: the headers of its weights, and the small files that differ.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use super::assess::AssessOptions;
use super::pickles::{self, may_have_pickles};
use crate::compression::Compression;
use crate::kitfile::Section;
use crate::limits;
use crate::modelkit::Layer;
use crate::ops::artifact::Inspected;
use crate::ops::diff::{Concern, Difference, FileChange, Side};
use crate::ops::error::Error;
use crate::ops::files::{Headers, WeighedModel, skim, weigh};
use crate::ops::session::Located;
use crate::ops::workers;
use crate::progress::human;
use crate::relative_path::RelativePath;
use crate::tensors::Format;
use crate::verdict::{ModelProfile, Profile, is_document};

/// The content that has to be read because of the differences.
pub(super) struct Wanted {
    /// The small files that differ.
    documents: HashSet<RelativePath>,
    /// The files that differ and may contain pickles.
    pub(super) pickles: HashSet<RelativePath>,
    /// True if headers of weights are needed.
    has_weights: bool,
}

impl Wanted {
    pub(super) fn of(difference: &Difference) -> Self {
        let differs = |change: &FileChange| !matches!(change, FileChange::Moved(_) | FileChange::Mode);
        let files: Vec<_> = difference.files.iter().filter(|file| differs(&file.change)).collect();
        let is_small = |concern, path: &RelativePath| concern == Concern::Deployment || is_document(path);
        let documents = files.iter().filter(|file| is_small(file.concern, &file.path) && file.concern != Concern::Data);
        let matters = |path: &RelativePath| {
            path.file_name().is_some_and(|name| Format::of(name).is_some() || name == "config.json")
        };
        let has_weights = files.iter().any(|file| file.concern != Concern::Data && matters(&file.path));
        let pickles = files.iter().filter(|file| file.concern != Concern::Data && may_have_pickles(&file.path));
        let pickles = pickles.map(|file| file.path.clone()).collect();
        Self { pickles, documents: documents.map(|file| file.path.clone()).collect(), has_weights }
    }
}

/// Reads the facts of `side`.
pub(super) fn profile(side: &Side, wanted: &Wanted, options: &AssessOptions) -> Result<Profile, Error> {
    let (found, inspected) = match side {
        Side::ModelKit { found, inspected, .. } => (found, &**inspected),
        Side::Lock(_) => {
            let unread = vec!["contents of files: a lock contains only their digests".to_owned()];
            return Ok(Profile { unread, ..Profile::default() });
        }
    };
    let limit = if found.is_remote { options.remote_limit } else { u64::MAX };
    let mut profile = Profile::default();
    read_documents(&mut profile, (found, inspected), wanted, (limit, options.jobs))?;
    let has_pickles = |layer: &&Layer| wanted.pickles.iter().any(|path| path.starts_with(&layer.path));
    for layer in inspected.modelkit.layers.iter().filter(has_pickles) {
        if is_too_large(layer, limit) {
            profile.unread.push(compressed(layer));
        } else {
            pickles::read(&mut profile, found, layer, (wanted, limit))?;
        }
    }
    if wanted.has_weights {
        read_headers(&mut profile, (found, inspected), (limit, options.jobs))?;
    }
    profile.unread.extend(
        inspected.modelkit.unreadable.iter().map(|entry| format!("files of {}: {}", entry.place, entry.problem)),
    );
    Ok(profile)
}

/// Returns true if reading a part of `layer` means reading more than `limit`.
fn is_too_large(layer: &Layer, limit: u64) -> bool {
    layer.compression != Compression::None && layer.descriptor.size > limit
}

fn compressed(layer: &Layer) -> String {
    let size = human(layer.descriptor.size);
    format!(
        "files in the layer of `{}`: it is compressed, and reading its {size} needs a higher --read-limit",
        layer.path
    )
}

fn read_documents(
    profile: &mut Profile,
    (found, inspected): (&Located, &Inspected),
    wanted: &Wanted,
    (limit, jobs): (u64, usize),
) -> Result<(), Error> {
    let holds = |layer: &&Layer| {
        layer.section != Section::Dataset && wanted.documents.iter().any(|path| path.starts_with(&layer.path))
    };
    let (large, layers): (Vec<_>, Vec<_>) =
        inspected.modelkit.layers.iter().filter(holds).partition(|layer| is_too_large(layer, limit));
    profile.unread.extend(large.into_iter().map(compressed));
    let reader = Reader { found, wanted, limit, bytes: AtomicU64::new(0) };
    for (documents, unread) in workers::run(jobs, &layers, |layer| reader.read(layer))? {
        profile.documents.extend(documents);
        profile.unread.extend(unread);
    }
    Ok(())
}

/// Reads small files; may be used by several threads at the same time.
struct Reader<'a> {
    found: &'a Located,
    wanted: &'a Wanted,
    /// The largest file that is read.
    limit: u64,
    /// The bytes that were read.
    bytes: AtomicU64,
}

type Documents = BTreeMap<RelativePath, String>;

impl Reader<'_> {
    fn read(&self, layer: &Layer) -> Result<(Documents, Vec<String>), Error> {
        let (mut documents, mut unread) = (Documents::new(), Vec::new());
        let limit = self.limit.min(limits::VERDICT_DOCUMENT_BYTES);
        skim(&*self.found.source, layer, Headers::Leave, &mut |member, content| {
            if member.is_directory || !self.wanted.documents.contains(&member.path) {
                return Ok(ControlFlow::Continue(()));
            }
            let mut bytes = Vec::new();
            let is_small = member.size.is_none_or(|size| size <= limit);
            if is_small {
                content.take(limit + 1).read_to_end(&mut bytes).map_err(|error| member.failed(error))?;
            }
            let size = bytes.len() as u64;
            let total = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
            if !is_small || size > limit || total > limits::VERDICT_DOCUMENTS_BYTES {
                unread.push(format!("content of `{}`: it is larger than {}", member.path, human(limit)));
            } else if let Ok(text) = String::from_utf8(bytes) {
                documents.insert(member.path.clone(), text);
            }
            Ok(ControlFlow::Continue(()))
        })
        .map(|_| (documents, unread))
    }
}

fn read_headers(
    profile: &mut Profile,
    (found, inspected): (&Located, &Inspected),
    (limit, jobs): (u64, usize),
) -> Result<(), Error> {
    let is_of_model = |layer: &&Layer| matches!(layer.section, Section::Model | Section::ModelPart);
    let mut layers = inspected.modelkit.layers.iter().filter(is_of_model);
    if let Some(large) = layers.find(|layer| is_too_large(layer, limit)) {
        profile.unread.push(compressed(large));
        return Ok(());
    }
    let models = weigh(&*found.source, &inspected.modelkit, jobs)?;
    for file in models.iter().flat_map(|model| &model.files) {
        if let Err(error) = &file.header {
            profile.unread.push(format!("header of `{}`: {error}", file.path));
        }
    }
    profile.models = Some(models.into_iter().map(model).collect());
    Ok(())
}

fn model(model: WeighedModel) -> ModelProfile {
    let WeighedModel { name, files, summary } = model;
    let format = files.first().map_or("", |file| file.format.name());
    let (paths, headers): (Vec<_>, Vec<_>) = files.into_iter().map(|file| (file.path, file.header)).unzip();
    ModelProfile { name, format, files: paths, summary, headers: headers.into_iter().flatten().collect() }
}
