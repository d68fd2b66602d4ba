//! The forms of an artifact as flags name them.

use clap::{Args, ValueEnum};

use kit_core::modelkit::{Family, Form, Image, ImageLayout, Platform};
use kit_core::ops::{IMAGE_SUFFIX, MODELKIT_SUFFIX, MODELPACK_SUFFIX};

/// The media types of a ModelPack.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct CompatArgs {
    /// Write a ModelPack with the older media types (cnai), which some registries and tools require
    #[arg(long, value_name = "NAMES")]
    compat: Option<Compat>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Compat {
    Cnai,
}

impl CompatArgs {
    /// The family of a ModelPack.
    pub(crate) fn modelpack(self) -> Family {
        match self.compat {
            Some(Compat::Cnai) => Family::LegacyModelPack,
            None => Family::ModelPack,
        }
    }

    /// Returns true if `--compat` was given, which only applies to a ModelPack.
    pub(crate) fn is_given(self) -> bool {
        self.compat.is_some()
    }
}

/// The image form.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImageArgs {
    /// Platform recorded in the image config; container runtimes require one [default: linux on this machine's
    /// architecture]
    #[arg(long, value_name = "OS/ARCHITECTURE", requires = "also")]
    platform: Option<Platform>,
    /// Paths of the files in the image: `link` adds a symbolic link `models` to the root, which KServe needs, and
    /// `root` does not
    #[arg(long, value_name = "LAYOUT", requires = "also", default_value = "link", hide_possible_values = true)]
    image_layout: Layout,
    /// Image whose layers come first, for the platform; with a shell in it, the image runs as a modelcar of KServe
    #[arg(long, value_name = "IMAGE", requires = "also")]
    pub(crate) image_base: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Layout {
    Link,
    Root,
}

impl ImageArgs {
    /// The image, still without its base.
    pub(crate) fn image(&self) -> Image {
        let platform = self.platform.clone().unwrap_or_else(Platform::host);
        let layout = match self.image_layout {
            Layout::Link => ImageLayout::Link,
            Layout::Root => ImageLayout::Root,
        };
        Image { platform, layout, base: None }
    }
}

/// The forms that the same layers can be published as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormName {
    /// ModelKit, with the Kitfile as its config
    Modelkit,
    /// CNCF ModelPack
    Modelpack,
    /// Image with the files of the ModelKit, to be mounted as a volume
    Image,
}

impl FormName {
    /// The form, with the media types that `compat` selects, and as the `image`.
    pub(crate) fn form(self, compat: CompatArgs, image: &Image) -> Form {
        match self {
            Self::Modelkit => Form::Artifact(Family::ModelKit),
            Self::Modelpack => Form::Artifact(compat.modelpack()),
            Self::Image => Form::Image(Box::new(image.clone())),
        }
    }

    /// The suffix that is appended to a tag for this form.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Modelkit => MODELKIT_SUFFIX,
            Self::Modelpack => MODELPACK_SUFFIX,
            Self::Image => IMAGE_SUFFIX,
        }
    }
}
