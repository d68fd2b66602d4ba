//! Making the bill of materials of a ModelKit or a folder.
