//! `kit unpack`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;
use serde_json::json;

use super::as_skill::AsSkill;
use crate::arguments::{
    LabelArgs, LookupArgs, OverwriteArgs, PathArgs, ReceiptArgs, UnsafePathArgs, lock_file, report_local_store,
};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Moved, and_taken, counted, one_line, plain, tidy, usage};
use kit_core::archive::{self, Placed};
use kit_core::modelkit::{Filter, InvalidFilter, Part, Selection};
use kit_core::ops::{
    self, DroppedFiles, Location, PlannedAction, PlannedFile, RemoteData, Session, UnpackOptions, UnpackPlan,
};
use kit_core::progress::human;

/// Unpack a ModelKit, or parts of it, into a folder
///
/// Reads the ModelKit from the local store, or directly from its registry. In the latter case, data that the files in
/// the folder already contain is not downloaded again, if that is faster. Every layer is verified before its files
/// appear in the folder; on failure the folder is left unchanged. Existing files with equal content are kept.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "\
Examples:
  kit unpack sentiment:v2 -d ./work
  kit unpack registry.example/team/sentiment:v2 -d /srv/model --filter model
  kit unpack --remote registry.example/team/sentiment:latest -d /srv/model
  kit unpack registry.example/team/sentiment:all -l quantization=Q4_K -d /srv/model
  kit unpack sentiment:v2 -d ./work --dry-run
  kit unpack sentiment:v2 --filter kitfile,code --filter datasets:train,validation
  kit unpack sentiment:v2 --path 'tokenizer*' --path config.json
  kit unpack sentiment:v2 --include-remote --lock Kitfile.lock
  kit unpack reviewer:v1 --as-skill=claude-code,cursor")]
pub(crate) struct UnpackArgs {
    /// ModelKit to unpack
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Folder to unpack into [default: the current folder]
    #[arg(short, long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArgs,
    /// Delete the files that kit unpacked from an earlier version of the repository and that this one does not contain,
    /// unless they were changed since. They are known from a record in the local store: without one, a warning says
    /// that nothing was deleted
    #[arg(long, conflicts_with = "as_skill")]
    delete: bool,
    #[command(flatten)]
    unsafe_paths: UnsafePathArgs,
    /// Unpack only matching parts: TYPES[:NAMES], both comma-separated; types are kitfile, model, model.parts,
    /// datasets, code, docs, prompts and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    #[command(flatten)]
    paths: PathArgs,
    #[command(flatten)]
    labels: LabelArgs,
    /// Download remote datasets as well: from https URLs, object stores (s3) and other ModelKits
    #[arg(long)]
    include_remote: bool,
    /// Verify remote datasets against the digests in this Kitfile.lock
    #[arg(long, value_name = "FILE", requires = "include_remote")]
    lock: Option<PathBuf>,
    /// Install the prompts with a SKILL.md as skills of agents instead of unpacking: for the comma-separated AGENTS, or
    /// for those that are installed; with --dir for the project in that folder, otherwise for all projects
    #[arg(long, value_name = "AGENTS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    #[arg(conflicts_with = "globs")]
    as_skill: Vec<String>,
    /// Show the files that would be written or deleted, and those that exist already, without changing anything; fails
    /// if unpacking would fail because of existing files
    #[arg(long, conflicts_with = "as_skill")]
    dry_run: bool,
    /// Unpack the Kitfile (use --filter kitfile)
    #[arg(long, hide = true)]
    kitfile: bool,
    /// Unpack the model (use --filter model)
    #[arg(long, hide = true)]
    model: bool,
    /// Unpack code (use --filter code)
    #[arg(long, hide = true)]
    code: bool,
    /// Unpack datasets (use --filter datasets)
    #[arg(long, hide = true)]
    datasets: bool,
    /// Unpack docs (use --filter docs)
    #[arg(long, hide = true)]
    docs: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The members of the document.
const MEMBERS: [&str; 14] = [
    "digest",
    "references",
    "artifacts",
    "seconds",
    "folder",
    "files",
    "writtenBytes",
    "replacedFiles",
    "unchangedFiles",
    "keptFiles",
    "deletedFiles",
    "dryRun",
    "plannedFiles",
    "deletedPaths",
];

impl UnpackArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin_with(context, &MEMBERS)?;
        let location = context.location(&self.reference)?;
        let folder = context.environment.absolute(self.given_folder());
        let session = context.session(&self.network)?;
        if !self.as_skill.is_empty() {
            let agents =
                self.as_skill.iter().filter(|agents| !agents.is_empty()).cloned().collect::<Vec<_>>().join(",");
            return self.install_skills(context, &session, (&agents, &location, &folder));
        }
        let options = UnpackOptions {
            folder,
            overwrite: self.overwrite.choice(),
            unsafe_paths: self.unsafe_paths.choice(&context.environment),
            selection: Selection::new(self.filters()?),
            paths: Arc::new(self.paths.patterns()?),
            remote: self.remote(context)?,
            dropped: if self.delete { DroppedFiles::Delete } else { DroppedFiles::Keep },
            jobs: session.jobs_to_read(&location),
        };
        let labels = self.labels.labels()?;
        let folder = tidy(self.given_folder());
        if self.dry_run {
            let planned = session
                .find_labelled(&location, self.lookup.place(), labels)
                .inspect(|found| report_local_store(context, &location, found))
                .and_then(|found| ops::plan_unpack(&session, &found, &location.to_string(), &options))
                .with_context(|| format!("cannot unpack `{location}` into `{folder}`"))?;
            context.receipt.fact("folder", options.folder.display().to_string());
            show_plan(context, &planned, &folder)?;
            if planned.conflicts.is_empty() {
                return Ok(());
            }
            // The document lists the files that differ.
            context.receipt.finish(&context.output, start)?;
            let refused = ops::Error::from(archive::Error::Conflicts(planned.conflicts));
            return Err(refused).with_context(|| format!("cannot unpack `{location}` into `{folder}`"));
        }
        context.output.say(&format!("Unpacking to {}", self.shown_folder(context)));
        let unpacked = session
            .find_labelled(&location, self.lookup.place(), labels)
            .inspect(|found| report_local_store(context, &location, found))
            .and_then(|found| ops::unpack(&session, &found, &location.to_string(), &options))
            .with_context(|| format!("cannot unpack `{location}` into `{folder}`"))?;
        let placed = &unpacked.placed;
        context.receipt.note("unpacked", unpacked.manifest.digest, &[location.to_string()]);
        context.receipt.fact("folder", options.folder.display().to_string());
        for (name, count) in [
            ("files", placed.files),
            ("writtenBytes", placed.bytes),
            ("replacedFiles", placed.replaced),
            ("unchangedFiles", placed.already_right),
            ("keptFiles", placed.kept),
            ("deletedFiles", unpacked.deleted.len() as u64),
        ] {
            context.receipt.fact(name, count);
        }
        context.output.say(&summary(&unpacked, &folder, start));
        Ok(())
    }

    fn install_skills(
        &self,
        context: &Context,
        session: &Session<'_>,
        (agents, location, folder): (&str, &Location, &Path),
    ) -> Result<()> {
        let install = AsSkill {
            agents,
            folder: self.dir.is_some().then_some(folder),
            overwrite: self.overwrite.choice(),
            unsafe_paths: self.unsafe_paths.choice(&context.environment),
            filters: self.filters()?,
            place: self.lookup.place(),
        };
        fs::create_dir_all(folder)?;
        context.output.say(&format!("Unpacking to {}", self.shown_folder(context)));
        install.run(context, session, location, self.labels.labels()?)
    }

    /// The folder as the user wrote it.
    fn given_folder(&self) -> &Path {
        self.dir.as_deref().unwrap_or(Path::new("."))
    }

    /// The folder as the user wrote it; without a terminal its absolute path, which `KitOps` prints.
    fn shown_folder(&self, context: &Context) -> String {
        let given = self.given_folder();
        if context.output.has_rows() { tidy(given) } else { plain(&context.environment.absolute(given)) }
    }

    fn remote(&self, context: &Context) -> Result<RemoteData> {
        if !self.include_remote {
            return Ok(RemoteData::Left);
        }
        let lock = self.lock.as_ref().map(|path| lock_file::read(&context.environment.absolute(path), &tidy(path)));
        Ok(RemoteData::Fetched(lock.transpose()?))
    }

    /// The filters for the selected parts. The old switches of KitOps only have an effect without `--filter`.
    fn filters(&self) -> Result<Vec<Filter>> {
        let filters = self.filter.iter().map(|filter| parse_filter(filter)).collect::<Result<Vec<_>>>()?;
        let switches = [
            (self.kitfile, Part::Kitfile),
            (self.model, Part::Model),
            (self.code, Part::Code),
            (self.datasets, Part::Datasets),
            (self.docs, Part::Docs),
        ];
        let parts: Vec<_> = switches.into_iter().filter(|(is_set, _)| *is_set).map(|(_, part)| part).collect();
        if filters.is_empty() && !parts.is_empty() {
            return Ok(vec![Filter::of(parts)]);
        }
        Ok(filters)
    }
}

/// Shows the files that would be written, and those that would be deleted.
fn show_plan(context: &Context, planned: &UnpackPlan, folder: &str) -> Result<()> {
    context.receipt.fact("dryRun", true);
    let row = |word: &str, bytes: Option<u64>, path: &str| {
        let bytes = bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        context.receipt.data_line(&context.output, format!("{word:<7} {bytes:>14} {}", one_line(path)))
    };
    for PlannedFile { path, bytes, action } in &planned.files {
        let (word, exists) = (word(*action), *action != PlannedAction::Write);
        let facts = json!({ "path": path.as_str(), "bytes": bytes, "exists": exists, "action": word });
        context.receipt.append("plannedFiles", facts);
        row(word, *bytes, path.as_str())?;
    }
    for path in &planned.deleted {
        context.receipt.append("deletedPaths", path.as_str().into());
        row("delete", None, path.as_str())?;
    }
    context.output.say(&plan_summary(planned, folder));
    Ok(())
}

fn word(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::Write => "write",
        PlannedAction::Exists => "exists",
        PlannedAction::Replace => "replace",
        PlannedAction::Keep => "keep",
        PlannedAction::Conflict => "differs",
    }
}

fn plan_summary(UnpackPlan { files, deleted, .. }: &UnpackPlan, folder: &str) -> String {
    let of = |action| files.iter().filter(move |file| file.action == action);
    let bytes = of(PlannedAction::Write).chain(of(PlannedAction::Replace)).filter_map(|file| file.bytes).sum();
    let [new, same, replaced, kept, conflicts] = [
        PlannedAction::Write,
        PlannedAction::Exists,
        PlannedAction::Replace,
        PlannedAction::Keep,
        PlannedAction::Conflict,
    ]
    .map(|action| of(action).count());
    let others = [(replaced, "replaced"), (kept, "kept"), (conflicts, "in the way"), (deleted.len(), "deleted")];
    let others = others.into_iter().filter(|(number, _)| *number > 0);
    let others: Vec<_> = others.map(|(number, word)| format!(", {} {word}", counted(number, "file"))).collect();
    format!(
        "{} ({}) would be written to {folder}, {} {}{}; nothing was changed",
        counted(new + replaced, "file"),
        human(bytes),
        counted(same, "file"),
        if same == 1 { "exists" } else { "exist" },
        others.concat(),
    )
}

fn parse_filter(text: &str) -> Result<Filter> {
    text.parse().map_err(|error: InvalidFilter| usage(format!("Invalid filter '{text}': {error}")))
}

fn summary(unpacked: &ops::Unpacked, folder: &str, start: Instant) -> String {
    let placed = &unpacked.placed;
    let digest = unpacked.manifest.digest;
    let changed = placed.files + placed.kept + unpacked.deleted.len() as u64;
    if changed == 0 && placed.already_right > 0 {
        return format!("Nothing to do: {folder} already contains the requested files of {digest}");
    }
    let kept = if placed.kept > 0 { format!(" · {} kept", counted(placed.kept, "file")) } else { String::new() };
    let replaced =
        if placed.replaced > 0 { format!(" · {} replaced", counted(placed.replaced, "file")) } else { String::new() };
    let deleted = match unpacked.deleted.len() {
        0 => String::new(),
        count => format!(" · {} deleted", counted(count, "file")),
    };
    let done = counted(placed.files, "file");
    let mut moved = moved(placed);
    moved.reused = moved.reused.map(|reused| reused + &and_taken(&unpacked.taken));
    format!("Unpacked {done} into {folder} · verified {digest}{replaced}{kept}{deleted} · {}", moved.in_words(start))
}

/// The summary of unpacked files for the last line.
pub(crate) fn moved(placed: &Placed) -> Moved {
    let reused = format!("{} already up to date", counted(placed.already_right, "file"));
    Moved { done: (placed.bytes, "written"), reused: Some(reused), mounted: None, resumed: 0 }
}
