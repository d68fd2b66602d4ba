//! Packs a folder straight into a registry: the files are read twice, once to compute the digests of the layers and
//! once to send them, and no layer is stored locally.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;

use super::compressing::Compressing;
use super::convert;
use super::into_store::{PackOptions, lock_of, time};
use super::packer::{Assembled, LayerSink, Packer, SavedLayer, layers_at_once, take_table};
use super::record::record;
use crate::archive::{self, LayerSource};
use crate::compression::Compression;
use crate::digest::{Digest, DigestWriter};
use crate::modelkit::{Documents, LayerType, Lock};
use crate::oci::{CheckedTables, Companion, Content, ContentError, Descriptor, Source, Subject, Target};
use crate::ops::artifact::attach;
use crate::ops::error::Error;
use crate::ops::files::tables;
use crate::ops::owners;
use crate::ops::remote_data::verify_objects;
use crate::ops::session::{Located, Session};
use crate::ops::transfer::{Copied, CopyOptions, Plan, PlanTarget, copy, plan};
use crate::progress::{PackOutcome, Task};
use crate::recipe::{Recipe, RecipeWriter};
use crate::store::RememberedLayer;

/// The result of packing a ModelKit into another place than the local store.
#[derive(Debug)]
pub struct PackedAway {
    /// The ModelKit and what was transferred of it.
    pub copied: Copied,
    /// Its lock, if one was requested.
    pub lock: Option<Lock>,
}

/// Packs the files that the Kitfile names into `target`, and gives the ModelKit the names `tags` there.
///
/// No blob is stored locally, neither in the local store nor elsewhere. A lock is made before anything is sent, and
/// compared with the expected one; a layer without a table of contents is read a third time for it. If a file changes
/// between two readings, packing fails with an error that names the file, and nothing is published at the target.
pub fn pack_and_push(
    session: &Session<'_>,
    pack: &PackOptions,
    (target, tags): (&dyn Target, &[String]),
    options: &CopyOptions,
) -> Result<PackedAway, Error> {
    let options = &CopyOptions { jobs: layers_at_once(options.jobs, pack.compression), ..options.clone() };
    verify_objects(session, &pack.kitfile, pack.jobs)?;
    // A mistake in the owners is found before anything is sent.
    owners::of_folder(&pack.context)?;
    let source = FromFiles::pack(session, pack)?;
    let lock = lock_of(session, &source, pack, &source.assembled)?;
    let name = source.assembled.digest().to_string();
    let copied = copy((&source, &name), (target, tags.first().map(String::as_str)), options, session.progress)?;
    for tag in tags.iter().skip(1) {
        let Documents { manifest, manifest_bytes, .. } = &source.assembled.documents;
        let published = target.publish(manifest, manifest_bytes, Some(tag));
        published.map_err(|error| Error::writing(&format!("the tag `{tag}`"), error))?;
    }
    let record = record(session, pack, &source.assembled, lock.as_ref())?;
    let tables = tables::attachment(&source, source.assembled.layers.iter());
    let subject = Subject { descriptor: &source.assembled.documents.manifest, is_new: copied.is_new };
    let owners = owners::attachment(&pack.context, (target, &subject), time(pack))?;
    let documents: Vec<_> = tables.into_iter().chain(record).chain(owners).collect();
    attach(target, &subject, &documents, options.jobs, session.progress);
    Ok(PackedAway { copied, lock })
}

/// Returns the plan of packing into `target`, without writing anything; the files are read once. The lock is compared
/// with the expected one, if there is one.
pub fn plan_pack(
    session: &Session<'_>,
    pack: &PackOptions,
    target: &PlanTarget<'_>,
    options: &CopyOptions,
) -> Result<Plan, Error> {
    verify_objects(session, &pack.kitfile, pack.jobs)?;
    let source = FromFiles::pack(session, pack)?;
    lock_of(session, &source, pack, &source.assembled)?;
    plan(&source, &source.assembled.digest().to_string(), target, options)
}

/// Returns the ModelKit that a folder would become. Its files are read once to compute the digests of the layers, and
/// again whenever a layer is requested.
pub(crate) fn find_in_folder(session: &Session<'_>, pack: &PackOptions) -> Result<Located, Error> {
    let source = FromFiles::pack(session, pack)?;
    let name = source.assembled.digest().to_string();
    let title = pack.context.display().to_string();
    Ok(Located::of(Box::new(source), name, title, false))
}

/// Computes the digests of layers, and keeps their recipes and tables of contents but not their bytes.
#[derive(Default)]
struct Passing {
    layers: Mutex<HashMap<Digest, Layer>>,
    tables: Mutex<HashMap<Digest, Vec<u8>>>,
}

impl LayerSink for Passing {
    fn remembered(&self, _key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        Ok(None)
    }

    fn save(
        &self,
        source: &LayerSource,
        layer_type: LayerType,
        _bytes: u64,
        task: &dyn Task,
    ) -> Result<SavedLayer, Error> {
        let LayerType { format, compression, .. } = layer_type;
        let mut recipe = RecipeWriter::new()?;
        let mut digesting = DigestWriter::new(io::sink());
        let mut summary = archive::write_layer(source, format, compression, Some(&mut recipe), &mut digesting, task)?;
        let (_, digest, size) = digesting.finish();
        let layer = Layer { recipe: recipe.finish()?, compression };
        self.layers.lock().expect("no worker panics while it stores a layer").insert(digest, layer);
        let blob = Descriptor::new(layer_type.media_type(), digest, size);
        let table = take_table(&mut summary).map(|(table, bytes)| {
            self.tables.lock().expect("no worker panics while it stores a table").insert(table.digest(), bytes);
            table
        });
        Ok(SavedLayer { summary, blob, table, was_there: false })
    }

    fn has_table(&self, _table: &Descriptor) -> Result<bool, Error> {
        Ok(false)
    }

    fn remember(&self, _key: &Digest, _layer: &RememberedLayer) -> Result<(), Error> {
        Ok(())
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn outcome(&self, _was_there: bool) -> PackOutcome {
        PackOutcome::Hashed
    }
}

/// A packed ModelKit whose layers are read from the files of the folder on request.
struct FromFiles {
    assembled: Assembled,
    layers: HashMap<Digest, Layer>,
    /// The tables of contents of the layers, compressed, by their digests.
    tables: HashMap<Digest, Vec<u8>>,
}

impl FromFiles {
    fn pack(session: &Session<'_>, options: &PackOptions) -> Result<Self, Error> {
        let passing = Passing::default();
        let assembled = Packer::new(session, options)?.pack(&passing)?;
        let layers = passing.layers.into_inner().expect("no worker panics while it stores a layer");
        let tables = passing.tables.into_inner().expect("no worker panics while it stores a table");
        let mut packed = Self { assembled, layers, tables };
        packed.assembled.documents = convert::in_family(&packed.assembled, &packed, options, session.progress)?;
        Ok(packed)
    }
}

impl Source for FromFiles {
    fn resolve(&self, _name: &str) -> Result<Descriptor, ContentError> {
        Ok(self.assembled.documents.manifest.clone())
    }

    fn manifest(&self, _descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        Ok(self.assembled.documents.manifest_bytes.clone())
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        match (self.layers.get(&descriptor.digest), self.tables.get(&descriptor.digest)) {
            (Some(layer), _) => Box::new(layer),
            (None, Some(table)) => Box::new(&table[..]),
            // The config is the only other blob.
            (None, None) => Box::new(&self.assembled.documents.config_bytes[..]),
        }
    }

    /// A folder has no referrers.
    fn referrers(&self, _subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(Vec::new())
    }

    /// A folder has no companions.
    fn companions(&self, _subject: &Digest, _kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        Ok(Vec::new())
    }

    fn checked_tables(&self) -> Option<&dyn CheckedTables> {
        Some(self)
    }
}

/// All tables were made from the bytes of their layers.
impl CheckedTables for FromFiles {
    fn is_checked(&self, _layer: &Digest, _table: &Digest) -> bool {
        true
    }

    fn note_checked(&self, _layer: &Digest, _table: &Digest) -> io::Result<()> {
        Ok(())
    }

    fn layer<'a>(&'a self, layer: &Descriptor) -> Box<dyn Content + 'a> {
        self.blob(layer)
    }
}

/// The content of one layer. The encoders are deterministic, so a compressed layer can be produced again.
struct Layer {
    recipe: Recipe,
    compression: Compression,
}

impl Content for &Layer {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        if self.compression == Compression::None {
            return Ok(Box::new(self.recipe.open_at(offset)?));
        }
        let mut compressed = Compressing::new(self.recipe.open_at(0)?, self.compression)?;
        io::copy(&mut compressed.by_ref().take(offset), &mut io::sink())?;
        Ok(Box::new(compressed))
    }
}
