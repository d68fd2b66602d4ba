//! The names of the files in an artifact: given by annotations, or derived from the media types of its layers.

use std::collections::{HashMap, HashSet};

use crate::oci::{Descriptor, Manifest};
use crate::ops::import::ImportError;
use crate::relative_path::RelativePath;

/// The annotations with the path of a layer: image-spec 1.1, "Pre-Defined Annotation Keys", as oras writes it, and
/// `ModelPack`, as Docker Model Runner writes it.
const PATHS: [&str; 2] = ["org.cncf.model.filepath", "org.opencontainers.image.title"];
/// The annotation of a folder that oras packed into a tar archive.
const UNPACK: &str = "io.deis.oras.content.unpack";

/// The names of layers without a path, by media type: of Docker Model Runner (docker/model-runner,
/// `pkg/distribution/types`) and of Ollama (ollama/ollama, `server/images.go`).
const NAMES: [(&str, &str); 20] = [
    ("application/vnd.docker.ai.gguf.v3", "model.gguf"),
    ("application/vnd.docker.ai.gguf", "model.gguf"),
    ("application/vnd.docker.ai.safetensors", "model.safetensors"),
    ("application/vnd.docker.ai.dduf", "model.dduf"),
    ("application/vnd.docker.ai.mmproj", "projector.gguf"),
    ("application/vnd.docker.ai.license", "LICENSE"),
    ("application/vnd.docker.ai.chat.template.jinja", "template.jinja"),
    ("application/vnd.docker.ai.vllm.config.tar", "vllm-config.tar"),
    ("application/vnd.docker.ai.dir.tar", "folder.tar"),
    ("application/vnd.ollama.image.model", "model.gguf"),
    ("application/vnd.ollama.image.adapter", "adapter.gguf"),
    ("application/vnd.ollama.image.projector", "projector.gguf"),
    ("application/vnd.ollama.image.embed", "embeddings.bin"),
    ("application/vnd.ollama.image.template", "template.txt"),
    ("application/vnd.ollama.image.prompt", "template.txt"),
    ("application/vnd.ollama.image.system", "system.txt"),
    ("application/vnd.ollama.image.params", "params.json"),
    ("application/vnd.ollama.image.messages", "messages.json"),
    ("application/vnd.ollama.image.license", "LICENSE"),
    ("text/plain", "text.txt"),
];
/// The names of the weights of a model, of which shards are numbered as Hugging Face numbers them.
const WEIGHTS: [&str; 2] = ["model.gguf", "model.safetensors"];

/// A file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArtifactFile {
    /// The path.
    pub(super) path: RelativePath,
    /// The layer that is the file.
    pub(super) layer: Descriptor,
}

/// Returns the files of an artifact, sorted by path. A layer without a name is an error: it is not a file.
pub(super) fn files(manifest: &Manifest) -> Result<Vec<ArtifactFile>, ImportError> {
    let mut unnamed: HashMap<&str, Vec<&Descriptor>> = HashMap::new();
    let mut files = Vec::new();
    for layer in &manifest.layers {
        match given_path(layer) {
            Some(path) => files.push((path, layer)),
            None => unnamed.entry(name_of(layer)?).or_default().push(layer),
        }
    }
    for (name, layers) in unnamed {
        let count = layers.len();
        files.extend(layers.into_iter().enumerate().map(|(index, layer)| (numbered(name, index, count), layer)));
    }
    let parse = |(path, layer): (String, &Descriptor)| {
        let path = path.parse().ok().filter(|path: &RelativePath| !path.is_root());
        let unsafe_path = || ImportError::UnnamedLayer(Box::new(layer.clone()));
        Ok::<_, ImportError>(ArtifactFile { path: path.ok_or_else(unsafe_path)?, layer: layer.clone() })
    };
    let mut files = files.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    // The same file may be listed twice, as `oras push a a` does.
    files.dedup_by(|one, other| one.path == other.path && one.layer.digest == other.layer.digest);
    match clash(&files) {
        Some(path) => Err(ImportError::SamePath(path)),
        None => Ok(files),
    }
}

/// Returns a path that is that of two files, or of a file and of the folder of another one.
fn clash(files: &[ArtifactFile]) -> Option<RelativePath> {
    let mut paths = HashSet::new();
    let twice = files.iter().find(|file| !paths.insert(&file.path)).map(|file| file.path.clone());
    twice.or_else(|| files.iter().flat_map(|file| file.path.ancestors()).find(|folder| paths.contains(folder)))
}

fn given_path(layer: &Descriptor) -> Option<String> {
    let path = PATHS.iter().find_map(|key| layer.annotations.get(*key)).filter(|path| !path.is_empty())?;
    let is_folder = layer.annotations.get(UNPACK).is_some_and(|unpack| unpack == "true");
    // The archive of a folder stays an archive.
    Some(if is_folder { format!("{path}.tar.gz") } else { path.clone() })
}

/// Returns the file name for a layer that has no path.
fn name_of(layer: &Descriptor) -> Result<&'static str, ImportError> {
    let media_type = layer.media_type.as_str();
    let kind = media_type.split_once(';').map_or(media_type, |(kind, _)| kind).trim_end();
    let found = NAMES.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name);
    found.ok_or_else(|| ImportError::UnnamedLayer(Box::new(layer.clone())))
}

/// The name of one of `count` layers with the same name.
fn numbered(name: &str, index: usize, count: usize) -> String {
    let (stem, extension) =
        name.rsplit_once('.').map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    match count {
        1 => name.to_owned(),
        _ if WEIGHTS.contains(&name) => format!("{stem}-{:05}-of-{count:05}{extension}", index + 1),
        _ => format!("{stem}-{}{extension}", index + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    /// Compares the paths for layers, each given as `media type` or `media type path`.
    fn check(layers: &[&'static str], expected: Result<&[&str], &str>) {
        let layer = |text: &&'static str| {
            let (kind, path) = text.split_once(' ').map_or((*text, None), |(kind, path)| (kind, Some(path)));
            let mut layer = Descriptor::of(MediaType::of(kind), text.as_bytes());
            layer.annotations.extend(path.map(|path| (PATHS[1].to_owned(), path.to_owned())));
            layer
        };
        let config = Descriptor::of(MediaType::EMPTY, b"{}");
        let manifest = Manifest::new(MediaType::of("a"), config, layers.iter().map(layer).collect());
        match (files(&manifest), expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), expected);
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{layers:?}: {found:?}"),
        }
    }

    #[test]
    fn files_have_the_names_of_their_annotations_or_of_their_types() {
        check(&["a/b weights/model.bin", "text/plain README.md"], Ok(&["README.md", "weights/model.bin"]));
        check(
            &["application/vnd.docker.ai.gguf.v3", "application/vnd.docker.ai.license"],
            Ok(&["LICENSE", "model.gguf"]),
        );
        check(
            &["application/vnd.docker.ai.safetensors", "application/vnd.docker.ai.safetensors;a=1"],
            Ok(&["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]),
        );
        check(
            &["application/vnd.ollama.image.license", "application/vnd.ollama.image.license;a=1"],
            Ok(&["LICENSE-1", "LICENSE-2"]),
        );
    }

    #[test]
    fn layers_that_are_not_files_are_refused() {
        check(&["application/vnd.oci.image.layer.v1.tar"], Err("application/vnd.oci.image.layer.v1.tar"));
        check(&["a/b ../secret"], Err("has no usable file name"));
        check(&["a/b /etc/passwd"], Err("has no usable file name"));
        check(&["a/b one", "a/c one"], Err("two layers with the path `one`"));
        check(&["a/b one", "a/c one-two", "a/d one/two/three"], Err("two layers with the path `one`"));
    }
}
