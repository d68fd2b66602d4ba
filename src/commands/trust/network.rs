//! The network flags of commands whose `--key` is a key for signatures.

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use crate::config::NetworkArgs;

/// The network flags. The private key of the client certificate is `--client-key` instead of `--key`.
#[derive(Debug)]
pub(crate) struct TrustNetworkArgs(NetworkArgs);

impl std::ops::Deref for TrustNetworkArgs {
    type Target = NetworkArgs;

    fn deref(&self) -> &NetworkArgs {
        &self.0
    }
}

impl FromArgMatches for TrustNetworkArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        NetworkArgs::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Args for TrustNetworkArgs {
    fn augment_args(command: Command) -> Command {
        renamed(NetworkArgs::augment_args(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        renamed(NetworkArgs::augment_args_for_update(command))
    }
}

fn renamed(command: Command) -> Command {
    command
        .mut_arg("key", |key| key.long("client-key"))
        .mut_arg("cert", |cert| cert.help("Client certificate (PEM); requires --client-key"))
}
