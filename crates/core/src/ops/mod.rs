//! The operations of `kit`, grouped by purpose: each takes whole values and returns a result that its caller renders.
//!
//! This module does not use command line arguments, colours, standard output, environment variables or the current
//! directory.

mod artifact;
mod bundle;
mod collect;
mod deploy;
mod diff;
mod disk_space;
mod error;
mod evaluation;
mod examined;
mod files;
mod guard;
mod history;
mod impact;
mod import;
mod index_error;
mod init;
mod keep;
mod known_names;
mod lacking;
mod location;
mod notices;
mod owners;
mod pack;
mod policies;
mod promotion;
mod read_once;
mod refused;
mod remote_data;
mod remote_data_error;
mod report;
mod sbom;
mod scan;
mod session;
mod skills;
mod subset;
mod tag_state;
mod transfer;
mod trust;
mod unpack;
mod validate;
mod verdict;
mod watch;
mod workers;

pub use artifact::{
    Belonging, Inspected, InspectedIndex, RecordedPromotion, SignedRecord, SubsetProof, inspect, inspect_index,
    parents, prove_subset,
};
pub use bundle::{BundleError, Destination, Layout, LoadTo, Loaded, Named, Saved, is_compressed, load, save};
pub use deploy::{Deployment, DeploymentDrift, ServedModel, check_manifest, deployment};
pub use diff::{
    CellChange, CellDiff, Comparable, Compared, Concern, ContentDiff, DiffOptions, Difference, ExtraFiles, FieldDiff,
    FileChange, FileDiff, FileState, LayerRow, NotebookDiff, NumbersDiff, OwnedChanges, ParentDiff, RowsDiff,
    TableDiff, TensorChange, TensorDiff, TensorsDiff, TextDiff, UnknownConcern, Verified, VerifyOptions, diff,
    verify_lock, verify_modelkit,
};
pub use disk_space::is_disk_full;
pub use error::Error;
pub use evaluation::{
    DataMetrics, DataSource, EvaluateOptions, EvaluationError, MetricChange, MetricsDiff, evaluate, evaluated_data,
};
pub use examined::Examined;
pub use files::{
    CpOptions, FileLocation, IGNORE_FILE, InvalidFileLocation, ListOptions, ListedFile, Nesting, WeighedModel,
    WeightFile, cat, cp, is_folder, ls, weigh,
};
pub use guard::{Allowed, refuse_secrets};
pub use history::{Edge, EdgeKind, LayerCount, Lineage, LogOptions, Node, Proof, Version, lineage, log};
pub use impact::{Affected, Impact, ImpactOptions, Reason, ReasonKind, Sought, Unknown, UnknownReason, impact};
pub use import::{
    ArtifactUpstream, GitUpstream, ImportError, ImportOptions, MlflowFolder, ModelFolder, PublisherError,
    clear_imports, fetch_git, import, import_to, is_mlflow, mlflow_runs, open_artifact, unfinished_imports,
};
pub use index_error::IndexError;
pub use init::{
    CacheFolder, CachedSnapshot, Draft, IgnoreFile, NotebookDraft, Project, ProjectFolder, Requirement,
    describe_package, draft_ignore_file, init, init_notebook, init_remote,
};
pub use keep::{
    Additions, AttachedManifest, Checked, Diagnosis, DoctorTarget, Listed, Pin, ProbeMode, PruneOptions, Removable,
    Removal, Removed, Unpinned, Untagged, UpdateOptions, add_to_index, attached_remote, check, create_index,
    creation_times, diagnose, find_by_prefix, find_remote, list_layout, list_local, list_remote, pins, prunable, prune,
    removable, remove, remove_attached, remove_from_index, remove_remote, tags_of, untag_remote,
};
pub use lacking::Lacking;
pub use notices::{
    ApproveOptions, InvalidMentions, Mention, RecallAnswer, RecallOptions, RecallQuestion, RecallVerdict, approve,
    mentions, recall, recalled, recalls_of_versions,
};
pub use owners::Ownership;
pub use pack::{
    Git, ImageBase, Keeping, Locking, PackOptions, Packed, PackedAway, Reading, Recording, convert, image_base,
    list_as, pack, pack_and_push, plan_pack, publish,
};
pub use policies::{LoadedKey, LoadedPolicy, Policies, PolicyError, PolicyFile, Refusal, RefusedBy};
pub use promotion::{
    Addition, Checklist, PromoteOptions, Promoted, Promotion, RecordKey, Recorder, TagMove, prepare_promotion,
    prepare_rollback,
};
pub use refused::{Empty, Lack, Secret};
pub use remote_data::RemoteData;
pub use remote_data_error::RemoteDataError;
pub use report::{
    Approval as ReportedApproval, AttachedRow, Evaluation, Recall, Report, ReportOptions, ReportedChanges,
    ReportedPart, ScanSummary, SignedDocument, Standing, Unknown as UnknownFact, report,
};
pub use sbom::{SbomFormat, sbom, sbom_of_folder};
pub use scan::{
    FileFinding, FirstBytes, FolderFiles, ScanOptions, Scanned, ScannedFolder, SkippedPath, scan_entry, scan_file,
    scan_folder, scan_modelkit,
};
pub use session::{Located, Location, Lookup, Session, find_here, find_index_here, not_here};
pub use skills::{Installed, Skill, SkillError, SkillFile, SkillLayer, Skills, install_skill, read_skills};
pub use subset::{SubsetOptions, publish_subset};
pub use tag_state::TagState;
pub use transfer::{
    BlobAction, Carry, Copied, CopyOptions, FORM_SUFFIXES, Fetch, IMAGE_SUFFIX, MODELKIT_SUFFIX, MODELPACK_SUFFIX,
    Materialized, Origins, OtherForm, Plan, PlanTarget, PlannedBlob, PushedTag, Taken, Wanted, copy, copy_unless,
    is_signed, materialize, other_forms, plan, plan_pull, pull, pull_index, push_index, tag,
};
pub use trust::{
    AttachOptions, Attached, AttachedDocument, AttachmentError, AttestOptions, Attestation, Beside, Candidates,
    ComparedFolder, FileToAttach, FilesMismatch, FilesSigning, FolderError, FolderSigning, Judged, RecallProof,
    Recalled, Recaller, SignForm, SignOptions, Signable, SignatureCheck, SignatureOptions, SignedFiles, SignedFolder,
    SignedManifest, SigningError, VerifiedFolder, admit, admit_copy, admit_form, admit_packing, admit_to_read,
    attach_files, attached_document, attached_documents, attest, attestations, beside, candidates, check_policies,
    compare_folder, fetch_files, file_digests, find_signed, is_policy_asked, judge, open_signable, recalls,
    recorded_provenance, requires_attached, sign, sign_folder, sign_modelkit_files, verify_folder, verify_signature,
    warn_of_policies,
};
pub use unpack::{DroppedFiles, PlannedAction, PlannedFile, UnpackOptions, UnpackPlan, Unpacked, plan_unpack, unpack};
pub use validate::{Finding, Severity, ValidateOptions, validate};
pub use verdict::{AssessOptions, Assessed, assess};
pub use watch::{
    AttachedKind, CommandSink, EventKind, EventSink, InvalidTarget, SinkError, WatchError, WatchEvent, WatchMode,
    WatchOptions, WatchTarget, WebhookSink, watch,
};
pub use workers::{Jobs, jobs};

// The types that options and results of operations consist of.
pub use crate::archive::{Links, Overwrite, Placed, UnsafePaths};
pub use crate::layer_format::Format;
pub use crate::modelkit::{
    CLI_VERSION, Change, Drift, Family, Filter, Form, InvalidFilter, Label, LabelEdit, Lock, Part, Platform, Selection,
    Subject, UnsupportedForm, Variant, parse_lock,
};
pub use crate::provenance::{Builder, Commit};
pub use crate::tensors::{Header, Hyperparameters, Memory, Summary, Tensor, TypeCount};
