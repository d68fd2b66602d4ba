//! The hints below an error of a store.

use std::io::ErrorKind;

use kit_core::store;

pub(super) fn hint_for_store(error: &store::Error) -> Option<String> {
    match error {
        store::Error::IndexFull { .. } => {
            Some("remove ModelKits with `kit remove`, or use another store: KIT_HOME or --config".to_owned())
        }
        store::Error::Locked { .. } => {
            Some("wait until that process ends, or end it; `--lock-timeout` sets the longest wait".to_owned())
        }
        store::Error::UnreadableManifest { .. } => {
            Some("`kit fsck` shows what is damaged; remove that ModelKit, or pull it again".to_owned())
        }
        store::Error::Io(error)
            if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            Some("`kit doctor` checks the local store; KIT_HOME or --config sets another folder for it".to_owned())
        }
        _ => None,
    }
}
