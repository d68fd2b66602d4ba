//! ModelKits in an archive or a directory, for machines without a network: `kit save` and `kit load`.

mod compressed;
mod contents;
mod error;
mod layout;
mod load;
mod save;
mod sink;

pub use compressed::is_compressed;
pub use error::BundleError;
pub use layout::Layout;
pub use load::{LoadTo, Loaded, load};
pub use save::{Destination, Named, Saved, save};
