//! `kit pack`

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use super::names::references;
use crate::arguments::kitfile::KitfileText;
use crate::arguments::{AllowedArgs, CompatArgs, DigestReceiptArgs, DryRunArgs, dry_run, lock_file};
use crate::commands::trust::scan_before_packing;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Moved, tidy, tidy_in, usage};
use kit_core::archive::{Links, Notebooks};
use kit_core::compression::Compression;
use kit_core::kitfile::{self, Kitfile, LOCK_FILE};
use kit_core::layer_format::Format;
use kit_core::modelkit::{Family, Lock};
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{
    self, CopyOptions, FolderFiles, Git, Keeping, Location, Locking, Origins, PackOptions, PackedAway, PlanTarget,
    PushedTag, Reading, Recording, ScannedFolder, Session,
};
use kit_core::progress::Phase;
use kit_core::sys::real_path;

/// Pack a folder and its Kitfile into a ModelKit in the local store
///
/// Each entry of the Kitfile becomes a layer. The digest that is printed at the end identifies the whole ModelKit:
/// packing the same files again, on any machine, gives the same digest.
///
/// With --push, nothing is written to the local store: the files are read once to compute the digests of the layers,
/// and once more to upload them.
///
/// If a policy has a rule for the name, packing warns of requirements that the files do not satisfy, such as licences,
/// formats and findings of a scan: the ModelKit would be refused where it is used.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "\
Examples:
  kit pack . -t sentiment:v2
  kit pack . -t registry.example/team/sentiment:v2,latest
  kit pack . -t sentiment:v2 --dry-run
  kit pack . -t sentiment:v2 --link
  kit pack . -t sentiment:v2 --strip-outputs
  kit pack . -t sentiment:v2 --lock
  kit pack . -t sentiment:v2 --locked
  kit pack . --push registry.example/team/sentiment:v2 --lock
  kit pack . -t registry.example/team/sentiment:v2,latest --push
  kit pack . -t sentiment:v2 --use-model-pack
  kit pack models/sentiment -f Kitfile.small --compression zstd")]
pub(crate) struct PackArgs {
    /// The folder to pack; paths in the Kitfile are relative to it
    #[arg(value_name = "FOLDER", default_value = ".")]
    context: PathBuf,
    /// Path to the Kitfile, or `-` for standard input [default: Kitfile, kitfile or .kitfile in FOLDER]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Name and tag of the ModelKit; add more tags after commas, or repeat the flag
    #[arg(short, long, value_name = "NAME:TAG[,TAG]")]
    tag: Vec<String>,
    /// Compression of the layers: none, gzip, gzip-fastest or zstd. Model weights hardly shrink
    #[arg(long, value_name = "COMPRESSION", default_value = "none")]
    compression: Compression,
    /// Format of the layers: tar, or raw, which stores an entry that is a single file without a tar archive around it.
    /// KitOps reads raw layers in releases after 1.7 only [default: tar; raw for a ModelPack without compression]
    #[arg(long, value_name = "FORMAT")]
    layer_format: Option<Format>,
    /// Write a CNCF ModelPack instead of a ModelKit. All commands accept both
    #[arg(long)]
    use_model_pack: bool,
    #[command(flatten)]
    compat: CompatArgs,
    /// Follow symbolic links that point outside FOLDER
    #[arg(long)]
    follow_symlinks: bool,
    /// Pack notebooks (.ipynb) without outputs, execution counts and the state of widgets; the files themselves are not
    /// changed. The same code then gives the same digest after every run
    #[arg(long)]
    strip_outputs: bool,
    /// Read every file again, including files that have not changed since they were last packed
    #[arg(long)]
    no_cache: bool,
    /// Do not copy the files into the local store: uncompressed layers are read from the files whenever they are
    /// needed, or from clones if the file system supports them. Compressed layers are stored as usual
    #[arg(long)]
    link: bool,
    /// Push the ModelKit to a registry or an OCI image layout (oci:FOLDER:TAG) without storing it locally [default
    /// name: that of --tag]
    #[arg(
        long,
        value_name = "NAME:TAG[,TAG]",
        num_args = 0..=1,
        default_missing_value = NAMED_BY_TAG,
        conflicts_with = "link"
    )]
    push: Vec<String>,
    /// Write Kitfile.lock next to the Kitfile. It lists every file, layer and parent with its digest, is meant for
    /// version control and is never packed. Reads the files one more time
    #[arg(long, conflicts_with = "locked")]
    lock: bool,
    /// Fail and list the differences if the result differs from Kitfile.lock. Reads the files one more time
    #[arg(long)]
    locked: bool,
    /// Leave commit, branch, remote and dirty state of the git repository of FOLDER out of the provenance attestation,
    /// which is attached to the ModelKit and shown by `kit log`
    #[arg(long)]
    no_git: bool,
    /// Scan all files first, as `kit scan` does, and pack nothing if there is a finding of level high
    #[arg(long, conflicts_with = "no_scan")]
    scan: bool,
    #[command(flatten)]
    allowed: AllowedArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl PackArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let destination = self.destination(context)?;
        let references = match &destination {
            Some(destination) => destination.references.clone(),
            None => references(context, &self.tag)?,
        };
        let options = self.options(context, references)?;
        let session = context.session(&self.network)?;
        if self.scan {
            scan_before_packing(context, &session, &self.network, &options)
                .with_context(|| format!("cannot pack `{}`", tidy(&self.context)))?;
        }
        warn_of_policies(&session, &options, destination.as_ref());
        if self.dry_run.dry_run {
            let planned = plan(context, &session, &options, destination.as_ref());
            return planned.with_context(|| format!("cannot pack `{}`", options.context.display()));
        }
        match destination {
            Some(destination) => self.push(context, &session, &options, &destination, start),
            None => self.save(context, &session, &options, start),
        }
    }

    fn options(&self, context: &Context, references: Vec<Reference>) -> Result<PackOptions> {
        let folder = self.folder(context)?;
        let kitfile = self.read_kitfile(context, &folder)?;
        let locking = match (self.lock, self.locked) {
            (true, _) => Locking::Record,
            (_, true) => Locking::Expect(self.read_lock(context, &folder)?),
            (false, false) => Locking::Off,
        };
        let family = self.family()?;
        Ok(PackOptions {
            references,
            compression: self.compression,
            format: self.format(family)?,
            family,
            links: if self.follow_symlinks { Links::Follow } else { Links::InsideContext },
            notebooks: if self.strip_outputs { Notebooks::WithoutOutputs } else { Notebooks::AsTheyAre },
            reading: if self.no_cache { Reading::Everything } else { Reading::Changed },
            keeping: if self.link { Keeping::Links } else { Keeping::Blobs },
            locking,
            allowed: self.allowed.choice(),
            recording: Some(Recording {
                builder: context.environment.builder.clone(),
                time: context.environment.time,
                git: if self.no_git { Git::Ignored } else { Git::Asked },
                sources: Vec::new(),
            }),
            ..PackOptions::new(folder, kitfile)
        })
    }

    fn family(&self) -> Result<Family> {
        match self.use_model_pack {
            true => Ok(self.compat.modelpack()),
            false if self.compat.is_given() => Err(usage("--compat requires --use-model-pack")),
            false => Ok(Family::ModelKit),
        }
    }

    /// A ModelPack stores each file as it is, unless compression is asked for: raw layers cannot be compressed
    /// (ModelPack, "Manifest").
    fn format(&self, family: Family) -> Result<Format> {
        let is_compressed = self.compression != Compression::None;
        match (self.layer_format, family) {
            (Some(Format::Raw), Family::ModelPack | Family::LegacyModelPack) if is_compressed => {
                Err(usage("compression for raw layers is not supported for ModelPack"))
            }
            (Some(format), _) => Ok(format),
            (None, Family::ModelPack | Family::LegacyModelPack) if !is_compressed => Ok(Format::Raw),
            (None, _) => Ok(Format::Tar),
        }
    }

    /// Packs into the local store.
    fn save(&self, context: &Context, session: &Session<'_>, options: &PackOptions, start: Instant) -> Result<()> {
        let packed = ops::pack(session, options).with_context(|| format!("cannot pack `{}`", tidy(&self.context)))?;
        let tags: Vec<_> = options.references.iter().map(ToString::to_string).collect();
        let digest = packed.manifest.digest;
        context.receipt.made(&context.output, ("saved", digest), &tags, format!("Model saved: {digest}"))?;
        context.receipt.packed(&packed);
        self.save_lock(context, options, packed.lock.as_ref())?;
        let done = if options.keeping == Keeping::Links { "linked" } else { "written" };
        let moved = Moved::packed(&packed, done);
        let tagged = if tags.is_empty() { String::new() } else { format!(" · tagged {}", tags.join(", ")) };
        context.output.say(&format!("{}{tagged}", moved.in_words(start)));
        if tags.is_empty() {
            context.output.say(&format!("No tag given: find it by its digest, or run `kit tag {digest} NAME:TAG`"));
        }
        Ok(())
    }

    fn push(
        &self,
        context: &Context,
        session: &Session<'_>,
        options: &PackOptions,
        destination: &Destination,
        start: Instant,
    ) -> Result<()> {
        let location = &destination.location;
        let failure = || format!("cannot pack `{}` and push it to `{location}`", tidy(&self.context));
        context.output.say(&format!("Packing and pushing {location}"));
        let PackedAway { copied, lock } =
            copy(session, options, location, &destination.more_tags).with_context(failure)?;
        let digest = copied.manifest.digest;
        let names = if destination.references.is_empty() {
            vec![location.to_string()]
        } else {
            destination.references.iter().map(ToString::to_string).collect()
        };
        context.receipt.made(&context.output, ("pushed", digest), &names, format!("Pushed {digest}"))?;
        context.receipt.copied(&copied);
        self.save_lock(context, options, lock.as_ref())?;
        context.output.say(&Moved::sent(&copied).in_words(start));
        Ok(())
    }

    /// The destination of --push.
    fn destination(&self, context: &Context) -> Result<Option<Destination>> {
        if self.push.is_empty() {
            return Ok(None);
        }
        let named: Vec<_> = self.push.iter().filter(|push| *push != NAMED_BY_TAG).cloned().collect();
        let texts = match (&named[..], &self.tag[..]) {
            ([], []) => return Err(usage("--push needs a destination: `--push NAME:TAG`, or --tag with a registry")),
            ([], tags) => tags,
            (named, []) => named,
            _ => {
                return Err(usage(
                    "--push NAME:TAG cannot be combined with --tag, since nothing is stored locally; give one of them",
                ));
            }
        };
        if let Some(layout) = texts.iter().find(|text| text.starts_with("oci:")) {
            if texts.len() > 1 {
                return Err(usage(format!(
                    "`{layout}` is an image layout, which gets one name; `kit copy` adds others"
                )));
            }
            let location = context.location(layout)?;
            return Ok(Some(Destination { location, more_tags: Vec::new(), references: Vec::new() }));
        }
        let references = references(context, texts)?;
        let location = Location::Artifact(references[0].clone());
        let more_tags = references.iter().skip(1).filter_map(|reference| reference.tag.as_ref());
        Ok(Some(Destination { location, more_tags: more_tags.map(ToString::to_string).collect(), references }))
    }

    /// Writes the lock if --lock was given; with --locked it is only compared.
    fn save_lock(&self, context: &Context, options: &PackOptions, lock: Option<&Lock>) -> Result<()> {
        match lock.filter(|_| self.lock) {
            Some(lock) => lock_file::write(&self.lock_path(context, &options.context), lock),
            None => Ok(()),
        }
    }

    fn read_lock(&self, context: &Context, folder: &Path) -> Result<Lock> {
        let kitfile = self.file.as_ref().filter(|path| path.as_os_str() != "-");
        let beside = |path: &PathBuf| tidy(&path.with_file_name(LOCK_FILE));
        let name = kitfile.map_or_else(|| tidy_in(&self.context, LOCK_FILE), beside);
        lock_file::read(&self.lock_path(context, folder), &name)
    }

    /// The path of the lock: next to the Kitfile, or in the folder if the Kitfile comes from standard input.
    fn lock_path(&self, context: &Context, folder: &Path) -> PathBuf {
        let kitfile = self.file.as_ref().filter(|path| path.as_os_str() != "-");
        let kitfile = kitfile.map(|path| context.environment.absolute(path));
        kitfile.as_deref().and_then(Path::parent).unwrap_or(folder).join(LOCK_FILE)
    }

    fn folder(&self, context: &Context) -> Result<PathBuf> {
        let folder = context.folder(&self.context);
        let folder = folder.with_context(|| format!("cannot pack `{}`", tidy(&self.context)))?;
        Ok(real_path(&folder)?)
    }

    fn read_kitfile(&self, context: &Context, folder: &Path) -> Result<Kitfile> {
        let text = KitfileText::of_project(context, folder, &self.context, self.file.as_deref())?;
        parse_kitfile(context, &text)
    }
}

/// Reads the Kitfile at `path`; `-` is standard input.
pub(super) fn read_kitfile(context: &Context, path: &Path) -> Result<Kitfile> {
    parse_kitfile(context, &KitfileText::named(context, path)?)
}

fn parse_kitfile(context: &Context, text: &KitfileText) -> Result<Kitfile> {
    let kitfile = text.parse()?;
    for warning in kitfile::warnings(&kitfile) {
        context.output.warn(&warning.message);
    }
    Ok(kitfile)
}

/// Warns of what the policies of the names require that the files do not satisfy. All names are in one repository.
fn warn_of_policies(session: &Session<'_>, options: &PackOptions, destination: Option<&Destination>) {
    let named = options.references.first().map(|reference| Location::Artifact(reference.clone()));
    if let Some(location) = destination.map(|destination| destination.location.clone()).or(named) {
        let (path, kitfile) = (options.context.clone(), Some(options.kitfile.clone()));
        let (links, notebooks) = (options.links, options.notebooks);
        let folder = ScannedFolder { path, kitfile, links, notebooks, files: FolderFiles::Packed };
        ops::warn_of_policies(session, &folder, &location);
    }
}

/// Shows what packing would store or send, and the manifest with each name that it would get.
fn plan(
    context: &Context,
    session: &Session<'_>,
    options: &PackOptions,
    destination: Option<&Destination>,
) -> Result<()> {
    let (target, copying) = if let Some(Destination { location, .. }) = destination {
        (session.look(location)?, copy_options(session, location)?)
    } else {
        let copying = CopyOptions { jobs: options.jobs, origins: Origins::default(), phase: Phase::Hashing };
        (PlanTarget::Store(&session.store), copying)
    };
    let plan = ops::plan_pack(session, options, &target, &copying)?;
    dry_run::show(context, &plan)?;
    let mut names: Vec<_> = options.references.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        names.push(destination.map_or_else(|| "(no tag)".to_owned(), |destination| destination.location.to_string()));
    }
    names.iter().try_for_each(|name| dry_run::show_addition(context, &plan.manifest, name))
}

/// The value of --push without a name.
const NAMED_BY_TAG: &str = "";

/// Packs directly into `location` and tags the result with `more_tags` as well.
pub(super) fn copy(
    session: &Session<'_>,
    options: &PackOptions,
    location: &Location,
    more_tags: &[String],
) -> Result<PackedAway, ops::Error> {
    let (target, tag) = session.target(location)?;
    let tags: Vec<_> = tag.into_iter().chain(more_tags.iter().cloned()).collect();
    let pushed: Vec<_> = tags.iter().filter_map(|tag| PushedTag::of(session, &with_tag(location, tag))).collect();
    let copying = copy_options(session, location)?;
    let packed = PushedTag::read_while(&pushed, || ops::pack_and_push(session, options, (&*target, &tags), &copying))?;
    for tag in &pushed {
        tag.report(&packed.copied.manifest);
    }
    Ok(packed)
}

/// The name `tag` in the repository of `location`; `location` itself if it is an image layout.
fn with_tag(location: &Location, tag: &str) -> Location {
    match (location, Tag::new(tag)) {
        (Location::Artifact(reference), Some(tag)) => Location::Artifact(reference.with_tag(tag)),
        _ => location.clone(),
    }
}

fn copy_options(session: &Session<'_>, location: &Location) -> Result<CopyOptions, ops::Error> {
    let origins = Origins::known_to(&session.store, location)?;
    Ok(CopyOptions { jobs: session.jobs(&[location]), origins, phase: Phase::Uploading })
}

/// The destination of --push, and the names of the ModelKit there.
struct Destination {
    location: Location,
    /// Tags besides the one in the location.
    more_tags: Vec<String>,
    /// The names, if they are references; empty for an image layout.
    references: Vec<Reference>,
}
