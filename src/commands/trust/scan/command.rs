//! `kit scan`

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::format::ScanFormat;
use crate::arguments::folder::{is_folder, is_local, is_path};
use crate::arguments::kitfile::{KitfileText, find_kitfile};
use crate::arguments::{LookupArgs, report_local_store};
use crate::config::{Config, NetworkArgs, is_allowed_global};
use crate::context::{Context, parse};
use crate::output::{Code, ExitWithTrouble, Failure, counted, tidy, usage};
use kit_core::archive::Links;
use kit_core::modelkit::{Filter, Selection};
use kit_core::ops::{self, FolderFiles, Lookup, ScanOptions, Scanned, ScannedFolder, Session};
use kit_core::progress::human;
use kit_core::scan::{Level, Rules};

/// Scan files for code that would run, credentials and misleading content
///
/// Reads the files of a ModelKit, a folder or a single file, and reports what would run when a model is loaded (pickles
/// and formats that contain them, Keras layers, TensorFlow operations, chat templates), what would leak (tokens, keys,
/// passwords), and what could not be examined. Nothing is loaded or executed.
///
/// A finding has the level `high` (runs code or leaks a credential), `medium` (may do so, or could not be examined) or
/// `low` (worth knowing). A file without a finding is not proven to be safe.
///
/// A folder is read as `kit pack` reads it, with files of the Kitfile that .kitignore excludes: a symbolic link that
/// leads out of the folder is an error, unless --follow-symlinks is given. A ModelKit is read from
/// the local store or directly from the registry, and nothing is stored. Of uncompressed layers, only the bytes that
/// the rules examine are read; they are not compared with the digest of the layer.
///
/// Exits with 1 if a finding has the level of --fail-on or a worse one, and with another code if the scan could not be
/// completed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit scan sentiment:v2
  kit scan . --fail-on medium
  kit scan downloads/model.pt
  kit scan registry.example/team/sentiment:v2 --remote --filter model
  kit scan sentiment:v2 --allow-global 'sklearn.*' --allow-global mycompany.models.Ranker
  kit scan . --format sarif > scan.sarif")]
pub(crate) struct ScanArgs {
    /// ModelKit, folder or file
    #[arg(value_name = "NAME:TAG|FOLDER|FILE")]
    target: String,
    /// Scan only matching parts: TYPES[:NAMES], both comma-separated; types are kitfile, model, model.parts, datasets,
    /// code, docs, prompts and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    /// Lowest level that leads to exit code 1: high, medium, low or never
    #[arg(long, value_name = "LEVEL", default_value = "high", hide_possible_values = true)]
    fail_on: FailOn,
    /// Allow an import of pickles, or all imports of a module with `MODULE.*` (repeatable); `allow-globals` in
    /// config.toml adds others
    #[arg(long, value_name = "MODULE.NAME")]
    allow_global: Vec<String>,
    /// Follow symbolic links that point outside FOLDER
    #[arg(long)]
    follow_symlinks: bool,
    /// Output format: table, json, sarif, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ScanFormat,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The lowest level that makes the command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    High,
    Medium,
    Low,
    Never,
}

impl FailOn {
    fn level(self) -> Option<Level> {
        match self {
            Self::High => Some(Level::High),
            Self::Medium => Some(Level::Medium),
            Self::Low => Some(Level::Low),
            Self::Never => None,
        }
    }
}

impl ScanArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.format.check()?;
        let trouble = || ExitWithTrouble(format!("cannot scan `{}`", tidy(Path::new(&self.target))));
        let scanned = self.scan(context).map_err(|error| error.context(trouble()))?;
        let written = context.output.write(|out| self.format.write(out, &scanned));
        written.map_err(|error| error.context(trouble()))?;
        context.output.say(&format!("{} · {:.1} s", summary(&scanned), start.elapsed().as_secs_f64()));
        let is_counted = |found: &&ops::FileFinding| Some(found.finding.level) >= self.fail_on.level();
        let counted_findings = scanned.findings.iter().filter(|_| self.fail_on != FailOn::Never).filter(is_counted);
        match counted_findings.count() {
            0 => Ok(()),
            count => {
                let findings = counted(count, "finding");
                let level = self.fail_on.level().map_or("high", Level::as_str);
                let or_worse = if level == "high" { "" } else { " or worse" };
                let message = format!("`{}` has {findings} of level {level}{or_worse}", scanned.name);
                Err(Failure::error(Code::Failed, message))
            }
        }
    }

    fn scan(&self, context: &Context) -> Result<Scanned> {
        let session = context.session(&self.network)?;
        let options = self.options(context, session.store.root())?;
        let (path, name) = (context.environment.absolute(self.target.as_ref()), tidy(Path::new(&self.target)));
        match self.kind_of_target(&session, &path) {
            Target::Folder => {
                let kitfile = find_kitfile(&path, self.target.as_ref()).ok();
                let kitfile = kitfile.map(|_| KitfileText::of_folder(&path, self.target.as_ref())?.parse());
                let links = if self.follow_symlinks { Links::Follow } else { Links::InsideContext };
                let folder = ScannedFolder { path, kitfile: kitfile.transpose()?, links, files: FolderFiles::All };
                Ok(ops::scan_folder(&folder, &name, &options, &context.bars)?)
            }
            Target::File => Ok(ops::scan_file(&path, &name, &options)?),
            Target::ModelKit => {
                let location = context.location(&self.target)?;
                let found = session.find(&location, self.lookup.place())?;
                report_local_store(context, &location, &found);
                let inspected = ops::inspect(&found)?;
                let options = ScanOptions { jobs: session.jobs_to_read(&location).large, ..options };
                Ok(ops::scan_modelkit(&*found.source, &inspected, &location.to_string(), &options, &context.bars)?)
            }
        }
    }

    /// The options. Temporary files are in the folder of the `store`, because those of the system may be in memory.
    fn options(&self, context: &Context, store: &Path) -> Result<ScanOptions> {
        if let Some(wrong) = self.allow_global.iter().find(|text| !is_allowed_global(text)) {
            return Err(usage(format!(
                "`{wrong}` is not an import; write MODULE.NAME, or MODULE.* for a whole module"
            )));
        }
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<_>>()?;
        let config = Config::read(&self.network, &context.environment)?;
        let allowed_globals = config.allowed_globals().iter().chain(&self.allow_global).cloned().collect();
        Ok(ScanOptions {
            rules: Rules { allowed_globals },
            selection: Selection::new(filters),
            jobs: ops::jobs(),
            scratch: if store.is_dir() { store.to_owned() } else { std::env::temp_dir() },
        })
    }

    /// A path is one that begins like a path or that exists. A name in the local store comes before a folder or a file
    /// of this name, except for a folder with a Kitfile.
    fn kind_of_target(&self, session: &Session<'_>, path: &Path) -> Target {
        if self.lookup.place() == Lookup::Remote {
            return Target::ModelKit;
        }
        if is_folder(session, &self.target, path) {
            Target::Folder
        } else if is_path(&self.target) || path.exists() && !is_local(session, &self.target) {
            Target::File
        } else {
            Target::ModelKit
        }
    }
}

/// The kind of thing to scan.
enum Target {
    Folder,
    File,
    ModelKit,
}

/// `214 files, 3.5 GiB: 2 high, 1 medium`.
fn summary(scanned: &Scanned) -> String {
    let levels = [Level::High, Level::Medium, Level::Low].map(|level| (scanned.count(level), level));
    let found = levels.iter().filter(|(count, _)| *count > 0).map(|(count, level)| format!("{count} {level}"));
    let found = found.collect::<Vec<_>>().join(", ");
    let found = if found.is_empty() { "clean" } else { &found };
    let skipped = match scanned.skipped.len() {
        0 => String::new(),
        count => format!(", {count} not read"),
    };
    format!("{}, {}: {found}{skipped}", counted(scanned.files, "file"), human(scanned.bytes))
}
