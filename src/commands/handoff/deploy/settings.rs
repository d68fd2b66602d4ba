//! The settings of a manifest that do not come from the ModelKit, and values that several manifests have.

use anyhow::Result;

use crate::output::{Code, Failure, one_line, usage};
use kit_core::digest::Digest;
use kit_core::oci::Reference;
use kit_core::ops::Deployment;
use kit_core::progress::human;
use kit_core::relative_path::RelativePath;

/// The facts about the ModelKit, and the values that the user gives.
pub(super) struct Settings<'a> {
    pub(super) deployment: &'a Deployment,
    /// The name of the ModelKit as the user gave it.
    pub(super) title: String,
    pub(super) name: Option<&'a str>,
    pub(super) image: Option<&'a str>,
    pub(super) kit_image: Option<&'a str>,
    pub(super) pull_secret: Option<&'a str>,
    pub(super) model_format: Option<&'a str>,
    /// The text of the public key that the ModelKit must be signed with.
    pub(super) key: Option<String>,
}

/// The folder in the container that the model is mounted or unpacked at.
pub(super) const FOLDER: &str = "/model";

impl Settings<'_> {
    /// The lines of a comment about the manifest, without the sign that begins a comment.
    pub(super) fn head(&self) -> Vec<String> {
        let Deployment { digest, model, .. } = self.deployment;
        let kind = if model.is_weighed { "weights and cache, by the headers" } else { "the size of the model" };
        vec![
            format!("{} at {digest}", one_line(&self.title)),
            format!("Memory: {} for {kind}; the server itself needs more.", human(model.memory)),
        ]
    }

    /// The repository in a registry.
    pub(super) fn repository(&self) -> Result<&Reference> {
        let repository = self.deployment.repository.as_ref().filter(|repository| !repository.is_local());
        repository
            .ok_or_else(|| usage(format!("`{}` is not in a registry, which a cluster could pull it from", self.title)))
    }

    /// The ModelKit by its digest.
    pub(super) fn pinned(&self) -> Result<String> {
        Ok(pinned(self.repository()?, self.deployment.digest))
    }

    /// The image form by its digest.
    pub(super) fn pinned_image(&self) -> Result<String> {
        let title = &self.title;
        if let Some(base) = &self.deployment.model.base {
            let problem = format!("the model of `{title}` is that of `{base}`, which its image does not contain");
            return Err(Failure::error(Code::NotFound, format!("{problem}; use `--as init-container`")));
        }
        let Some(image) = self.deployment.image else {
            let advice = format!("add it with `kit push {title} --also image`, and name the ModelKit by its tag");
            return Err(Failure::error(Code::NotFound, format!("`{title}` has no image form; {advice}")));
        };
        Ok(pinned(self.repository()?, image))
    }

    /// The image of the server.
    pub(super) fn server_image(&self) -> Result<&str> {
        self.image.ok_or_else(|| usage("this form needs the image of the server: --image IMAGE"))
    }

    /// The image that contains kit.
    pub(super) fn kit_image(&self) -> Result<&str> {
        self.kit_image.ok_or_else(|| usage("this form needs an image that contains kit: --kit-image IMAGE"))
    }

    /// The name of the objects: lower-case letters, digits and hyphens, at most 63 (RFC 1123, "label").
    pub(super) fn object_name(&self) -> String {
        let name = label(self.name.unwrap_or(&self.deployment.name));
        if name.is_empty() { "model".to_owned() } else { name }
    }

    /// The name of the secret with the credentials for the registry: by default its host.
    pub(super) fn pull_secret(&self) -> Result<String> {
        Ok(match self.pull_secret {
            Some(name) => name.to_owned(),
            None => label(&self.repository()?.registry),
        })
    }

    /// The path of the model in the container.
    pub(super) fn model_path(&self) -> String {
        below(FOLDER, &self.deployment.model.path)
    }

    /// The memory request in Mi, rounded up (Kubernetes, "Memory units").
    pub(super) fn memory(&self) -> String {
        format!("{}Mi", self.deployment.model.memory.div_ceil(1 << 20).max(1))
    }
}

fn pinned(repository: &Reference, digest: Digest) -> String {
    repository.with_digest(digest).to_string()
}

/// The `path` below a folder.
pub(super) fn below(folder: &str, path: &RelativePath) -> String {
    if path.is_root() { folder.to_owned() } else { format!("{folder}/{path}") }
}

fn label(text: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(letter).take(63).collect();
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn names_of_objects_are_labels() {
        for (text, expected) in [
            ("Sentiment v2", "sentiment-v2"),
            ("registry.example:5000", "registry-example-5000"),
            ("_x_", "x"),
            ("ä", ""),
            (&"a".repeat(80), &*"a".repeat(63)),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
    }
}
