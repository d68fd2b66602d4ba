//! `kit pack`

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fs_err as fs;

use crate::arguments::{CompatArgs, lock_file};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Moved, Usage, usage};
use kit_core::archive::Links;
use kit_core::compression::Compression;
use kit_core::kitfile::{self, Kitfile, LOCK_FILE};
use kit_core::layer_format::Format;
use kit_core::modelkit::{Family, Lock};
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{
    self, CopyOptions, Git, Keeping, Location, Locking, Origins, PackOptions, PackedAway, Reading, Recording, Session,
};
use kit_core::progress::Phase;

/// Pack a folder and its Kitfile into a ModelKit in the local store
///
/// Each entry of the Kitfile becomes a layer; all of them together get one digest, which is printed at the end. Packing the
/// same files again, anywhere, gives the same digest.
///
/// With --push nothing is kept here: the files are read once to name the layers and once to send them.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "\
Examples:
  kit pack . -t sentiment:v2
  kit pack . -t registry.example/team/sentiment:v2,latest
  kit pack . -t sentiment:v2 --link
  kit pack . -t sentiment:v2 --lock
  kit pack . -t sentiment:v2 --locked
  kit pack . --push registry.example/team/sentiment:v2 --lock
  kit pack . -t registry.example/team/sentiment:v2,latest --push
  kit pack . -t sentiment:v2 --use-model-pack
  kit pack models/sentiment -f Kitfile.small --compression zstd")]
pub(crate) struct PackArgs {
    /// The folder to pack; all paths of the Kitfile begin here
    #[arg(value_name = "FOLDER")]
    context: PathBuf,
    /// The Kitfile, or `-` for standard input [default: Kitfile, kitfile or .kitfile in FOLDER]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to call the ModelKit; more tags may follow after commas
    #[arg(short, long, value_name = "NAME:TAG[,TAG]")]
    tag: Option<String>,
    /// How to compress layers: none, gzip, gzip-fastest or zstd. Weights hardly shrink
    #[arg(long, value_name = "HOW", default_value = "none")]
    compression: Compression,
    /// How a layer holds its files: tar, or raw, in which an entry that is one file is stored as the file itself. The Go
    /// tool reads raw layers since some release after 1.7 [default: tar; raw for a ModelPack without compression]
    #[arg(long, value_name = "FORMAT")]
    layer_format: Option<Format>,
    /// Make a CNCF ModelPack of it. All commands work on either
    #[arg(long)]
    use_model_pack: bool,
    #[command(flatten)]
    compat: CompatArgs,
    /// Pack what symbolic links point to even when it lies outside FOLDER
    #[arg(long)]
    follow_symlinks: bool,
    /// Read all files, even those that are as they were when they were packed the last time
    #[arg(long)]
    no_cache: bool,
    /// Keep no copy of the files: uncompressed layers are read from them again whenever they are needed, or from clones where
    /// the file system makes clones. Compressed layers are stored as ever
    #[arg(long)]
    link: bool,
    /// Send the ModelKit to a registry or an image layout (oci:FOLDER:TAG) and store nothing here; without a name it gets
    /// those of --tag
    #[arg(long, value_name = "NAME:TAG[,TAG]", num_args = 0..=1, default_missing_value = NAMED_BY_TAG, conflicts_with = "link")]
    push: Option<String>,
    /// Write Kitfile.lock beside the Kitfile: every file, layer and parent by digest. It is text for version control, and never
    /// packed. Costs one more reading
    #[arg(long, conflicts_with = "locked")]
    lock: bool,
    /// Fail, and name what differs, unless what is packed is what Kitfile.lock says; it costs what --lock costs
    #[arg(long)]
    locked: bool,
    /// Leave what git knows of FOLDER out of the record of the making, which `kit log` shows and which is attached to the
    /// ModelKit: commit, branch, remote, and whether files differ
    #[arg(long)]
    no_git: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl PackArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        let destination = self.destination(context)?;
        let references = match (&destination, &self.tag) {
            (Some(destination), _) => destination.references.clone(),
            (None, Some(text)) => references(context, text)?,
            (None, None) => Vec::new(),
        };
        let options = self.options(context, references)?;
        let store = context.store()?;
        let client = self.network.client(&context.environment)?;
        let session = Session { store: &store, client: &client };
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
            (_, true) => Locking::Expect(lock_file::read(&self.lock_path(context, &folder))?),
            (false, false) => Locking::Off,
        };
        let family = self.family()?;
        Ok(PackOptions {
            kitfile,
            context: folder,
            references,
            compression: self.compression,
            format: self.format(family)?,
            family,
            links: if self.follow_symlinks { Links::Follow } else { Links::InsideContext },
            reading: if self.no_cache { Reading::Everything } else { Reading::Changed },
            keeping: if self.link { Keeping::Links } else { Keeping::Blobs },
            locking,
            recording: Some(Recording {
                builder: context.environment.builder.clone(),
                time: context.environment.time,
                git: if self.no_git { Git::Ignored } else { Git::Asked },
                sources: Vec::new(),
            }),
            jobs: ops::jobs(),
            cli_version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    fn family(&self) -> Result<Family> {
        match self.use_model_pack {
            true => Ok(self.compat.modelpack()),
            false if self.compat.is_given() => Err(usage("--compat goes with --use-model-pack")),
            false => Ok(Family::ModelKit),
        }
    }

    /// A ModelPack has each file as it is, unless it is to be compressed: raw layers are not (ModelPack, "Manifest").
    fn format(&self, family: Family) -> Result<Format> {
        let is_compressed = self.compression != Compression::None;
        match (self.layer_format, family) {
            (Some(Format::Raw), Family::ModelPack | Family::LegacyModelPack) if is_compressed => {
                Err(usage("a ModelPack has no compressed raw layers; leave --layer-format or --compression out"))
            }
            (Some(format), _) => Ok(format),
            (None, Family::ModelPack | Family::LegacyModelPack) if !is_compressed => Ok(Format::Raw),
            (None, _) => Ok(Format::Tar),
        }
    }

    /// Packs into the local store.
    fn save(&self, context: &Context, session: &Session<'_>, options: &PackOptions, start: Instant) -> Result<()> {
        let packed = ops::pack(session, options, &context.bars)
            .with_context(|| format!("cannot pack `{}`", options.context.display()))?;
        context.output.result(format!("Model saved: {}", packed.manifest.digest))?;
        self.save_lock(context, options, packed.lock.as_ref())?;
        let done = if options.keeping == Keeping::Links { "linked" } else { "written" };
        let moved = Moved::packed(&packed, done);
        let tags: Vec<_> = options.references.iter().map(ToString::to_string).collect();
        let tagged = if tags.is_empty() { String::new() } else { format!(" · tagged {}", tags.join(", ")) };
        context.output.say(&format!("{}{tagged}", moved.in_words(start)));
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
        let failure = || format!("cannot pack `{}` and push it to `{location}`", options.context.display());
        context.output.say(&format!("Packing and pushing {location}"));
        let PackedAway { copied, lock } =
            copy(context, session, options, location, &destination.more_tags).with_context(failure)?;
        context.output.result(format!("Pushed {}", copied.manifest.digest))?;
        self.save_lock(context, options, lock.as_ref())?;
        context.output.say(&Moved::sent(&copied).in_words(start));
        Ok(())
    }

    /// Where --push sends the ModelKit.
    fn destination(&self, context: &Context) -> Result<Option<Destination>> {
        let Some(push) = &self.push else { return Ok(None) };
        let text = match (push.as_str(), &self.tag) {
            (NAMED_BY_TAG, Some(tag)) => tag,
            (_, Some(_)) => {
                return Err(usage(
                    "--push names the ModelKit, and so does --tag; nothing is stored here, so one will do",
                ));
            }
            (NAMED_BY_TAG, None) => {
                return Err(usage("--push wants to know where: `--push NAME:TAG`, or --tag with a registry"));
            }
            (_, None) => push,
        };
        if text.starts_with("oci:") {
            let location = context.location(text)?;
            return Ok(Some(Destination { location, more_tags: Vec::new(), references: Vec::new() }));
        }
        let references = references(context, text)?;
        let location = Location::Artifact(references[0].clone());
        let more_tags = references.iter().skip(1).filter_map(|reference| reference.tag.as_ref());
        Ok(Some(Destination { location, more_tags: more_tags.map(ToString::to_string).collect(), references }))
    }

    /// Writes the lock if that was asked for; one that was only compared is left alone.
    fn save_lock(&self, context: &Context, options: &PackOptions, lock: Option<&Lock>) -> Result<()> {
        match lock.filter(|_| self.lock) {
            Some(lock) => lock_file::write(&self.lock_path(context, &options.context), lock),
            None => Ok(()),
        }
    }

    /// The lock lies beside the Kitfile; beside standard input, that is in the folder.
    fn lock_path(&self, context: &Context, folder: &Path) -> PathBuf {
        let kitfile = self.file.as_ref().filter(|path| path.as_os_str() != "-");
        let kitfile = kitfile.map(|path| context.environment.absolute(path));
        kitfile.as_deref().and_then(Path::parent).unwrap_or(folder).join(LOCK_FILE)
    }

    fn folder(&self, context: &Context) -> Result<PathBuf> {
        let folder = context.environment.absolute(&self.context);
        let metadata = fs::metadata(&folder).with_context(|| format!("cannot pack `{}`", self.context.display()))?;
        if !metadata.is_dir() {
            bail!("`{}` is not a folder; give the folder and the Kitfile with --file", folder.display());
        }
        Ok(fs::canonicalize(folder)?)
    }

    fn read_kitfile(&self, context: &Context, folder: &Path) -> Result<Kitfile> {
        match &self.file {
            Some(path) => read_kitfile(context, path),
            None => parse_kitfile(context, read(&find_kitfile(folder)?)?),
        }
    }
}

/// Reads the Kitfile at `path`; `-` is standard input.
pub(super) fn read_kitfile(context: &Context, path: &Path) -> Result<Kitfile> {
    if path.as_os_str() == "-" {
        return parse_kitfile(context, ("standard input".to_owned(), read_standard_input()?));
    }
    let read = read(&context.environment.absolute(path));
    parse_kitfile(context, read.with_context(|| format!("cannot read the Kitfile `{}`", path.display()))?)
}

fn parse_kitfile(context: &Context, (name, bytes): (String, Vec<u8>)) -> Result<Kitfile> {
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("the Kitfile `{name}` is not UTF-8 text"))?;
    let kitfile = kitfile::parse(&text).map_err(|invalid| invalid.in_file(&name))?;
    for warning in kitfile::warnings(&kitfile) {
        context.output.warn(&warning.message);
    }
    Ok(kitfile)
}

/// What --push without a name is taken for.
const NAMED_BY_TAG: &str = "";

/// Packs straight into `location`, under `more_tags`, too.
pub(super) fn copy(
    context: &Context,
    session: &Session<'_>,
    options: &PackOptions,
    location: &Location,
    more_tags: &[String],
) -> Result<PackedAway, ops::Error> {
    let (target, tag) = session.target(location)?;
    let tags: Vec<_> = tag.into_iter().chain(more_tags.iter().cloned()).collect();
    let origins = Origins::known_to(session.store, location)?;
    let copying = CopyOptions { jobs: session.jobs(&[location]), origins, phase: Phase::Uploading };
    ops::pack_and_push(session, options, (&*target, &tags), &copying, &context.bars)
}

/// Where --push sends the ModelKit, and what it is called there.
struct Destination {
    location: Location,
    /// Besides the one in the location.
    more_tags: Vec<String>,
    /// The names, if they are references: not those in an image layout.
    references: Vec<Reference>,
}

/// The names that `text` lists, at least one.
pub(super) fn references(context: &Context, text: &str) -> Result<Vec<Reference>> {
    let mut references = Reference::parse_list(text).map_err(|error| Usage(error.into()))?;
    if references.iter().any(|reference| reference.digest.is_some()) {
        return Err(usage(format!("`{text}` names a digest; a ModelKit that is yet to be packed takes a tag")));
    }
    if references[0].tag.is_none() {
        references[0] = references[0].with_tag(Tag::latest());
        context.output.say(&format!("No tag given for {text}; using 'latest' ({})", references[0]));
    }
    Ok(references)
}

fn read(path: &Path) -> Result<(String, Vec<u8>)> {
    Ok((path.display().to_string(), fs::read(path)?))
}

fn read_standard_input() -> Result<Vec<u8>> {
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(usage("`--file -` reads the Kitfile from standard input, which is a terminal; redirect a file"));
    }
    let mut bytes = Vec::new();
    stdin
        .by_ref()
        .take(kitfile::SIZE_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    Ok(bytes)
}

/// The names of a Kitfile in the order they are tried.
pub(crate) fn find_kitfile(folder: &Path) -> Result<PathBuf> {
    let mut candidates = kitfile::FILE_NAMES.iter().map(|name| folder.join(name));
    let found = candidates.find(|path| path.is_file());
    found.with_context(|| {
        format!("No Kitfile found in {}; `kit init` writes one, --file names one that lies elsewhere", folder.display())
    })
}
