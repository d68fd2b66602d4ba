//! `kit init`

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use super::extract::Extraction;
use crate::arguments::{DepthArgs, ReceiptArgs};
use crate::commands::create::import::hub;
use crate::commands::registries::prompt;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Code, Failure, counted, tidy, usage};
use kit_core::kitfile::{self, Kitfile, Package};
use kit_core::notebook::is_notebook_name;
use kit_core::ops::{self, CacheFolder, Draft, IGNORE_FILE, IgnoreFile, ProjectFolder};
use kit_core::sys::replace_file;
use kit_core::upstream::HubUpstream;
use kit_core::upstream::hub::Address;

/// Generate a Kitfile for a folder, a notebook or a Hugging Face repository
///
/// Detects models, datasets, docs and code by file name. The format, framework and size of the model are read from its
/// headers and configuration, the licence from its text, and other fields from the front matter of the model card
/// (README.md). Files that notebooks load are noted as comments. The result is a draft: review it before packing.
///
/// Folders and files that a model needs to load are its parts: those of sentence-transformers, diffusers, PEFT,
/// TensorFlow and MLflow models, of tokenizers, and the external data of ONNX models. Checkpoints beside the final
/// model of a training are left out. Links to files, as in the cache of the Hugging Face hub, are followed. The default
/// name is that of the folder, and the default author is the user of git.
///
/// A folder without a .kitignore gets one, unless --output names another place. It leaves out `.env` files, MLflow
/// runs, and what .gitignore lists, except for weights and data.
///
/// For a notebook (.ipynb), the Kitfile has the notebook, the modules of the project that it imports, the lock files,
/// the data that it loads, and the model that it saves. The cell with the papermill tag `parameters` gives the
/// parameters of the model. Comments name files that do not exist yet, the packages with their versions, and the cells
/// that look like training, evaluation and serving. --extract writes its code as plain modules. Nothing is executed.
///
/// With --remote, only small descriptive files and the headers of weights are downloaded. Pass the result to
/// `kit import -f`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit init .
  kit init train.ipynb
  kit init train.ipynb --extract src
  kit init models/sentiment --name sentiment --desc 'Mood of a sentence' --author Ada
  kit init openai/whisper-tiny --remote -o whisper.yaml")]
pub(crate) struct InitArgs {
    /// Folder of the project, or a notebook in it; with --remote, OWNER/NAME or datasets/OWNER/NAME on the hub, or the
    /// URL of its page
    #[arg(value_name = "FOLDER", default_value = ".")]
    path: PathBuf,
    /// Name of the package
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Description of the package
    #[arg(long, value_name = "TEXT")]
    desc: Option<String>,
    /// Author of the package
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Output file, or `-` for standard output [default: Kitfile in FOLDER, or in the current folder with --remote]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite an existing Kitfile, and with --extract existing modules
    #[arg(short, long)]
    force: bool,
    /// Write the code of the notebook as plain modules (parameters.py, common.py, train.py, evaluate.py, serve.py) and
    /// a requirements.txt to DIR
    #[arg(long, value_name = "DIR", conflicts_with = "remote")]
    extract: Option<PathBuf>,
    #[command(flatten)]
    depth: DepthArgs,
    /// Generate the Kitfile for a repository on the hub
    #[arg(long)]
    remote: bool,
    /// Branch, tag or commit on the hub [default: the one in the URL, or main]
    #[arg(long = "ref", value_name = "REVISION", requires = "remote")]
    revision: Option<String>,
    /// Access token of the hub [default: HF_TOKEN, for the hub in HF_ENDPOINT, or huggingface.co]
    #[arg(long, value_name = "TOKEN", hide_env_values = true, requires = "remote")]
    token: Option<String>,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl InitArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let place = self.place(context)?;
        if place.is_none() && context.receipt.is_document() {
            return Err(usage("--format and `--output -` both write to standard output"));
        }
        let draft = if self.remote { self.draft_remote(context).map(Drafted::from) } else { self.draft_here(context) };
        let drafted = draft.with_context(|| format!("cannot draft a Kitfile for `{}`", tidy(&self.path)))?;
        let Drafted { mut draft, extraction } = drafted;
        self.complete(context, &mut draft.kitfile)?;
        let ignore = place.as_ref().map_or(Ok(None), |place| self.draft_ignore_file(context, &place.path, &mut draft));
        let ignore = ignore.with_context(|| format!("cannot draft a .kitignore for `{}`", tidy(&self.path)))?;
        let yaml = kitfile::to_yaml_with_notes(&draft.kitfile, &draft.notes);
        match place {
            None => context.output.result(yaml)?,
            Some(place) => Self::save(context, &place, &yaml)?,
        }
        if let Some(extraction) = extraction {
            extraction.save(context).with_context(|| format!("cannot extract modules of `{}`", tidy(&self.path)))?;
        }
        if draft.kitfile.code.iter().any(|code| code.path == ".") {
            let advice = "list the folders with code instead, or leave files out with .kitignore";
            context.output.say(&format!("`code` has the whole folder, with every file that is added later; {advice}"));
        }
        if draft.kitfile.entries().is_empty() {
            context.output.warn(&format!(
                "the Kitfile is empty: `{}` has no files for a ModelKit; add some, then run `kit init --force`",
                tidy(&self.path)
            ));
        }
        if let [(path, target), others @ ..] = &*draft.dangling {
            let more = if others.is_empty() { String::new() } else { format!(" (and {} more like it)", others.len()) };
            let target = target.display();
            context
                .output
                .warn(&format!("`{path}` is left out: it is a link to `{target}`, which does not exist{more}"));
        }
        if draft.links_outside > 0 {
            context.output.say(&links_notice(draft.links_outside));
        }
        ignore.map_or(Ok(()), |ignore| self.save_ignore_file(context, &ignore))
    }

    fn save(context: &Context, Place { path, shown }: &Place, yaml: &str) -> Result<()> {
        replace_file(path, yaml.as_bytes())?;
        context.receipt.fact("path", path.display().to_string());
        context.receipt.line(&context.output, format!("Generated Kitfile:\n\n{yaml}"))?;
        context.receipt.line(&context.output, format!("Saved to path '{shown}'"))
    }

    /// Drafts a `.kitignore` for a folder without one, if the Kitfile is written to that folder.
    fn draft_ignore_file(&self, context: &Context, kitfile: &Path, draft: &mut Draft) -> Result<Option<IgnoreFile>> {
        if self.remote {
            return Ok(None);
        }
        let folder = context.folder(self.folder())?;
        if kitfile.parent() != Some(&folder) {
            return Ok(None);
        }
        Ok(ops::draft_ignore_file(&ProjectFolder(folder), draft)?)
    }

    fn save_ignore_file(&self, context: &Context, ignore: &IgnoreFile) -> Result<()> {
        let path = context.folder(self.folder())?.join(IGNORE_FILE);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(ignore.text.as_bytes())?;
        let taken = match ignore.taken {
            0 => String::new(),
            taken => format!(", with {} from .gitignore", counted(taken, "line")),
        };
        context.output.say(&format!("Saved {IGNORE_FILE} (files that `kit pack` skips){taken}"));
        if !ignore.refused.is_empty() {
            let lines = ignore.refused.join("`, `");
            context.output.say(&format!("Not taken from .gitignore, because the Kitfile names such files: `{lines}`"));
        }
        Ok(())
    }

    /// The output path; `None` for standard output. An existing file is an error without --force.
    fn place(&self, context: &Context) -> Result<Option<Place>> {
        let given = match &self.output {
            Some(output) if output.as_os_str() == "-" => return Ok(None),
            Some(output) => vec![output.clone()],
            None if self.remote || self.folder().as_os_str() == "." => kitfile::FILE_NAMES.map(PathBuf::from).to_vec(),
            None => kitfile::FILE_NAMES.iter().map(|name| self.folder().join(name)).collect(),
        };
        let place = |given: &PathBuf| {
            let path = context.environment.absolute(given).components().collect();
            Place { path, shown: tidy(given) }
        };
        let places: Vec<_> = given.iter().map(place).collect();
        match places.iter().find(|place| place.path.exists()) {
            Some(Place { shown, .. }) if !self.force => {
                let advice = "use --force to overwrite it, or --output to write another file";
                Err(Failure::error(Code::Refused, format!("`{shown}` already exists; {advice}")))
            }
            existing => Ok(existing.or(places.first()).cloned()),
        }
    }

    /// The notebook, if the path names one.
    fn notebook(&self) -> Option<&str> {
        self.path.file_name()?.to_str().filter(|name| !self.remote && is_notebook_name(name))
    }

    /// The folder of the project.
    fn folder(&self) -> &Path {
        match self.notebook().and(self.path.parent()) {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => &self.path,
        }
    }

    fn draft_notebook(&self, context: &Context, name: &str) -> Result<Drafted> {
        let missing = || format!("notebook `{}` does not exist", tidy(&self.path));
        if !context.environment.absolute(&self.path).is_file() {
            return Err(Failure::error(Code::NotFound, missing()));
        }
        let folder = context.folder(self.folder())?;
        let found = ops::init_notebook(&ProjectFolder(folder.clone()), name, &context.environment.python)?;
        let Some(mut found) = found else {
            return Err(Failure::error(
                Code::Refused,
                format!("`{}` is not a notebook of format 3 or 4", tidy(&self.path)),
            ));
        };
        let extraction = match &self.extract {
            Some(shown) => Some(Extraction::prepare(context, (&folder, shown), name, &mut found, self.force)?),
            None => None,
        };
        Ok(Drafted { draft: found.draft, extraction })
    }

    fn draft_here(&self, context: &Context) -> Result<Drafted> {
        if let Some(name) = self.notebook() {
            return self.draft_notebook(context, name);
        }
        if self.extract.is_some() {
            return Err(usage("--extract requires a notebook, for example `kit init train.ipynb --extract src`"));
        }
        let names_a_repository = || {
            let parts: Vec<_> = self.path.components().collect();
            matches!(parts[..], [Component::Normal(_), Component::Normal(_)])
        };
        if names_a_repository() && !context.environment.absolute(&self.path).exists() {
            let advice = "add --remote to read a repository on the hub";
            let missing = format!("folder `{}` does not exist; {advice}", tidy(&self.path));
            return Err(Failure::error(Code::NotFound, missing));
        }
        let folder = context.folder(&self.path)?;
        if let Some(cache) = CacheFolder::of(&folder) {
            return Err(self.names_no_snapshot(&cache));
        }
        Ok(ops::init(&ProjectFolder(folder), self.depth.levels())?.into())
    }

    /// The error for the folder of a repository in the cache of the hub, which names the command for a snapshot.
    fn names_no_snapshot(&self, cache: &CacheFolder) -> anyhow::Error {
        let name = tidy(&self.path);
        let snapshot = cache.current.as_ref().or(cache.snapshots.last());
        let snapshot = snapshot.and_then(|snapshot| snapshot.file_name()).unwrap_or_default().to_string_lossy();
        let count = counted(cache.snapshots.len(), "snapshot");
        usage(format!(
            "`{name}` is a repository in the cache of the Hugging Face hub with {count}; \
             use `kit init {name}/snapshots/{snapshot}` for a Kitfile, or `kit import {name}` to pack it"
        ))
    }

    fn draft_remote(&self, context: &Context) -> Result<Draft> {
        let address: Address = parse(&self.path.to_string_lossy())?;
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let revision = self.revision.as_deref().or(address.revision.as_deref()).unwrap_or("main");
        let snapshot = hub(context, &client, &address, self.token.as_deref())?.snapshot(&address, revision)?;
        Ok(ops::init_remote(&HubUpstream::from(snapshot), self.depth.levels())?)
    }

    /// Fills in the values of the flags, and asks the user of a terminal for those that are still missing. The name of
    /// a folder and the user of git are the defaults.
    fn complete(&self, context: &Context, kitfile: &mut Kitfile) -> Result<()> {
        let mut defaults = kitfile.clone();
        if !self.remote {
            ops::describe_package(&context.folder(self.folder())?, &mut defaults);
        }
        let (package, defaults) = (&mut kitfile.package, defaults.package);
        let first = |package: &Package| package.authors.first().cloned().unwrap_or_default();
        let mut author = first(package);
        for (field, given, default, question) in [
            (&mut package.name, &self.name, defaults.name.clone(), "Name of the ModelKit"),
            (&mut package.description, &self.desc, defaults.description.clone(), "Description"),
            (&mut author, &self.author, first(&defaults), "Author"),
        ] {
            match given {
                Some(given) => field.clone_from(given),
                None if field.is_empty() && context.environment.is_interactive => *field = ask(question, default)?,
                None if field.is_empty() => *field = default,
                None => {}
            }
        }
        if !author.is_empty() && package.authors.first() != Some(&author) {
            package.authors = vec![author];
        }
        Ok(())
    }
}

/// A draft, and the files that are written besides the Kitfile.
struct Drafted {
    draft: Draft,
    extraction: Option<Extraction>,
}

impl From<Draft> for Drafted {
    fn from(draft: Draft) -> Self {
        Self { draft, extraction: None }
    }
}

/// The file that is written.
#[derive(Debug, Clone)]
struct Place {
    /// The absolute path.
    path: PathBuf,
    /// The path as the user wrote it.
    shown: String,
}

/// Asks for a value. An empty answer selects the default.
fn ask(question: &str, default: String) -> Result<String> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    let answer = prompt(&format!("{question}{shown}: "))?;
    Ok(if answer.is_empty() { default } else { answer })
}

fn links_notice(count: usize) -> String {
    let are = if count == 1 { "is a link" } else { "are links" };
    format!("{} {are} out of this folder; pack with --follow-symlinks", counted(count, "file"))
}
