//! Rules for files that would run code, leak a credential or misrepresent themselves. Nothing is ever loaded, imported,
//! unpickled or executed.

mod finding;
pub(crate) mod secrets;

pub use finding::{Finding, Level, Place};
