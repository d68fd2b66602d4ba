//! The subcommands as clap sees them, in the order of `kit --help`.

use anyhow::Result;
use clap::{Args, Subcommand};

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

/// Makes the enum of the subcommands, and what is done with each of them.
macro_rules! subcommands {
    ($($(#[$attribute:meta])* $name:ident($arguments:ty),)*) => {
        // Deferred: to define the arguments of all commands takes longer than most commands run.
        #[derive(Debug, Subcommand)]
        #[command(defer = true)]
        pub(crate) enum Command {
            $($(#[$attribute])* $name($arguments),)*
        }

        /// The functions that define the subcommands, in the order of `Command`.
        const DEFINITIONS: &[fn(clap::Command) -> clap::Command] = &[$(<$arguments as Args>::augment_args),*];

        impl Command {
            pub(crate) fn run(&self, context: &Context) -> Result<()> {
                match self {
                    $(Self::$name(arguments) => arguments.run(context),)*
                }
            }
        }
    };
}

subcommands! {
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

/// Defines the arguments and the help of all subcommands of `kit`; clap itself defines the one that is called.
pub(crate) fn with_all_defined(kit: clap::Command) -> clap::Command {
    let mut definitions = DEFINITIONS.iter();
    kit.mut_subcommands(|command| {
        let define = definitions.next().expect("there are as many definitions as commands");
        define(command.defer(|defined| defined))
    })
}
