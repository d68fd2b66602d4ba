//! Commands that sign, attest, scan and enforce a policy.

mod annotations;
mod attach;
mod attest;
mod certificates;
mod folder;
mod folder_signature;
mod identity;
mod key;
mod keys;
mod network;
mod not_signed;
mod policy;
mod predicate_types;
mod referrers;
mod sbom;
mod scan;
mod sign;
mod signatures;
mod signers;

pub(crate) use attach::AttachArgs;
pub(crate) use attest::AttestArgs;
pub(crate) use certificates::CertificateArgs;
pub(crate) use folder_signature::{FOLDER_MEMBERS, FolderSignatureArgs};
pub(crate) use identity::{authority, keyless};
pub(crate) use key::KeyArgs;
pub(crate) use keys::{private_key, public_key};
pub(crate) use network::TrustNetworkArgs;
pub(crate) use not_signed::{Beside, NotSigned};
pub(crate) use policy::{Asked, PolicyArgs, check as check_policy};
pub(crate) use predicate_types::word as predicate_word;
pub(crate) use referrers::ReferrersArgs;
pub(crate) use sbom::SbomArgs;
pub(crate) use scan::{ScanArgs, scan_before_packing};
pub(crate) use sign::SignArgs;
pub(crate) use signatures::{MEMBERS, SignatureArgs, check_signature, material, signer_to_json};
pub(crate) use signers::SignerArgs;
