//! The media types of layers: which section a layer belongs to, how its files are put together, how it is compressed.

use std::fmt;

use crate::compression::Compression;
use crate::kitfile::Section;
use crate::layer_format::Format;
use crate::oci::{Descriptor, MediaType};

/// What the media type of a layer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerType {
    /// The section of the Kitfile.
    pub section: Section,
    /// How the files are put together.
    pub format: Format,
    /// How the result is compressed.
    pub compression: Compression,
}

/// Marks prompts, which travel as layers of code (`KitOps`, after 1.7).
const SUBTYPE: &str = "ml.kitops.modelkit.layer-subtype";
const PROMPT: &str = "prompt";

const PREFIX: &str = "application/vnd.kitops.modelkit.";

impl LayerType {
    /// The media type that says so.
    pub fn media_type(self) -> MediaType {
        self.to_string().into()
    }

    /// Marks a descriptor with what its media type alone does not say.
    pub fn annotate(self, descriptor: &mut Descriptor) {
        if self.section == Section::Prompt {
            descriptor.annotations.insert(SUBTYPE.to_owned(), PROMPT.to_owned());
        }
    }

    /// Reads a layer's type from its descriptor; None for types that are not a ModelKit's.
    pub fn of(descriptor: &Descriptor) -> Option<Self> {
        let mut layer_type = Self::parse(descriptor.media_type.as_str())?;
        let is_prompt = descriptor.annotations.get(SUBTYPE).is_some_and(|subtype| subtype == PROMPT);
        if layer_type.section == Section::Code && is_prompt {
            layer_type.section = Section::Prompt;
        }
        Some(layer_type)
    }

    fn parse(media_type: &str) -> Option<Self> {
        let (word, rest) = media_type.strip_prefix(PREFIX)?.split_once(".v1.")?;
        let (format, compression) = rest.split_once('+').map_or((rest, ""), |(format, suffix)| (format, suffix));
        Some(Self {
            section: [Section::Model, Section::ModelPart, Section::Code, Section::Dataset, Section::Docs]
                .into_iter()
                .find(|section| section_word(*section) == word)?,
            format: format.parse().ok()?,
            compression: match compression {
                "" => Compression::None,
                "gzip" => Compression::Gzip,
                "zstd" => Compression::Zstd,
                _ => return None,
            },
        })
    }
}

/// The section as media types and messages name it.
pub fn section_word(section: Section) -> &'static str {
    match section {
        Section::Model => "model",
        Section::ModelPart => "modelpart",
        Section::Code | Section::Prompt => "code",
        Section::Dataset => "dataset",
        Section::Docs => "docs",
    }
}

impl fmt::Display for LayerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { section, format, compression } = self;
        write!(f, "{PREFIX}{}.v1.{format}{}", section_word(*section), compression.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(media_type: &str, expected: Option<(Section, Format, Compression)>) {
        let expected = expected.map(|(section, format, compression)| LayerType { section, format, compression });
        assert_eq!(LayerType::parse(media_type), expected, "{media_type}");
        if let Some(layer_type) = expected {
            assert_eq!(layer_type.to_string(), media_type);
        }
    }

    #[test]
    fn media_types_are_read_and_written() {
        use Compression::{Gzip, None as Plain, Zstd};
        use Format::{Raw, Tar};
        for (rest, expected) in [
            ("model.v1.tar", Some((Section::Model, Tar, Plain))),
            ("modelpart.v1.tar+gzip", Some((Section::ModelPart, Tar, Gzip))),
            ("dataset.v1.tar+zstd", Some((Section::Dataset, Tar, Zstd))),
            ("docs.v1.raw", Some((Section::Docs, Raw, Plain))),
            ("model.v1.raw+zstd", Some((Section::Model, Raw, Zstd))),
            ("code.v1.tar+lzma", None),
            ("weights.v1.tar", None),
            ("config.v1+json", None),
        ] {
            check(&format!("{PREFIX}{rest}"), expected);
        }
        check("application/vnd.oci.image.layer.v1.tar", None);
    }

    #[test]
    fn a_prompt_is_code_with_a_mark() {
        let layer_type = LayerType { section: Section::Prompt, format: Format::Tar, compression: Compression::None };
        let mut descriptor = Descriptor::of(layer_type.media_type(), b"");
        assert_eq!(LayerType::of(&descriptor).unwrap().section, Section::Code);
        layer_type.annotate(&mut descriptor);
        assert_eq!(LayerType::of(&descriptor), Some(layer_type));
    }
}
