//! Compressed files and zip archives, whose members are files.

mod compressed;
mod decoded;
mod directory;
mod end;
mod local;
mod recognise;
#[cfg(test)]
mod tests;
mod zip;

pub(super) use recognise::recognise;
