//! The forms of an artifact as flags name them.

use clap::{Args, ValueEnum};

use kit_core::modelkit::{Family, Form, Platform};

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
    /// The form, with the media types that `compat` selects and the `platform` of an image.
    pub(crate) fn form(self, compat: CompatArgs, platform: &Platform) -> Form {
        match self {
            Self::Modelkit => Form::Artifact(Family::ModelKit),
            Self::Modelpack => Form::Artifact(compat.modelpack()),
            Self::Image => Form::Image(platform.clone()),
        }
    }

    /// The suffix that is appended to a tag for this form.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Modelkit => "-modelkit",
            Self::Modelpack => "-modelpack",
            Self::Image => "-image",
        }
    }
}
