//! The errors of operations. A module of `ops` whose errors stay there has its own enum, which contains [`Error`].

mod index;
mod operation;
mod remote_data;

pub use index::IndexError;
pub use operation::Error;
pub(super) use operation::reason;
pub use remote_data::RemoteDataError;

/// Each item on a line of its own.
fn listed(things: &[impl std::fmt::Display]) -> String {
    things.iter().map(|thing| format!("\n  {thing}")).collect::<Vec<_>>().concat()
}
