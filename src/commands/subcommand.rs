//! The subcommands as clap sees them, in the order of `kit --help`.

use anyhow::Result;
use clap::Subcommand;

use crate::commands::create::{ImportArgs, InitArgs, PackArgs, UpdateArgs, ValidateArgs};
use crate::commands::handoff::{ApproveArgs, DeployArgs, ImpactArgs, RecallArgs, RecalledArgs, SubsetArgs, WatchArgs};
use crate::commands::inspect::{
    CatArgs, CpArgs, DiffArgs, InfoArgs, InspectArgs, LineageArgs, ListArgs, LogArgs, LsArgs, NewsArgs, ReportArgs,
    VerifyArgs,
};
use crate::commands::manage::{CacheArgs, FsckArgs, IndexArgs, MaterializeArgs, PruneArgs, RemoveArgs, TagArgs};
use crate::commands::registries::{ConfigArgs, DoctorArgs, LoginArgs, LogoutArgs};
use crate::commands::setup::{CompleteArgs, CompletionArgs, ManArgs, SchemaArgs, SkillArgs, VersionArgs};
use crate::commands::transfer::{
    ConvertArgs, CopyArgs, LoadArgs, PromoteArgs, PullArgs, PushArgs, SaveArgs, UnpackArgs,
};
use crate::commands::trust::{
    AttachArgs, AttestArgs, KeyArgs, PolicyArgs, ReferrersArgs, SbomArgs, ScanArgs, SignArgs,
};
use crate::context::Context;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Validate(ValidateArgs),
    Import(ImportArgs),
    Pack(PackArgs),
    Push(PushArgs),
    Pull(PullArgs),
    Copy(CopyArgs),
    Promote(PromoteArgs),
    Subset(SubsetArgs),
    Convert(ConvertArgs),
    Save(SaveArgs),
    Load(LoadArgs),
    Unpack(UnpackArgs),
    Deploy(DeployArgs),
    List(ListArgs),
    Inspect(InspectArgs),
    Info(InfoArgs),
    Ls(LsArgs),
    Cat(CatArgs),
    Cp(CpArgs),
    Diff(DiffArgs),
    News(NewsArgs),
    Log(LogArgs),
    Lineage(LineageArgs),
    Report(ReportArgs),
    Impact(ImpactArgs),
    Watch(WatchArgs),
    Verify(VerifyArgs),
    Key(KeyArgs),
    Sign(SignArgs),
    Attest(AttestArgs),
    Approve(ApproveArgs),
    Recall(RecallArgs),
    Recalled(RecalledArgs),
    Scan(ScanArgs),
    Sbom(SbomArgs),
    Policy(PolicyArgs),
    Attach(AttachArgs),
    Referrers(ReferrersArgs),
    Update(UpdateArgs),
    Index(IndexArgs),
    Tag(TagArgs),
    Remove(RemoveArgs),
    Prune(PruneArgs),
    Materialize(MaterializeArgs),
    Fsck(FsckArgs),
    Cache(CacheArgs),
    Login(LoginArgs),
    Logout(LogoutArgs),
    Config(ConfigArgs),
    Doctor(DoctorArgs),
    Schema(SchemaArgs),
    Skill(SkillArgs),
    Version(VersionArgs),
    Completion(CompletionArgs),
    Man(ManArgs),
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

impl Command {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        match self {
            Self::Init(args) => args.run(context),
            Self::Validate(args) => args.run(context),
            Self::Import(args) => args.run(context),
            Self::Pack(args) => args.run(context),
            Self::Push(args) => args.run(context),
            Self::Pull(args) => args.run(context),
            Self::Copy(args) => args.run(context),
            Self::Promote(args) => args.run(context),
            Self::Subset(args) => args.run(context),
            Self::Convert(args) => args.run(context),
            Self::Save(args) => args.run(context),
            Self::Load(args) => args.run(context),
            Self::Unpack(args) => args.run(context),
            Self::Deploy(args) => args.run(context),
            Self::List(args) => args.run(context),
            Self::Inspect(args) => args.run(context),
            Self::Info(args) => args.run(context),
            Self::Ls(args) => args.run(context),
            Self::Cat(args) => args.run(context),
            Self::Cp(args) => args.run(context),
            Self::Diff(args) => args.run(context),
            Self::News(args) => args.run(context),
            Self::Log(args) => args.run(context),
            Self::Lineage(args) => args.run(context),
            Self::Report(args) => args.run(context),
            Self::Impact(args) => args.run(context),
            Self::Watch(args) => args.run(context),
            Self::Verify(args) => args.run(context),
            Self::Key(args) => args.run(context),
            Self::Sign(args) => args.run(context),
            Self::Attest(args) => args.run(context),
            Self::Approve(args) => args.run(context),
            Self::Recall(args) => args.run(context),
            Self::Recalled(args) => args.run(context),
            Self::Scan(args) => args.run(context),
            Self::Sbom(args) => args.run(context),
            Self::Policy(args) => args.run(context),
            Self::Attach(args) => args.run(context),
            Self::Referrers(args) => args.run(context),
            Self::Update(args) => args.run(context),
            Self::Index(args) => args.run(context),
            Self::Tag(args) => args.run(context),
            Self::Remove(args) => args.run(context),
            Self::Prune(args) => args.run(context),
            Self::Materialize(args) => args.run(context),
            Self::Fsck(args) => args.run(context),
            Self::Cache(args) => args.run(context),
            Self::Login(args) => args.run(context),
            Self::Logout(args) => args.run(context),
            Self::Config(args) => args.run(context),
            Self::Doctor(args) => args.run(context),
            Self::Schema(args) => args.run(context),
            Self::Skill(args) => args.run(context),
            Self::Version(args) => args.run(context),
            Self::Completion(args) => args.run(context),
            Self::Man(args) => args.run(context),
            Self::Complete(args) => args.run(context),
        }
    }
}
