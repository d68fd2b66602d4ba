//! Bills of materials of a ModelKit: CycloneDX and SPDX documents.
