//! The certificates that are believed: those that the platform verifies, and those that are trusted themselves.
//!
//! `openssl req -x509` marks a certificate as an authority. webpki refuses it as that of a server even if the user
//! trusts exactly this certificate; OpenSSL and Go accept it, and the documentation of distribution creates such
//! certificates.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// The name of the error that webpki reports for an authority as a server. It checks the period of validity before.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Returns true if the server has the certificate of an authority.
pub(super) fn is_authority_as_server(details: &str) -> bool {
    details.contains(AUTHORITY_AS_SERVER)
}

/// The configuration that trusts the authorities of the system and `extra`. `identity` is the certificate and the key
/// of the client, as PEM.
pub(super) fn trusting(extra: Vec<CertificateDer<'static>>, identity: Option<&[u8]>) -> Result<ClientConfig, Error> {
    let provider = CryptoProvider::get_default().map_or_else(|| Arc::new(ring::default_provider()), Arc::clone);
    let platform = Verifier::new_with_extra_roots(extra.clone(), Arc::clone(&provider))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust { platform, extra }));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let invalid = |error: rustls::pki_types::pem::Error| Error::General(error.to_string());
            let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(invalid)?;
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(pem).map_err(invalid)?)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns true if the system has no certificate authorities.
pub(super) fn is_without_authorities() -> bool {
    rustls_native_certs::load_native_certs().certs.is_empty()
}

#[derive(Debug)]
struct Trust {
    platform: Verifier,
    extra: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Returns true if the user or the system trusts exactly this certificate.
    fn has(&self, certificate: &CertificateDer<'_>) -> bool {
        self.extra.contains(certificate) || rustls_native_certs::load_native_certs().certs.contains(certificate)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.platform.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(error) if is_authority_as_server(&format!("{error:?}")) && self.has(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}
