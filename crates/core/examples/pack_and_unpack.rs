//! Packs `examples/digits` into a new local store and unpacks only its model: a short tour of the library.
//!
//! Run it with `cargo run -p kit-core --example pack_and_unpack`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use kit_core::kitfile;
use kit_core::ops::{
    self, DroppedFiles, Filter, Location, Lookup, Overwrite, PackOptions, Policies, RemoteData, Selection, Session,
    UnpackOptions, UnsafePaths,
};
use kit_core::progress::Silent;
use kit_core::registry::{Client, Settings};
use kit_core::store::Store;

fn main() -> Result<(), Box<dyn Error>> {
    let context = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let work = tempfile::tempdir()?;
    let store = Store::open(work.path().join("store"))?;
    let session =
        Session { store, client: Client::new(Settings::default())?, progress: &Silent, policies: Policies::default() };

    let kitfile = kitfile::parse(&fs_err::read_to_string(context.join("Kitfile"))?)?;
    let options = PackOptions { references: vec!["digits:v1".parse()?], ..PackOptions::new(context, kitfile) };
    let packed = ops::pack(&session, &options)?;

    let location: Location = "digits:v1".parse()?;
    let found = session.find(&location, Lookup::Local)?;
    let options = UnpackOptions {
        dropped: DroppedFiles::Keep,
        paths: Arc::default(),
        remote: RemoteData::Left,
        folder: work.path().join("model"),
        overwrite: Overwrite::Refuse,
        unsafe_paths: UnsafePaths::Refuse { home: None },
        selection: Selection::new(vec!["model".parse::<Filter>()?]),
        jobs: session.jobs_to_read(&location),
    };
    let unpacked = ops::unpack(&session, &found, "digits:v1", &options)?;
    assert_eq!(unpacked.manifest.digest, packed.manifest.digest);
    assert_eq!(unpacked.placed.files, 3);
    Ok(())
}
