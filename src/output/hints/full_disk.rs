//! The text and the hint for a full disk, which are the same wherever it is noticed.

use crate::output::streams::Message;
use kit_core::ops::{self, BundleError, ImportError};

pub(super) const HINT: &str =
    "free disk space, or use another disk: KIT_HOME or --config for the store, -d for unpacking";

/// The hint if the cause of a failure is a full disk.
pub(in crate::output) fn hint(error: &anyhow::Error) -> Option<String> {
    is_cause_of(error).then(|| HINT.to_owned())
}

/// Names a full disk in the last message, which is that of the system, unless a message names it already.
pub(in crate::output) fn explain(error: &anyhow::Error, messages: &mut [Message]) {
    const WORDS: &str = "not enough space";
    if is_cause_of(error)
        && !messages.iter().any(|message| message.text.starts_with(WORDS))
        && let Some(last) = messages.last_mut()
    {
        last.text = format!("{WORDS}: {}", last.text);
    }
}

fn is_cause_of(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(BundleError::Io(error)), _) | (_, Some(ImportError::Io(error))) => ops::is_disk_full(error),
        _ => ops::is_disk_full(cause),
    })
}
