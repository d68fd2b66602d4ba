//! Writing one file of a ModelKit to a stream.

use std::io::{Read, Write};
use std::ops::ControlFlow;

use super::members::{Member, distinct, kitfile, open_whole, skim};
use super::tables::{Evidence, Headers};
use crate::modelkit::ModelKit;
use crate::oci::Source;
use crate::ops::error::Error;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// The number of bytes that are read and written at a time.
const STEP_BYTES: u64 = 64 * 1024;

/// Writes the content of the file that `unpack` would place at `path` to `sink`.
///
/// Reads only the necessary part of the layer, so the digest of the layer is not verified. If the layer has a table of
/// contents, the content is verified by its digest there, and the header before it is compared; in a compressed layer
/// that is not possible, which a warning says.
pub fn cat(
    source: &dyn Source,
    modelkit: &ModelKit,
    path: &RelativePath,
    sink: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<(), Error> {
    if let Some((_, yaml)) = kitfile(modelkit).filter(|(file, _)| file.path == *path) {
        return sink.write_all(yaml.as_bytes()).and_then(|()| sink.flush()).map_err(Error::Output);
    }
    let mut is_folder = modelkit.layers.iter().any(|layer| layer.path != *path && layer.path.starts_with(path));
    for layer in distinct(modelkit.layers.iter().filter(|layer| path.starts_with(&layer.path))) {
        let blob = source.blob(&layer.descriptor);
        let done = skim(source, layer, Headers::Leave, &mut |member, content| {
            if member.is_directory || member.path != *path {
                is_folder |= member.path.starts_with(path);
                return Ok(ControlFlow::Continue(()));
            }
            if member.evidence == Evidence::Nothing && member.offset.is_none() {
                progress.warn(&Warning::TableNotVerified { path: layer.path.as_str(), more: 0 });
            }
            write(member, &mut *open_whole(&*blob, layer, member, content)?, sink)?;
            Ok(ControlFlow::Break(()))
        })?;
        if done.is_break() {
            return Ok(());
        }
    }
    Err(if is_folder || path.is_root() { Error::IsFolder(path.clone()) } else { Error::NoSuchFile(path.clone()) })
}

fn write(member: &Member, content: &mut dyn Read, sink: &mut dyn Write) -> Result<(), Error> {
    let mut buffer = Vec::new();
    let mut size = 0;
    while content.take(STEP_BYTES).read_to_end(&mut buffer).map_err(|error| member.failed(error))? > 0 {
        sink.write_all(&buffer).map_err(Error::Output)?;
        size += buffer.len() as u64;
        buffer.clear();
    }
    sink.flush().map_err(Error::Output)?;
    member.check_size(size)
}
