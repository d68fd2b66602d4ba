//! Stores the commit and the compiler for `kit version`.

#[path = "build/checkout.rs"]
mod checkout;

use std::path::Path;
use std::process::Command;

use checkout::Checkout;

/// The value for a build that was not made in a checkout, such as one from a package registry.
const RELEASE: &str = "release";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    let checkout = Checkout::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    for path in checkout.iter().flat_map(|checkout| &checkout.git_files) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    // Changes that are not committed are not shown: cargo runs this program only when the files above change.
    let (commit, built) =
        checkout.map_or((RELEASE.to_owned(), RELEASE.to_owned()), |checkout| (checkout.commit, checkout.committed_at));
    println!("cargo::rustc-env=KIT_COMMIT={commit}");
    println!("cargo::rustc-env=KIT_BUILT={built}");
    println!("cargo::rustc-env=KIT_COMPILER={}", compiler().unwrap_or_else(|| RELEASE.to_owned()));
}

/// The version of the compiler that cargo uses, such as `rustc 1.89.0 (29483883e 2025-08-04)`.
#[expect(clippy::disallowed_methods, reason = "cargo passes the compiler to a build script in a variable")]
fn compiler() -> Option<String> {
    let output = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
