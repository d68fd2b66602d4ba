//! An artifact as a repository that an import reads files from.

use std::io;

use serde_json::{Map, Value};

use super::files::{ArtifactFile, files};
use crate::draft::detect_license;
use crate::file_kind::is_license_file;
use crate::kitfile::Kitfile;
use crate::modelkit::Family;
use crate::oci::{Content, Descriptor, Manifest, Source, read_document};
use crate::ops::error::Error;
use crate::ops::import::ImportError;
use crate::ops::init::draft;
use crate::ops::session::{Location, Lookup, Session};
use crate::ops::trust::admit_to_read;
use crate::relative_path::RelativePath;
use crate::upstream::{self, About, Upstream, UpstreamFile};

/// An artifact of another tool, whose layers are files.
pub struct ArtifactUpstream {
    about: About,
    files: Vec<UpstreamFile>,
    source: Box<dyn Source>,
    jobs: usize,
}

/// The name that [`files`] gives the weights of a model, beside adapters and projectors.
const MODEL: &str = "model.gguf";
/// A longer licence is a text of something else.
const LICENSE_BYTES: u64 = 1024 * 1024;

/// Opens the artifact at `location`, if a policy allows it, and drafts a Kitfile for its files. Reads its manifest and
/// config, but no weights.
pub fn open_artifact(
    session: &Session<'_>,
    location: &Location,
    depth: usize,
) -> Result<ArtifactUpstream, ImportError> {
    let found = session.find(location, Lookup::Remote)?;
    let descriptor = found.resolve()?;
    let bytes = found.source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
    let manifest = Manifest::parse(&bytes).map_err(Error::NotAManifest)?;
    if Family::of(&manifest).is_some() {
        return Err(ImportError::IsModelKit(found.title));
    }
    admit_to_read(session, &found)?;
    let source = found.source;
    let named = files(&manifest)?;
    let about = About {
        url: url(location),
        commit: descriptor.digest.to_string(),
        artifact: Some(descriptor.digest),
        name: short_name(location),
        owner: None,
        license: license(&*source, &named)?,
        kitfile: None,
    };
    let file = |ArtifactFile { path, layer }: ArtifactFile| UpstreamFile {
        path,
        size: layer.size,
        digest: Some(layer.digest),
        is_executable: false,
    };
    let files: Vec<_> = named.into_iter().map(file).collect();
    let mut upstream = ArtifactUpstream { about, files, jobs: session.jobs(&[location]), source };
    let mut kitfile = draft(&upstream, &upstream.files.iter().collect::<Vec<_>>(), depth)?;
    describe_model(&mut kitfile, &config(&*upstream.source, &manifest)?);
    upstream.about.kitfile = Some(kitfile);
    Ok(upstream)
}

/// The address without a digest: that of the manifest is recorded beside it.
fn url(location: &Location) -> String {
    match location {
        Location::Artifact(reference) => format!("oci://{}", reference.without_digest()),
        layout @ Location::Layout { .. } => short_name(layout),
    }
}

fn short_name(location: &Location) -> String {
    match location {
        Location::Artifact(reference) => reference.repository.rsplit('/').next().unwrap_or_default().to_owned(),
        Location::Layout { path, .. } => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

fn license(source: &dyn Source, files: &[ArtifactFile]) -> Result<Option<String>, ImportError> {
    let is_license = |file: &&ArtifactFile| is_license_file(file.path.as_str()) && file.layer.size <= LICENSE_BYTES;
    for file in files.iter().filter(is_license) {
        let read = read_document(&*source.blob(&file.layer), &file.layer);
        let text = read.map_err(|error| Error::reading(&format!("`{}`", file.path), error))?;
        if let Some(license) = detect_license(&String::from_utf8_lossy(&text)) {
            return Ok(Some(license.to_owned()));
        }
    }
    Ok(None)
}

/// Returns the config of the artifact; `null` if it is not JSON.
fn config(source: &dyn Source, manifest: &Manifest) -> Result<Value, ImportError> {
    let bytes = read_document(&*source.blob(&manifest.config), &manifest.config);
    let bytes = bytes.map_err(|error| Error::reading("the config", error))?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Makes the weights the model, and takes over what the configs of Docker Model Runner and Ollama say about them.
fn describe_model(kitfile: &mut Kitfile, config: &Value) {
    let Some(model) = &mut kitfile.model else { return };
    if let Some(weights) = model.parts.iter_mut().find(|part| part.path == MODEL) {
        std::mem::swap(&mut weights.path, &mut model.path);
        "model".clone_into(&mut model.name);
    }
    let text = |ollama: &str, docker: &str| {
        let found = [&config[ollama], &config["config"][docker]].into_iter().find_map(Value::as_str);
        found.filter(|text| !text.is_empty())
    };
    if let (true, Some(format)) = (model.format.is_empty(), text("model_format", "format")) {
        format.clone_into(&mut model.format);
    }
    let facts = [
        ("architecture", text("model_family", "architecture")),
        ("quantization", text("file_type", "quantization")),
        ("size", text("model_type", "parameters")),
    ];
    let facts = facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), Value::from(fact?))));
    let facts: Map<String, Value> = facts.collect();
    if !facts.is_empty() {
        model.parameters = Some(Value::Object(facts));
    }
}

impl Upstream for ArtifactUpstream {
    fn about(&self) -> &About {
        &self.about
    }

    fn files(&self) -> &[UpstreamFile] {
        &self.files
    }

    fn concurrency(&self) -> usize {
        self.jobs
    }

    fn read(&self, file: &UpstreamFile) -> Result<Vec<u8>, upstream::Error> {
        // All files have digests, so this is only called for a small file, such as `.kitignore`.
        let descriptor = file.descriptor().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(read_document(&*self.source.blob(&descriptor), &descriptor).map_err(io::Error::other)?)
    }

    fn content<'a>(&'a self, _path: &RelativePath, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        self.source.blob(descriptor)
    }
}
