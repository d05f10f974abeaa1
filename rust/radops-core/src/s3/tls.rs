//! Which certificates are trusted.

use super::config::Config;
use super::error::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn unusable(error: &impl std::fmt::Display) -> Error {
    Error::Config(error.to_string())
}

/// Trust the system's certificates, and those of the file that is given.
pub fn tls_config(config: &Config) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    let mut roots = RootCertStore::empty();
    // A proxy may have a certificate of the one kind, and the server of the other.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(path) = &config.ca_bundle else {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    };
    let listed = read_bundle(path)?;
    roots.add_parsable_certificates(listed.iter().cloned());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let inner =
        inner.map_err(|error| unusable(&format!("ca_bundle: {}: {error}", path.display())))?;
    let verifier = Arc::new(Bundle { inner, listed });
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(builder.with_no_client_auth())
}

/// A configuration that trusts nothing, for connections that never use TLS.
pub fn no_tls() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    Ok(builder
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |why: &dyn std::fmt::Display| {
        Error::Config(format!("ca_bundle: {}: {why}", path.display()))
    };
    let file = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    let listed = file.collect::<Result<Vec<_>, _>>();
    let listed = listed.map_err(|error| wrong(&error))?;
    if listed.is_empty() {
        return Err(wrong(&"it holds no certificate"));
    }
    Ok(listed)
}

/// Trusts what the certificates of a file and of the system vouch for, and those of the file
/// themselves.
///
/// A server's own certificate, signed by itself, is the usual one of a small installation,
/// and as most tools make it, it is one of an authority too. Only then webpki refuses it, after
/// it has checked that the certificate is valid at this time.
#[derive(Debug)]
struct Bundle {
    inner: Arc<WebPkiServerVerifier>,
    listed: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Bundle {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .inner
            .verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match verified {
            Err(error)
                if format!("{error:?}").contains("CaUsedAsEndEntity")
                    && self.listed.iter().any(|listed| listed == end_entity) =>
            {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&certificate, name)?;
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
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
