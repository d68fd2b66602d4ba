//! https: the certificates that the client trusts, and the errors about others.

use std::path::PathBuf;
use std::sync::Arc;

use kit_core::registry::{Client, ClientCertificate, Error, HostSettings, Settings};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::support::{chain, settings};
use kit_testkit::registry::FakeRegistry;

fn fixture(name: &str) -> PathBuf {
    kit_testkit::sandbox::repository().join("tests/fixtures/tls").join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(fixture(&format!("{name}.pem"))).unwrap()
}

fn start(name: &str, wants_client_certificate: bool) -> FakeRegistry {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let config = if wants_client_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(certificate("ca")).unwrap();
        config.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
        )
    } else {
        config.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(fixture(&format!("{name}.key"))).unwrap();
    FakeRegistry::start_tls(config.with_single_cert(vec![certificate(name)], key).unwrap())
}

fn encrypted() -> Settings {
    Settings { plain_http: false, ..settings() }
}

fn trusting(authority: &str) -> Settings {
    Settings { extra_authorities: vec![fixture(authority)], ..encrypted() }
}

fn ping(registry: &FakeRegistry, settings: Settings) -> Result<(), Error> {
    Client::new(settings).unwrap().ping(registry.host(), None)
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn an_additional_authority_is_trusted() {
    let registry = start("server", false);
    ping(&registry, trusting("ca.pem")).unwrap();
    let error = ping(&registry, encrypted()).unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{}", chain(&error));
    assert_eq!(error.to_string(), format!("the certificate of `{}` is not trusted", registry.host()));
}

#[test]
fn verification_can_be_turned_off() {
    for name in ["server", "self-signed"] {
        ping(&start(name, false), Settings { verify_tls: false, ..encrypted() }).unwrap();
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_self_signed_certificate_is_believed_if_it_is_trusted_itself() {
    let registry = start("self-signed", false);
    ping(&registry, trusting("self-signed.pem")).unwrap();
    for settings in [encrypted(), trusting("ca.pem")] {
        let error = ping(&registry, settings).unwrap_err();
        assert!(matches!(error, Error::AuthorityAsServer { .. }), "{}", chain(&error));
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_client_proves_itself() {
    let registry = start("server", true);
    assert!(ping(&registry, trusting("ca.pem")).is_err());
    let own = ClientCertificate { certificate: fixture("client.pem"), key: fixture("client.key") };
    ping(&registry, Settings { client_certificate: Some(own), ..trusting("ca.pem") }).unwrap();
}

/// Settings that differ for one registry alone.
fn only_for(registry: &FakeRegistry, own: HostSettings) -> Settings {
    Settings { hosts: [(registry.host().to_owned(), own)].into(), ..encrypted() }
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn an_authority_is_trusted_only_for_its_host() {
    let (registry, other) = (start("server", false), start("server", false));
    let own = HostSettings { extra_authorities: Some(vec![fixture("ca.pem")]), ..HostSettings::default() };
    let client = Client::new(only_for(&registry, own)).unwrap();
    client.ping(registry.host(), None).unwrap();
    assert!(matches!(client.ping(other.host(), None), Err(Error::Untrusted { .. })));
    client.ping(registry.host(), None).unwrap();
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn a_client_certificate_is_presented_only_to_its_host() {
    let (registry, other) = (start("server", true), start("server", true));
    let certificate = ClientCertificate { certificate: fixture("client.pem"), key: fixture("client.key") };
    let own = HostSettings { client_certificate: Some(certificate), ..HostSettings::default() };
    let settings = Settings { extra_authorities: vec![fixture("ca.pem")], ..only_for(&registry, own) };
    let client = Client::new(settings).unwrap();
    client.ping(registry.host(), None).unwrap();
    let error = client.ping(other.host(), None).unwrap_err();
    assert!(matches!(error, Error::HandshakeRefused { .. }), "{}", chain(&error));
    assert!(other.requests().is_empty());
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn plain_http_applies_only_to_its_host() {
    let (registry, other) = (FakeRegistry::start(), FakeRegistry::start());
    let own = HostSettings { plain_http: Some(true), ..HostSettings::default() };
    let client = Client::new(only_for(&registry, own)).unwrap();
    client.ping(registry.host(), None).unwrap();
    assert!(matches!(client.ping(other.host(), None), Err(Error::NotTls { .. })));
    assert!(other.requests().is_empty());
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn plain_http_is_never_spoken_unasked() {
    let registry = FakeRegistry::start();
    let error = ping(&registry, encrypted()).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` does not speak https", registry.host()));
    assert!(registry.requests().is_empty());
}

#[test]
fn files_that_are_not_certificates_are_named() {
    let registry = start("server", false);
    for settings in [
        trusting("missing.pem"),
        Settings {
            client_certificate: Some(ClientCertificate {
                certificate: fixture("README.md"),
                key: fixture("client.key"),
            }),
            ..trusting("ca.pem")
        },
    ] {
        let error = ping(&registry, settings).unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{}", chain(&error));
        assert!(chain(&error).contains("tests/fixtures/tls"), "{}", chain(&error));
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn an_encrypted_way_never_becomes_an_open_one() {
    let (registry, open) = (start("server", false), FakeRegistry::start());
    registry.configure(|options| options.redirect_blobs_to = Some(format!("http://{}", open.host())));
    registry.add_blob(b"hello");
    let repository = Client::new(trusting("ca.pem")).unwrap().repository(&crate::support::reference(registry.host()));
    let error = crate::support::read(&repository, &crate::support::descriptor(b"hello"), 0).unwrap_err();
    assert!(error.to_string().contains("it leads from https to http"), "{error}");
    registry.configure(|options| options.upload_origin = Some(format!("http://{}", open.host())));
    let content = b"other";
    let error =
        kit_core::oci::Target::put(&repository, &crate::support::descriptor(content), &&content[..]).unwrap_err();
    assert!(error.to_string().contains("it leads from https to http"), "{error}");
    assert!(open.requests().is_empty());
}
