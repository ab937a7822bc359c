//! An authority that only these tests trust, and certificates of it.

use std::{fs, path::Path, sync::Arc};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

/// An authority.
pub struct Issuer {
    certificate: Certificate,
    key: KeyPair,
}

/// A certificate with its key.
pub struct Issued {
    certificate: Certificate,
    key: KeyPair,
}

impl Issuer {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        let name = "an authority of tests";
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, key }
    }

    /// Issues a certificate for `localhost` and this machine's own address.
    pub fn issue(&self) -> Issued {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.certificate, &self.key);
        let certificate = certificate.unwrap();
        Issued { certificate, key }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// What a client is told that trusts this authority and speaks these protocols.
    pub fn client(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        Arc::new(config)
    }
}

impl Issued {
    /// Puts `cert.pem` and `key.pem` into a folder, each in one step.
    pub fn put(&self, folder: &Path) {
        self.put_cert(folder);
        replace(&folder.join("key.pem"), &self.key.serialize_pem());
    }

    pub fn put_cert(&self, folder: &Path) {
        replace(&folder.join("cert.pem"), &self.certificate.pem());
    }

    pub fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }
}

fn replace(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::rename(draft, path).unwrap();
}
