//! The flag for the granularity of a drafted Kitfile.

/// The depth of the entries of a draft.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DepthArgs {
    /// Levels of folders whose files get entries of their own in the generated Kitfile, or -1 for all levels; deeper
    /// folders are entries as a whole
    #[arg(long, value_name = "LEVELS", default_value_t = 0, allow_negative_numbers = true)]
    depth: i32,
}

impl DepthArgs {
    /// The number of levels.
    pub(crate) fn levels(&self) -> usize {
        usize::try_from(self.depth).unwrap_or(usize::MAX)
    }
}
