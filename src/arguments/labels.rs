//! The flag that selects a ModelKit from an index.

use anyhow::Result;

use crate::output::usage;
use kit_core::modelkit::{Label, check_keys};

/// The labels that the ModelKit must have.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LabelArgs {
    /// Select a ModelKit from an index by label, such as `quantization=Q4_K`; repeat to narrow the selection
    #[arg(short, long, value_name = "KEY=VALUE")]
    label: Vec<Label>,
}

impl LabelArgs {
    /// The labels, whose names differ.
    pub(crate) fn labels(&self) -> Result<&[Label]> {
        check_keys(&self.label).map_err(usage)?;
        Ok(&self.label)
    }
}
