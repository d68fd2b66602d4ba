//! The media types of layers, which contain the section of the Kitfile, the format and the compression.

use super::family::{Family, section_word};
use crate::compression::Compression;
use crate::kitfile::Section;
use crate::layer_format::Format;
use crate::oci::{Descriptor, MediaType};
use crate::relative_path::RelativePath;

/// The information in the media type of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerType {
    /// The section of the Kitfile.
    pub section: Section,
    /// The format in which the files are stored.
    pub format: Format,
    /// The compression of the layer.
    pub compression: Compression,
}

/// The annotation that marks prompts, which are stored as layers of code (`KitOps`, after 1.7).
const SUBTYPE: &str = "ml.kitops.modelkit.layer-subtype";
const PROMPT: &str = "prompt";

impl LayerType {
    /// The media type of such a layer in a `ModelKit`.
    pub fn media_type(self) -> MediaType {
        self.named(Family::ModelKit, section_word(self.section))
    }

    /// The media type of such a layer with this path in an artifact of `family`.
    pub(crate) fn media_type_in(self, family: Family, path: &RelativePath) -> MediaType {
        self.named(family, family.word(self.section, path))
    }

    fn named(self, family: Family, word: &str) -> MediaType {
        let (prefix, format, suffix) = (family.prefix(), self.format, self.compression.suffix());
        format!("{prefix}{word}.v1.{format}{suffix}").into()
    }

    /// Adds the annotation to a descriptor whose media type is not sufficient.
    pub(crate) fn annotate(self, descriptor: &mut Descriptor) {
        if self.section == Section::Prompt {
            descriptor.annotations.insert(SUBTYPE.to_owned(), PROMPT.to_owned());
        }
    }

    /// Reads the type of a layer from its descriptor; returns `None` for types of no family. A weight of a `ModelPack`
    /// is read as a model.
    pub fn of(descriptor: &Descriptor) -> Option<Self> {
        let mut layer_type = Family::ALL.into_iter().find_map(|family| Self::parse(family, &descriptor.media_type))?;
        let is_prompt = descriptor.annotations.get(SUBTYPE).is_some_and(|subtype| subtype == PROMPT);
        if layer_type.section == Section::Code && is_prompt {
            layer_type.section = Section::Prompt;
        }
        Some(layer_type)
    }

    fn parse(family: Family, media_type: &MediaType) -> Option<Self> {
        let (word, rest) = media_type.as_str().strip_prefix(family.prefix())?.split_once(".v1.")?;
        let section = family.section(word)?;
        let (format, compression) = rest.split_once('+').map_or((rest, ""), |(format, suffix)| (format, suffix));
        Some(Self {
            section,
            format: match format {
                // The names of raw layers by `docker model package`.
                "gguf" | "safetensors" if family != Family::ModelKit && section == Section::Model => Format::Raw,
                format => format.parse().ok()?,
            },
            compression: match compression {
                "" => Compression::None,
                "gzip" => Compression::Gzip,
                "zstd" => Compression::Zstd,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use Compression::{Gzip, None as Plain, Zstd};
    use Format::{Raw, Tar};

    use super::*;

    const KIT: &str = "application/vnd.kitops.modelkit.";
    const PACK: &str = "application/vnd.cncf.model.";
    const LEGACY: &str = "application/vnd.cnai.model.";

    fn read(media_type: &str) -> Option<(Section, Format, Compression)> {
        let layer_type = LayerType::of(&Descriptor::of(media_type.to_owned().into(), b""))?;
        Some((layer_type.section, layer_type.format, layer_type.compression))
    }

    #[test]
    fn media_types_are_read_and_written() {
        for (family, prefix, rest, path, expected) in [
            (Family::ModelKit, KIT, "model.v1.tar", "m", (Section::Model, Tar, Plain)),
            (Family::ModelKit, KIT, "modelpart.v1.tar+gzip", "p", (Section::ModelPart, Tar, Gzip)),
            (Family::ModelKit, KIT, "dataset.v1.tar+zstd", "d", (Section::Dataset, Tar, Zstd)),
            (Family::ModelKit, KIT, "docs.v1.raw", "d", (Section::Docs, Raw, Plain)),
            (Family::ModelKit, KIT, "model.v1.raw+zstd", "m", (Section::Model, Raw, Zstd)),
            (Family::ModelPack, PACK, "weight.v1.raw", "m", (Section::Model, Raw, Plain)),
            (Family::ModelPack, PACK, "weight.config.v1.raw", "p.json", (Section::ModelPart, Raw, Plain)),
            (Family::ModelPack, PACK, "doc.v1.tar+gzip", "d", (Section::Docs, Tar, Gzip)),
            (Family::LegacyModelPack, LEGACY, "code.v1.tar", "c", (Section::Code, Tar, Plain)),
            (Family::LegacyModelPack, LEGACY, "dataset.v1.tar+zstd", "d", (Section::Dataset, Tar, Zstd)),
        ] {
            let media_type = format!("{prefix}{rest}");
            assert_eq!(read(&media_type), Some(expected), "{media_type}");
            let (section, format, compression) = expected;
            let written = LayerType { section, format, compression }.media_type_in(family, &path.parse().unwrap());
            assert_eq!(written.as_str(), media_type);
        }
    }

    #[test]
    fn the_names_of_docker_for_weights_are_read_as_raw() {
        assert_eq!(read(&format!("{PACK}weight.v1.gguf")), Some((Section::Model, Raw, Plain)));
        assert_eq!(read(&format!("{PACK}weight.v1.safetensors")), Some((Section::Model, Raw, Plain)));
        assert_eq!(read(&format!("{PACK}doc.v1.gguf")), None);
        assert_eq!(read(&format!("{KIT}model.v1.gguf")), None);
    }

    #[test]
    fn other_types_are_not_accepted() {
        for other in ["code.v1.tar+lzma", "weight.v1.tar", "config.v1+json"] {
            assert_eq!(read(&format!("{KIT}{other}")), None, "{other}");
        }
        assert_eq!(read(&format!("{PACK}modelpart.v1.tar")), None);
        assert_eq!(read("application/vnd.oci.image.layer.v1.tar"), None);
    }

    #[test]
    fn a_prompt_is_code_with_a_mark() {
        let layer_type = LayerType { section: Section::Prompt, format: Tar, compression: Plain };
        let mut descriptor = Descriptor::of(layer_type.media_type(), b"");
        assert_eq!(LayerType::of(&descriptor).unwrap().section, Section::Code);
        layer_type.annotate(&mut descriptor);
        assert_eq!(LayerType::of(&descriptor), Some(layer_type));
    }
}
