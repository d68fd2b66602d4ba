//! Scanning a folder, a file or a ModelKit.
