//! Compressed files, and zip and tar archives, whose members are files.

mod compressed;
mod decoded;
mod directory;
mod end;
mod local;
mod pax;
mod recognise;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

pub(super) use recognise::recognise;
