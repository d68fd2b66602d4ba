//! What `kit` can do, one file per operation, from whole values to whole values.
//!
//! Knows no arguments, no colours, no standard output, no environment variables and no current folder.

mod attach;
mod cat;
mod check;
mod compressing;
mod concern;
mod convert;
mod cp;
mod delta;
mod diff;
mod doctor;
mod error;
mod file_location;
mod import;
mod import_choice;
mod import_draft;
mod import_git;
mod import_remote;
mod import_source;
mod import_stream;
mod import_upstream;
mod import_work;
mod index;
mod init;
mod init_model;
mod init_notebooks;
mod init_project;
mod inspect;
mod layer_reader;
mod lineage;
mod list;
mod load;
mod load_layout;
mod local_file;
mod lock;
mod log;
mod log_order;
mod ls;
mod materialize;
mod members;
mod model_facts;
mod origins;
mod pack;
mod pack_push;
mod packer;
mod parents;
mod places;
mod plan;
mod promote;
mod pull;
mod record;
mod records;
mod referrers;
mod remote;
mod remove;
mod room;
mod save;
mod save_list;
mod save_sink;
mod tables;
mod tag;
mod transfer;
mod uncovered;
mod unpack;
mod update;
mod validate;
mod validate_files;
mod validate_secrets;
mod variants;
mod verify;
mod weights;
mod workers;

pub use cat::cat;
pub use check::{Checked, check};
pub use concern::{Concern, UnknownConcern};
pub use convert::{ConvertOptions, Documents, convert, list_as};
pub use cp::{CpOptions, cp};
pub use delta::{Fetch, Taken};
pub use diff::{
    Comparable, Compared, ContentDiff, DiffOptions, Difference, FieldDiff, FileChange, FileDiff, FileState, LayerRow,
    NumbersDiff, ParentDiff, RowsDiff, TableDiff, TensorChange, TensorDiff, TensorsDiff, TextDiff, diff,
};
pub use doctor::{Depth, Diagnosis, Patient, diagnose};
pub use error::Error;
pub use file_location::{FileLocation, InvalidFileLocation};
pub use import::{ImportOptions, import};
pub use import_git::{GitUpstream, fetch_git};
pub use import_remote::{GitRemote, Given};
pub use import_stream::import_to;
pub use import_upstream::{About, HubUpstream, Upstream, UpstreamFile};
pub use import_work::{clear_imports, unfinished_imports};
pub use index::{add_to_index, create_index, remove_from_index};
pub use init::{Draft, init, init_remote};
pub use init_project::{Project, ProjectFolder};
pub use inspect::{Inspected, inspect};
pub use lineage::{Edge, EdgeKind, Lineage, Node, Proof, lineage};
pub use list::{Listed, list_layout, list_local, list_remote};
pub use load::{Lacking, LoadTo, Loaded, load};
pub use load_layout::Layout;
pub use log::{LayerCount, LogOptions, Version, log};
pub use ls::{ListedFile, ls};
pub use materialize::{Materialized, materialize};
pub use origins::Origins;
pub use pack::{Keeping, Locking, PackOptions, Packed, Reading, pack};
pub use pack_push::{PackedAway, pack_and_push};
pub use parents::parents;
pub use places::{Found, Location, Place, Places, find_here};
pub use plan::{Look, Plan, PlannedBlob, plan};
pub use promote::{Promoted, TagState, promote};
pub use pull::{Wanted, plan_pull, pull};
pub use record::{Git, Recording};
pub use remote::RemoteData;
pub use remove::{Removal, Removed, remove, remove_remote};
pub use save::{Destination, Named, Saved, save};
pub use tag::tag;
pub use transfer::{Copied, CopyOptions, Fate, copy};
pub use unpack::{UnpackOptions, Unpacked, unpack};
pub use update::{Pin, Unpinned, UpdateOptions, pins};
pub use validate::{Finding, Severity, ValidateOptions, validate};
pub use variants::{InspectedIndex, inspect_index};
pub use verify::{Verified, VerifyOptions, verify_lock, verify_modelkit};
pub use weights::{WeighedModel, WeightFile, weigh};
pub use workers::jobs;

// What the options and results of operations are made of.
pub use crate::archive::{Links, Overwrite, Placed};
pub use crate::layer_format::Format;
pub use crate::modelkit::{
    CLI_VERSION, Change, Drift, Family, Filter, Form, InvalidFilter, LOCK_SIZE_LIMIT, Label, LabelEdit, Lock, Part,
    Platform, Selection, Subject, Unfit, Variant, parse_lock,
};
pub use crate::provenance::{Builder, Commit};
pub use crate::tensors::{Header, Hyperparameters, Memory, Summary, Tensor, TypeCount};
