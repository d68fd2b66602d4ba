//! The folders of the system that no user chooses.

use std::path::Path;

/// The folder of the administrator's configuration of kit, without regard to variables of the environment, which any
/// user can set.
pub fn system_configuration() -> &'static Path {
    Path::new(if cfg!(windows) { r"C:\ProgramData\kit" } else { "/etc/kit" })
}
