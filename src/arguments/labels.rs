//! The flag that chooses a ModelKit of an index.

use kit_core::modelkit::Label;

/// What the ModelKit has to have.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LabelArgs {
    /// Of an index, take the ModelKit with this label, such as `quantization=Q4_K`; with more of them, the one that
    /// has all
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) label: Vec<Label>,
}
