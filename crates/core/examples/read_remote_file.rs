//! Prints one file of a ModelKit in a registry. Only the documents, the table of contents of one layer and the bytes of
//! the file are downloaded: the layer is read by ranges.
//!
//! Run it with `cargo run -p kit-core --example read_remote_file -- REGISTRY/NAME:TAG//PATH [--plain-http]`.

use std::env;
use std::error::Error;
use std::io::stdout;

use kit_core::ops::{self, FileLocation, Lookup, Policies, Session};
use kit_core::progress::Silent;
use kit_core::registry::{Client, Settings};
use kit_core::store::Store;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [file, flags @ ..] = arguments.as_slice() else { return Err("give REGISTRY/NAME:TAG//PATH".into()) };
    let file: FileLocation = file.parse()?;

    // A session has a local store. This one stays empty: nothing that is read is stored.
    let work = tempfile::tempdir()?;
    let store = Store::open(work.path().join("store"))?;
    let plain_http = flags.iter().any(|flag| flag == "--plain-http");
    let client = Client::new(Settings { plain_http, ..Settings::default() })?;
    let session = Session { store, client, progress: &Silent, policies: Policies::default() };

    let found = session.find(&file.location, Lookup::Remote)?;
    let inspected = ops::inspect(&found)?;
    ops::cat(&*found.source, &inspected.modelkit, &file.path, &mut stdout(), &Silent)?;
    Ok(())
}
