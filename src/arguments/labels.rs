//! The flag that selects a ModelKit from an index.

use kit_core::modelkit::Label;

/// The labels that the ModelKit must have.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LabelArgs {
    /// Select a ModelKit from an index by label, such as `quantization=Q4_K`; repeat to narrow the selection
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) label: Vec<Label>,
}
