//! The forms of an artifact as flags name them.

use clap::{Args, ValueEnum};

use kit_core::modelkit::{Family, Form, Platform};

/// Whose names a ModelPack has.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct CompatArgs {
    /// Write a ModelPack with the names of its first year (cnai), the only ones that some registries and tools know
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

    /// Whether there is a flag that only a ModelPack has a use for.
    pub(crate) fn is_given(self) -> bool {
        self.compat.is_some()
    }
}

/// What the same layers can be listed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormName {
    /// The Kitfile is the config
    Modelkit,
    /// CNCF ModelPack
    Modelpack,
    /// An image whose files are those of the ModelKit, to be mounted as a volume
    Image,
}

impl FormName {
    /// What is meant, with the names that `compat` tells and for the `platform` that runs it.
    pub(crate) fn form(self, compat: CompatArgs, platform: &Platform) -> Form {
        match self {
            Self::Modelkit => Form::Artifact(Family::ModelKit),
            Self::Modelpack => Form::Artifact(compat.modelpack()),
            Self::Image => Form::Image(platform.clone()),
        }
    }

    /// What is put behind a tag for this form of it.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Modelkit => "-modelkit",
            Self::Modelpack => "-modelpack",
            Self::Image => "-image",
        }
    }
}
