//! The sought content in the tables of contents of layers.

use super::found::{Reason, ReasonKind};
use super::sought::Sought;
use crate::contents::{Kind, Piece};
use crate::modelkit::Layer;
use crate::ops::error::Error;
use crate::ops::files::tables;

/// The share of the sought chunks, in percent, from which on a file has a part of the content. Fewer chunks, such as
/// blocks of zeros, are in files that have nothing else in common.
const SHARE_PERCENT: u64 = 1;

/// Returns the places of the content in the layer with the compressed `table`.
pub(super) fn search(sought: &Sought, layer: &Layer, table: &[u8]) -> Result<Vec<Reason>, Error> {
    let (mut same, mut reasons) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for entry in tables::read(table, layer)? {
        let entry = entry?;
        let Kind::File { size, digest, pieces, .. } = entry.kind else { continue };
        if sought.digests.contains(&digest) {
            bytes += size;
            same.push(entry.path.to_string());
        } else {
            reasons.extend(of_pieces(sought, entry.path.as_str(), &pieces));
        }
    }
    if let Some(first) = same.first() {
        let place = if same.len() == 1 { first.clone() } else { layer.path.to_string() };
        reasons.insert(0, Reason { kind: ReasonKind::File, place, files: same.len(), bytes });
    }
    Ok(reasons)
}

/// The content in the chunks of a file.
fn of_pieces(sought: &Sought, path: &str, pieces: &[Piece]) -> Option<Reason> {
    let shared: Vec<_> = pieces.iter().filter(|piece| sought.pieces.contains_key(&piece.digest)).collect();
    let bytes: u64 = shared.iter().map(|piece| piece.size).sum();
    let (kind, place) = if sought.is_tensor() {
        let tensor = shared.iter().find_map(|piece| piece.tensor.as_ref());
        let named = tensor.map_or(String::new(), |tensor| format!(" ({})", tensor.name));
        (ReasonKind::Tensor, format!("{path}{named}"))
    } else {
        (ReasonKind::Chunks, path.to_owned())
    };
    let is_enough =
        bytes > 0 && (sought.is_tensor() || bytes.saturating_mul(100) >= sought.piece_bytes * SHARE_PERCENT);
    is_enough.then_some(Reason { kind, place, files: 1, bytes })
}
