//! Copies a ModelKit between two places: registries, or OCI image layouts in folders. Blobs that the target has are not
//! sent again.
//!
//! Run it with `cargo run -p kit-core --example copy -- FROM TO [--plain-http]`, where both are `REGISTRY/NAME:TAG` or
//! `oci:FOLDER:TAG`.

use std::env;
use std::error::Error;
use std::io::{Write, stdout};

use kit_core::ops::{self, CopyOptions, Location, Lookup, Origins, Policies, Session};
use kit_core::progress::{Phase, Silent};
use kit_core::registry::{Client, Settings};
use kit_core::store::Store;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [from, to, flags @ ..] = arguments.as_slice() else { return Err("give FROM and TO".into()) };
    let (from, to): (Location, Location) = (from.parse()?, to.parse()?);

    // A session has a local store. This one stays empty: a copy streams from one place to the other.
    let work = tempfile::tempdir()?;
    let store = Store::open(work.path().join("store"))?;
    let plain_http = flags.iter().any(|flag| flag == "--plain-http");
    let client = Client::new(Settings { plain_http, ..Settings::default() })?;
    let session = Session { store, client, progress: &Silent, policies: Policies::default() };

    let found = session.find(&from, Lookup::Remote)?;
    let (target, tag) = session.target(&to)?;
    let jobs = session.jobs(&[&from, &to]);
    let options = CopyOptions { jobs, origins: Origins::default(), phase: Phase::Copying };
    let copied = ops::copy((&*found.source, &found.name), (&*target, tag.as_deref()), &options, &Silent)?;
    let (digest, sent, present) = (copied.manifest.digest, copied.sent_bytes, copied.present_bytes);
    writeln!(stdout(), "copied {digest}: {sent} bytes sent, {present} bytes present")?;
    Ok(())
}
