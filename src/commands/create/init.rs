//! `kit init`

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use crate::arguments::{DepthArgs, ReceiptArgs};
use crate::commands::create::import::hub;
use crate::commands::registries::prompt;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Code, Failure, counted, tidy, usage};
use kit_core::kitfile::{self, Package};
use kit_core::ops::{self, Draft, IGNORE_FILE, IgnoreFile, ProjectFolder};
use kit_core::sys::replace_file;
use kit_core::upstream::HubUpstream;
use kit_core::upstream::hub::Address;

/// Generate a Kitfile for a folder or for a repository on the Hugging Face hub
///
/// Detects models, datasets, docs and code by file name. The format, framework and size of the model are read from its
/// headers and configuration, the licence from its text, and other fields from the front matter of the model card
/// (README.md). Files that notebooks load are noted as comments. The result is a draft: review it before packing.
///
/// A folder without a .kitignore gets one, unless --output names another place. It leaves out `.env` files, MLflow
/// runs, and what .gitignore lists, except for weights and data.
///
/// With --remote, only small descriptive files and the headers of weights are downloaded. Pass the result to
/// `kit import -f`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit init .
  kit init models/sentiment --name sentiment --desc 'Mood of a sentence' --author Ada
  kit init openai/whisper-tiny --remote -o whisper.yaml")]
pub(crate) struct InitArgs {
    /// Folder of the project; with --remote, OWNER/NAME or datasets/OWNER/NAME on the hub, or the URL of its page
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
    /// Overwrite an existing Kitfile
    #[arg(short, long)]
    force: bool,
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
        let path = self.place(context)?;
        if path.is_none() && context.receipt.is_document() {
            return Err(usage("--format and `--output -` both write to standard output"));
        }
        let draft = if self.remote { self.draft_remote(context) } else { self.draft_here(context) };
        let mut draft = draft.with_context(|| format!("cannot draft a Kitfile for `{}`", tidy(&self.path)))?;
        self.complete(context, &mut draft.kitfile.package)?;
        let ignore = path.as_deref().map_or(Ok(None), |path| self.draft_ignore_file(context, path, &mut draft));
        let ignore = ignore.with_context(|| format!("cannot draft a .kitignore for `{}`", tidy(&self.path)))?;
        let yaml = kitfile::to_yaml_with_notes(&draft.kitfile, &draft.notes);
        let Some(path) = path else { return Ok(context.output.result(yaml)?) };
        replace_file(&path, yaml.as_bytes())?;
        context.receipt.fact("path", path.display().to_string());
        context.receipt.line(&context.output, format!("Generated Kitfile:\n\n{yaml}"))?;
        context.receipt.line(&context.output, format!("Saved to path '{}'", path.display()))?;
        ignore.map_or(Ok(()), |ignore| self.save_ignore_file(context, &ignore))
    }

    /// Drafts a `.kitignore` for a folder without one, if the Kitfile is written to that folder.
    fn draft_ignore_file(&self, context: &Context, kitfile: &Path, draft: &mut Draft) -> Result<Option<IgnoreFile>> {
        if self.remote {
            return Ok(None);
        }
        let folder = context.folder(&self.path)?;
        if kitfile.parent() != Some(&folder) {
            return Ok(None);
        }
        Ok(ops::draft_ignore_file(&ProjectFolder(folder), draft)?)
    }

    fn save_ignore_file(&self, context: &Context, ignore: &IgnoreFile) -> Result<()> {
        let path = context.folder(&self.path)?.join(IGNORE_FILE);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(ignore.text.as_bytes())?;
        let taken = counted(ignore.taken, "line");
        context.output.say(&format!("Saved {IGNORE_FILE}, which leaves files out, with {taken} from .gitignore"));
        if !ignore.refused.is_empty() {
            let lines = ignore.refused.join("`, `");
            context.output.say(&format!("Not taken from .gitignore, because the Kitfile names such files: `{lines}`"));
        }
        Ok(())
    }

    /// The output path; `None` for standard output. An existing file is an error without --force.
    fn place(&self, context: &Context) -> Result<Option<PathBuf>> {
        let environment = &context.environment;
        let names = match &self.output {
            Some(output) if output.as_os_str() == "-" => return Ok(None),
            Some(output) => vec![environment.absolute(output)],
            None => {
                let folder =
                    if self.remote { environment.current_folder.clone() } else { environment.absolute(&self.path) };
                kitfile::FILE_NAMES.iter().map(|name| folder.join(name)).collect()
            }
        };
        match names.iter().find(|path| path.exists()) {
            Some(existing) if !self.force => {
                let existing = existing.display();
                let advice = "use --force to overwrite it, or --output to write another file";
                Err(Failure::error(Code::Refused, format!("`{existing}` already exists; {advice}")))
            }
            existing => Ok(existing.or(names.first()).cloned()),
        }
    }

    fn draft_here(&self, context: &Context) -> Result<Draft> {
        let names_a_repository = || {
            let parts: Vec<_> = self.path.components().collect();
            matches!(parts[..], [Component::Normal(_), Component::Normal(_)])
        };
        if names_a_repository() && !context.environment.absolute(&self.path).exists() {
            let advice = "add --remote to read a repository on the hub";
            let missing = format!("folder `{}` does not exist; {advice}", tidy(&self.path));
            return Err(Failure::error(Code::NotFound, missing));
        }
        Ok(ops::init(&ProjectFolder(context.folder(&self.path)?), self.depth.levels())?)
    }

    fn draft_remote(&self, context: &Context) -> Result<Draft> {
        let address: Address = parse(&self.path.to_string_lossy())?;
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let revision = self.revision.as_deref().or(address.revision.as_deref()).unwrap_or("main");
        let snapshot = hub(context, &client, &address, self.token.as_deref())?.snapshot(&address, revision)?;
        Ok(ops::init_remote(&HubUpstream::from(snapshot), self.depth.levels())?)
    }

    /// Fills in the values of the flags, and asks the user of a terminal for those that are still missing.
    fn complete(&self, context: &Context, package: &mut Package) -> Result<()> {
        let mut author = package.authors.first().cloned().unwrap_or_default();
        for (field, given, question) in [
            (&mut package.name, &self.name, "Name of the ModelKit: "),
            (&mut package.description, &self.desc, "Description: "),
            (&mut author, &self.author, "Author: "),
        ] {
            match given {
                Some(given) => field.clone_from(given),
                None if field.is_empty() && context.environment.is_interactive => *field = prompt(question)?,
                None => {}
            }
        }
        if !author.is_empty() && package.authors.first() != Some(&author) {
            package.authors = vec![author];
        }
        Ok(())
    }
}
