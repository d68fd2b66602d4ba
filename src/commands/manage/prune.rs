//! `kit prune`

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use clap::Args;

use super::remove::{Tense, print_removed, say_freed};
use crate::arguments::ReceiptArgs;
use crate::config::parse_duration;
use crate::context::Context;
use kit_core::ops::{self, PruneOptions};

/// Remove untagged ModelKits from the local store
///
/// A ModelKit has no tag if it was packed without one, or if its tag was moved to another ModelKit. Content that is no
/// longer referenced is deleted from disk. The age of a ModelKit is the time since it was packed or pulled.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit prune
  kit prune --older-than 30d
  kit prune --keep 3 --dry-run")]
pub(crate) struct PruneArgs {
    /// Remove only ModelKits that are older than this time, such as 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = parse_age)]
    older_than: Option<Duration>,
    /// Keep this number of the newest untagged ModelKits
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep: usize,
    /// Show the ModelKits that would be removed, without removing them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl PruneArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let older_than = self.older_than.unwrap_or_default();
        let options = PruneOptions { older_than, keep: self.keep, now: SystemTime::now() };
        let store = context.store()?;
        if self.dry_run {
            context.receipt.fact("dryRun", true);
            return print_removed(context, &ops::prunable(&store, &options)?, Tense::Conditional);
        }
        let (removed, collected) =
            ops::prune(&store, &options, &context.bars).context("Failed to remove untagged ModelKits")?;
        if removed.is_empty() && collected.files == 0 {
            context.output.say("nothing to remove");
        }
        print_removed(context, &removed, Tense::Past)?;
        say_freed(context, &collected);
        Ok(())
    }
}

/// Parses a time that may be in days.
fn parse_age(text: &str) -> Result<Duration, &'static str> {
    const DAY_SECONDS: u64 = 24 * 60 * 60;
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days.and_then(|days| days.checked_mul(DAY_SECONDS)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => parse_duration(text).map_err(|_| "not a time; write one such as 12h or 30d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_days_or_shorter_units() {
        for (text, expected) in [("2d", Some(172_800)), ("90m", Some(5400)), ("x", None), ("1000000000000000d", None)] {
            assert_eq!(parse_age(text).ok(), expected.map(Duration::from_secs), "{text}");
        }
    }
}
