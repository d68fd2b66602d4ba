//! The hints below an error of a store.

use std::io::ErrorKind;

use kit_core::store::{self, StoreName};

pub(super) fn hint_for_store(error: &store::Error) -> Option<String> {
    match error {
        store::Error::IndexFull { store: StoreName::Layout(_), .. } => {
            Some("use a layout in another folder".to_owned())
        }
        store::Error::IndexFull { store: StoreName::Local, .. } => {
            Some("remove ModelKits with `kit remove`, or use another store: KIT_HOME or --config".to_owned())
        }
        store::Error::Locked { .. } => {
            Some("wait until that process ends, or end it; `--lock-timeout` sets the longest wait".to_owned())
        }
        store::Error::UnreadableManifest { .. } => {
            Some("`kit fsck` shows what is damaged; remove that ModelKit, or pull it again".to_owned())
        }
        store::Error::Io { store, source }
            if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            Some(match store {
                StoreName::Local => {
                    "`kit doctor` checks the local store; KIT_HOME or --config sets another folder for it".to_owned()
                }
                StoreName::Layout(_) => "give your user access to the folder, or use another one".to_owned(),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_about_the_store_that_failed() {
        for (name, of_denial, of_size) in [
            (StoreName::Local, "KIT_HOME", "`kit remove`"),
            (StoreName::Layout("lay".into()), "the folder", "a layout in"),
        ] {
            let denied = store::Error::Io { store: name.clone(), source: ErrorKind::PermissionDenied.into() };
            assert!(hint_for_store(&denied).unwrap().contains(of_denial), "{name}");
            let full = store::Error::IndexFull { store: name, path: "index.json".into(), bytes: 2, limit: 1 };
            assert!(hint_for_store(&full).unwrap().contains(of_size), "{full}");
        }
        assert_eq!(hint_for_store(&std::io::Error::from(ErrorKind::NotFound).into()), None);
    }
}
