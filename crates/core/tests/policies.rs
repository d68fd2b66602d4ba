//! Several policies at once: each of them must be satisfied.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::Path;

use jiff::Timestamp;

use kit_core::kitfile;
use kit_core::ops::{self, Location, Lookup, PackOptions, Policies, PolicyFile, Session};
use kit_core::progress::Silent;
use kit_core::registry::{Client, Settings};
use kit_core::store::Store;

const REFUSES: &str = "version = 1\ndefault = 'refuse'\n";
const ALLOWS: &str = "version = 1\n[[rule]]\nmatch = ['local/']\nmode = 'off'\n";
const FORBIDS_LICENCE: &str = "version = 1\n[[rule]]\nmatch = ['local/']\nlicenses = { allow = ['ISC'] }\n";

/// Admits a ModelKit with the name `digits:v1` by two policies, and returns the refusal.
fn admit(system: Option<&str>, user: Option<&str>) -> Option<String> {
    let work = tempfile::tempdir().unwrap();
    let file = |name: &str, text: Option<&str>| {
        let path = work.path().join(name);
        text.inspect(|text| fs_err::write(&path, text).unwrap());
        PolicyFile { path, is_required: false }
    };
    let files = vec![file("system.toml", system), file("user.toml", user)];
    let store = Store::open(work.path().join("store")).unwrap();
    let client = Client::new(Settings::default()).unwrap();
    let policies = Policies::new(files, Timestamp::UNIX_EPOCH);
    let session = Session { store, client, progress: &Silent, policies };
    let context = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let kitfile = kitfile::parse(&fs_err::read_to_string(context.join("Kitfile")).unwrap()).unwrap();
    let references = vec!["digits:v1".parse().unwrap()];
    ops::pack(&session, &PackOptions { references, ..PackOptions::new(context, kitfile) }).unwrap();
    let location: Location = "digits:v1".parse().unwrap();
    let found = session.find(&location, Lookup::Local).unwrap();
    let refused = ops::admit(&session, &found).err()?;
    Some(std::error::Error::source(&refused).map_or_else(|| refused.to_string(), ToString::to_string))
}

#[test]
fn a_policy_of_the_user_does_not_replace_that_of_the_system() {
    assert_eq!(admit(None, None), None);
    assert_eq!(admit(Some(ALLOWS), Some(ALLOWS)), None);
    let by_system = admit(Some(REFUSES), Some(ALLOWS)).unwrap();
    assert!(by_system.contains("system.toml:2 is `refuse`") && !by_system.contains("user.toml"), "{by_system}");
    let by_user = admit(Some(ALLOWS), Some(REFUSES)).unwrap();
    assert!(by_user.contains("user.toml:2 is `refuse`") && !by_user.contains("system.toml"), "{by_user}");
    let by_both = admit(Some(FORBIDS_LICENCE), Some(FORBIDS_LICENCE)).unwrap();
    assert!(by_both.contains("system.toml:2\n  licence") && by_both.contains("user.toml:2\n  licence"), "{by_both}");
}

#[test]
fn a_policy_of_the_system_that_cannot_be_read_refuses_everything() {
    let refused = admit(Some("version = 1\nrules = []"), Some(ALLOWS)).unwrap();
    assert!(refused.contains("system.toml:2:1: unknown key `rules`"), "{refused}");
}
