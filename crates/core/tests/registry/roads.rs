//! The roads, which are the transfers of a ModelKit from and to registries, each done with the code that the commands
//! use.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use kit_core::digest::Digest;
use kit_core::oci::{Companion, Content, ContentError, Descriptor, MediaType, Source};
use kit_core::ops::{
    self, CopyOptions, DroppedFiles, Error, Examined, Jobs, Located, Origins, Overwrite, Policies, RemoteData,
    Selection, Session, UnpackOptions, UnsafePaths,
};
use kit_core::progress::{Phase, Silent};
use kit_core::registry::{Client, Settings};
use kit_core::store::{Names, Store};

use crate::support::{bytes, reference, settings};
use kit_testkit::registry::{FakeRegistry, Recorded, sha256};

pub(crate) const MODEL: usize = 1_500_000;
/// The size of the range of a connection on roads in pieces.
pub(crate) const PIECE: u64 = 64 * 1024;
/// The size of the body of a PATCH on roads in parts.
pub(crate) const PART: u64 = 400_000;

/// The source, the target and the form of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    PullInOneStream,
    PullInPieces,
    UnpackInOneStream,
    UnpackInPieces,
    /// From the registry of the test to another one.
    CopyFrom,
    PushWhole,
    PushInParts,
    /// From another registry to that of the test.
    CopyTo,
}

/// A ModelKit with one layer, in memory.
pub(crate) struct Kit {
    manifest: Vec<u8>,
    blobs: BTreeMap<String, Vec<u8>>,
    layer: String,
}

impl Kit {
    pub(crate) fn new() -> Self {
        let layer = tar("m", &bytes(MODEL));
        let name = sha256(&layer);
        let config = serde_json::json!({ "model": { "path": "m", "digest": name } }).to_string().into_bytes();
        let describe = |kind: &str, bytes: &[u8]| {
            let media_type = format!("application/vnd.kitops.modelkit.{kind}");
            serde_json::json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() })
        };
        let manifest = serde_json::json!({
            "unknown": [1.50, "as no program of ours would write it"],
            "schemaVersion": 2,
            "mediaType": MediaType::IMAGE_MANIFEST,
            "config": describe("config.v1+json", &config),
            "layers": [describe("model.v1.tar", &layer)],
        });
        let blobs = [(sha256(&config), config), (name.clone(), layer)].into();
        let manifest = format!("\n{manifest:#}\r\n").into_bytes();
        Self { manifest, blobs, layer: name }
    }

    /// The digest of the layer.
    pub(crate) fn layer(&self) -> &str {
        &self.layer
    }

    pub(crate) fn layer_bytes(&self) -> u64 {
        self.blobs[&self.layer].len() as u64
    }

    /// The bytes of all blobs.
    pub(crate) fn bytes(&self) -> u64 {
        self.blobs.values().map(|blob| blob.len() as u64).sum()
    }

    /// Adds everything to a registry, without requests.
    pub(crate) fn put_into(&self, registry: &FakeRegistry) {
        for blob in self.blobs.values() {
            registry.add_blob(blob);
        }
        registry.add_manifest("team/model", "v1", MediaType::IMAGE_MANIFEST.as_str(), &self.manifest);
    }

    fn descriptor(&self) -> Descriptor {
        Descriptor::of(MediaType::IMAGE_MANIFEST, &self.manifest)
    }

    fn assert_whole_in(&self, registry: &FakeRegistry) {
        for (digest, blob) in &self.blobs {
            assert!(registry.blob(digest).expect("the blob is there") == *blob, "the blob {digest} is another");
        }
        assert!(registry.manifest("team/model", "v1").expect("the manifest is there").1 == self.manifest);
    }
}

impl Source for Kit {
    fn resolve(&self, _: &str) -> Result<Descriptor, ContentError> {
        Ok(self.descriptor())
    }

    fn manifest(&self, _: &Descriptor) -> Result<Vec<u8>, ContentError> {
        Ok(self.manifest.clone())
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(InMemory(&self.blobs[&descriptor.digest.to_string()]))
    }

    fn referrers(&self, _: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(Vec::new())
    }

    fn companions(&self, _: &Digest, _: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        Ok(Vec::new())
    }
}

struct InMemory<'a>(&'a [u8]);

impl Content for InMemory<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(&self.0[usize::try_from(offset).unwrap()..]))
    }
}

fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, name, content).unwrap();
    builder.into_inner().unwrap()
}

impl Road {
    /// Returns true if the registry of the test is the source; otherwise it is the target.
    pub(crate) fn is_from_registry(self) -> bool {
        !matches!(self, Self::PushWhole | Self::PushInParts | Self::CopyTo)
    }

    pub(crate) fn is_in_pieces(self) -> bool {
        matches!(self, Self::PullInPieces | Self::UnpackInPieces | Self::CopyFrom)
    }

    pub(crate) fn is_in_parts(self) -> bool {
        matches!(self, Self::PushInParts | Self::CopyTo)
    }

    fn settings(self, base: Settings) -> Settings {
        let pieces_from_bytes = if self.is_in_pieces() { 2 * PIECE } else { u64::MAX };
        let resumable_bytes = if self.is_in_parts() { PART } else { u64::MAX };
        Settings { piece_bytes: PIECE, pieces_from_bytes, resumable_bytes, chunk_bytes: PART, ..base }
    }

    /// Does the transfer into or out of `home`, and checks that the target equals the source.
    pub(crate) fn walk(self, kit: &Kit, registry: &FakeRegistry, home: &Home, base: Settings) -> Result<(), Error> {
        let jobs = base.concurrency;
        let client = Client::new(self.settings(base)).unwrap();
        let repository = client.repository(&reference(registry.host()));
        let options = CopyOptions { jobs, origins: Origins::default(), phase: Phase::Copying };
        let copy = |source: &dyn Source, target: &dyn kit_core::oci::Target| {
            ops::copy((source, "v1"), (target, Some("v1")), &options, &Silent).map(drop)
        };
        match self {
            Self::PullInOneStream | Self::PullInPieces => {
                let name = reference(registry.host());
                copy(&repository, &home.store.writer(Names::Of(name)).unwrap())?;
                home.assert_sound(2 + 1);
            }
            Self::UnpackInOneStream | Self::UnpackInPieces => {
                let found = Located {
                    policy_names: Vec::new(),
                    source: Box::new(repository),
                    name: "v1".to_owned(),
                    title: "v1".to_owned(),
                    is_remote: true,
                    examined: Examined::default(),
                    repository: None,
                };
                let session =
                    Session { store: home.store.clone(), client, progress: &Silent, policies: Policies::default() };
                let (overwrite, selection) = (Overwrite::Refuse, Selection::new(Vec::new()));
                let (unsafe_paths, remote) = (UnsafePaths::Allow, RemoteData::Left);
                let folder = home.path("out");
                let options = UnpackOptions {
                    folder,
                    overwrite,
                    unsafe_paths,
                    selection,
                    paths: Arc::default(),
                    remote,
                    dropped: DroppedFiles::Keep,
                    jobs: Jobs { large: jobs, small: jobs },
                };
                ops::unpack(&session, &found, "v1", &options)?;
                assert!(fs_err::read(home.path("out/m")).unwrap() == bytes(MODEL), "the model is another");
                assert_eq!(fs_err::read_dir(home.path("out")).unwrap().count(), 2, "the model and its Kitfile");
            }
            Self::CopyFrom => {
                let other = FakeRegistry::start();
                copy(&repository, &beside(&other))?;
                kit.assert_whole_in(&other);
            }
            Self::CopyTo => {
                let other = FakeRegistry::start();
                kit.put_into(&other);
                copy(&beside(&other), &repository)?;
                kit.assert_whole_in(registry);
            }
            Self::PushWhole | Self::PushInParts => {
                copy(kit, &repository)?;
                kit.assert_whole_in(registry);
            }
        }
        Ok(())
    }
}

/// The registry at the other end of a copy, which has no faults.
fn beside(registry: &FakeRegistry) -> kit_core::registry::Repository {
    Client::new(settings()).unwrap().repository(&reference(registry.host()))
}

/// The target of pulls and unpackings.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn assert_sound(&self, blobs: usize) {
        let checked = ops::check(&self.store, false, 1, &Silent).unwrap();
        assert!(checked.damaged.is_empty() && checked.broken.is_empty(), "{checked:?}");
        assert_eq!((checked.blobs, self.unfinished()), (blobs, 0));
    }

    /// The number of partial files in the store.
    pub(crate) fn unfinished(&self) -> usize {
        fs_err::read_dir(self.path("store/.kit/ingest")).map_or(0, Iterator::count)
    }
}

/// The number of bytes of the blob that the registry sent in successful answers.
pub(crate) fn fetched(requests: &[Recorded], digest: &str) -> u64 {
    let of_blob = |request: &&Recorded| request.method == "GET" && request.target.contains(digest);
    let answers = requests.iter().filter(of_blob).filter(|request| (200..300).contains(&request.status));
    answers.map(|request| request.answer_bytes).sum()
}

/// The number of bytes of blobs that the registry received.
pub(crate) fn sent(requests: &[Recorded]) -> u64 {
    let uploads = requests.iter().filter(|request| request.target.contains("/blobs/uploads/"));
    uploads.map(|request| request.body_bytes).sum()
}
