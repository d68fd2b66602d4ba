//! Writes the seeds of each fuzz target below the folder given as the only argument.
//!
//! Seeds are taken from `tests/golden`, `examples` and `texts`. Seeds of binary formats are generated.

mod binary;
mod golden;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Larger files are poor seeds: most of their bytes are content that no parser reads.
const SIZE_LIMIT: usize = 16 * 1024;

fn main() -> io::Result<()> {
    let corpus = env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: kit-fuzz-seeds CORPUS"))?;
    let seeds = Seeds { corpus: corpus.into() };
    write_texts(&seeds)?;
    golden::write(&seeds)?;
    binary::write(&seeds)
}

/// The root of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Seeds {
    corpus: PathBuf,
}

impl Seeds {
    /// Writes a seed of `target`, unless it is too large.
    fn put(&self, target: &str, name: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let (folder, bytes) = (self.corpus.join(target), bytes.as_ref());
        if bytes.len() > SIZE_LIMIT {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{name}")), bytes)
    }
}

/// Copies `texts/TARGET/NAME`.
fn write_texts(seeds: &Seeds) -> io::Result<()> {
    for file in golden::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("texts"))? {
        let target = golden::name(file.parent().unwrap_or(&file));
        seeds.put(&target, &golden::name(&file), fs::read(&file)?)?;
    }
    Ok(())
}
