//! Tests of certificates and their chains, with the test authority of the golden vectors.

use super::*;
use crate::trust::{Authority, CertificateError};

fn file(name: &str) -> Vec<u8> {
    fs_err::read(format!("{}/../../tests/golden/trust/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::read_pem(&file(name)).unwrap().remove(0)
}

fn ders(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| certificate(name).der().to_vec()).collect()
}

fn at(time: &str) -> ValidAt {
    ValidAt::Time(time.parse().unwrap())
}

fn authority(names: &[&str]) -> Authority {
    let files: Vec<_> = names.iter().map(|name| file(name)).collect();
    Authority::read_pem(files.iter().map(Vec::as_slice)).unwrap()
}

fn identity(san: Option<&str>) -> Identity {
    let authority = authority(&["test-ca.pem"]);
    Identity { san: san.map(str::to_owned), authority, valid_at: ValidAt::Issued, usage: Usage::CodeSigning }
}

#[test]
fn a_certificate_shows_its_identity_its_times_and_its_key() {
    let leaf = certificate("test-leaf.pem");
    assert_eq!(leaf.identities(), ["ada@models.example"]);
    assert_eq!(leaf.not_before().to_string(), "2026-11-29T00:00:09Z");
    assert_eq!(leaf.not_after().to_string(), "2046-01-28T00:00:09Z");
    assert_eq!(leaf.public_key().unwrap().algorithm().to_string(), "ecdsa-p256");
    assert_eq!(certificate("test-ca.pem").not_after().to_string(), "2051-07-20T23:43:40Z");
    assert!(certificate("test-leaf-tls.pem").identities().is_empty());
}

#[test]
fn a_chain_leads_to_a_trusted_authority() {
    let now = at("2027-01-01T00:00:00Z");
    let check = |roots: &[&str], chain: &[&str], at| authority(roots).check(&ders(chain), at, Usage::CodeSigning);
    let whole = ["test-leaf.pem", "test-int.pem"];
    for (roots, chain) in [
        (&["test-ca.pem"][..], &whole[..]),
        (&["test-ca.pem"], &["test-leaf.pem", "test-int.pem", "test-ca.pem"]),
        (&["test-int.pem", "test-ca.pem"], &["test-leaf.pem"]),
    ] {
        assert_eq!(check(roots, chain, now), Ok(certificate("test-leaf.pem")));
        assert_eq!(check(roots, chain, ValidAt::Issued), Ok(certificate("test-leaf.pem")));
    }
    let unknown = Err(CertificateError::UnknownAuthority);
    assert_eq!(check(&["test-ca.pem"], &["test-leaf.pem"], now), unknown);
    assert_eq!(check(&["test-leaf-tls.pem"], &whole, now), unknown);
    let expired = check(&["test-ca.pem"], &whole, at("2046-01-28T00:00:10Z")).unwrap_err();
    assert_eq!(expired.to_string(), "the certificate expired at 2046-01-28T00:00:09Z");
    let early = check(&["test-ca.pem"], &whole, at("2026-11-29T00:00:08Z")).unwrap_err();
    assert_eq!(early.to_string(), "the certificate is not valid before 2026-11-29T00:00:09Z");
    for usage in [Usage::CodeSigning, Usage::Signature] {
        let tls = ders(&["test-leaf-tls.pem", "test-int.pem"]);
        assert_eq!(authority(&["test-ca.pem"]).check(&tls, now, usage), Err(CertificateError::NotForSigning));
    }
}

#[test]
fn a_trusted_root_contains_authorities_and_intermediates() {
    let root = Authority::read_trusted_root(&file("test-trusted-root.json")).unwrap();
    root.check(&ders(&["test-leaf.pem"]), ValidAt::Issued, Usage::CodeSigning).unwrap();
    let text = String::from_utf8(file("test-trusted-root.json")).unwrap();
    let with = |from: &str, to: &str| Authority::read_trusted_root(text.replacen(from, to, 1).as_bytes());
    assert_eq!(with("version=0.1", "version=0.2"), Err(CertificateError::TrustedRoot));
    assert_eq!(with("\"certificateAuthorities\"", "\"tlogs\":[{}],\"x\""), Err(CertificateError::HasLogs));
    assert_eq!(
        with("\"certificateAuthorities\"", "\"timestampAuthorities\":[{}],\"x\""),
        Err(CertificateError::HasLogs)
    );
    assert_eq!(Authority::read_trusted_root(b"{}"), Err(CertificateError::TrustedRoot));
}

#[test]
fn only_the_identity_that_was_asked_for_counts() {
    let chain = ders(&["test-leaf.pem", "test-int.pem"]);
    let (key, signer) = identity(Some("ada@models.example")).check(&chain).unwrap();
    assert_eq!(key, certificate("test-leaf.pem").public_key().unwrap());
    assert_eq!(signer.to_string(), "ada@models.example");
    assert_eq!(identity(None).check(&chain).unwrap().1, signer);
    for other in ["eve@models.example", "ada@models.exampl", "ada@models.example2", "", "Ada@models.example"] {
        let refused = identity(Some(other)).check(&chain).unwrap_err().to_string();
        assert_eq!(refused, format!("the certificate is of `ada@models.example`, not of `{other}`"));
    }
}

#[test]
fn files_without_certificates_are_refused() {
    let read = |text: &[u8]| Certificate::read_pem(text).unwrap_err();
    assert_eq!(read(b"text"), CertificateError::NoCertificate);
    assert_eq!(read(&file("test-p256.pub.pem")), CertificateError::NotACertificate("PUBLIC KEY".to_owned()));
    assert_eq!(read(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), CertificateError::Damaged);
    let der = certificate("test-leaf.pem").der().to_vec();
    for cut in 0..der.len() {
        assert_eq!(Certificate::read(&der[..cut]), Err(CertificateError::Damaged), "{cut}");
    }
}

proptest::proptest! {
    #[test]
    fn a_certificate_with_one_other_byte_does_not_count(position in 0_usize..400, other in 1_u8..) {
        let mut chain = ders(&["test-leaf.pem", "test-int.pem"]);
        let byte = position % chain[0].len();
        chain[0][byte] ^= other;
        proptest::prop_assert!(identity(None).check(&chain).is_err());
    }
}
