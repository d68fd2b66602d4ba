//! The subcommands: one file each, arguments and what they run.

mod cache;
mod cat;
mod complete;
mod completion;
mod config;
mod convert;
mod copy;
mod cp;
mod diff;
mod diff_json;
mod diff_markdown;
mod diff_patch;
mod diff_table;
mod doctor;
mod fsck;
mod import;
mod import_mlflow;
mod index;
mod index_edit;
mod index_look;
mod info;
mod init;
mod inspect;
mod inspect_tensors;
mod lineage;
mod lineage_picture;
mod list;
mod load;
mod log;
mod login;
mod logout;
mod ls;
mod man;
mod materialize;
mod pack;
mod promote;
mod pull;
mod push;
mod remove;
mod save;
mod schema;
mod tag;
mod unpack;
mod update;
mod validate;
mod verify;
mod version;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::InitArgs),
    Validate(validate::ValidateArgs),
    Import(import::ImportArgs),
    Pack(pack::PackArgs),
    Push(push::PushArgs),
    Pull(pull::PullArgs),
    Copy(copy::CopyArgs),
    Promote(promote::PromoteArgs),
    Convert(convert::ConvertArgs),
    Save(save::SaveArgs),
    Load(load::LoadArgs),
    Unpack(unpack::UnpackArgs),
    List(list::ListArgs),
    Inspect(inspect::InspectArgs),
    Info(info::InfoArgs),
    Ls(ls::LsArgs),
    Cat(cat::CatArgs),
    Cp(cp::CpArgs),
    Diff(diff::DiffArgs),
    Log(log::LogArgs),
    Lineage(lineage::LineageArgs),
    Verify(verify::VerifyArgs),
    Update(update::UpdateArgs),
    Index(index::IndexArgs),
    Tag(tag::TagArgs),
    Remove(remove::RemoveArgs),
    Materialize(materialize::MaterializeArgs),
    Fsck(fsck::FsckArgs),
    Cache(cache::CacheArgs),
    Login(login::LoginArgs),
    Logout(logout::LogoutArgs),
    Config(config::ConfigArgs),
    Doctor(doctor::DoctorArgs),
    Schema(schema::SchemaArgs),
    Version(version::VersionArgs),
    Completion(completion::CompletionArgs),
    Man(man::ManArgs),
    #[command(name = "__complete", hide = true)]
    Complete(complete::CompleteArgs),
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
            Self::Convert(args) => args.run(context),
            Self::Save(args) => args.run(context),
            Self::Load(args) => args.run(context),
            Self::Unpack(args) => args.run(context),
            Self::List(args) => args.run(context),
            Self::Inspect(args) => args.run(context),
            Self::Info(args) => args.run(context),
            Self::Ls(args) => args.run(context),
            Self::Cat(args) => args.run(context),
            Self::Cp(args) => args.run(context),
            Self::Diff(args) => args.run(context),
            Self::Log(args) => args.run(context),
            Self::Lineage(args) => args.run(context),
            Self::Verify(args) => args.run(context),
            Self::Update(args) => args.run(context),
            Self::Index(args) => args.run(context),
            Self::Tag(args) => args.run(context),
            Self::Remove(args) => args.run(context),
            Self::Materialize(args) => args.run(context),
            Self::Fsck(args) => args.run(context),
            Self::Cache(args) => args.run(context),
            Self::Login(args) => args.run(context),
            Self::Logout(args) => args.run(context),
            Self::Config(args) => args.run(context),
            Self::Doctor(args) => args.run(context),
            Self::Schema(args) => args.run(context),
            Self::Version(args) => args.run(context),
            Self::Completion(args) => args.run(context),
            Self::Man(args) => args.run(context),
            Self::Complete(args) => args.run(context),
        }
    }
}
