//! The flag with annotations of a signature.

use std::str::FromStr;

use kit_core::oci::Annotations;

/// An annotation, `KEY=VALUE`.
#[derive(Debug, Clone)]
pub(super) struct Annotation(pub(super) String, pub(super) String);

/// A text that is not an annotation.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not of the form KEY=VALUE")]
pub(super) struct InvalidAnnotation(String);

impl FromStr for Annotation {
    type Err = InvalidAnnotation;

    fn from_str(text: &str) -> Result<Self, InvalidAnnotation> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self(key.to_owned(), value.to_owned())),
            _ => Err(InvalidAnnotation(text.to_owned())),
        }
    }
}

/// The annotations of a signature.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AnnotationArgs {
    /// Annotation that is part of the signature; when verifying, annotation that the signature must have (repeatable)
    #[arg(short, long = "annotation", value_name = "KEY=VALUE")]
    annotations: Vec<Annotation>,
}

impl AnnotationArgs {
    /// The annotations. Of two with the same key, the last one counts.
    pub(crate) fn all(&self) -> Annotations {
        self.annotations.iter().map(|Annotation(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Returns true if there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.annotations.is_empty()
    }
}
