//! Certificates and connections for tests.

use std::sync::Arc;

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConnection,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::ResolvesServerCert,
    sign::{CertifiedKey, SingleCertAndKey},
};

/// A certificate for `localhost`, and its key.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) der: Vec<u8>,
}

impl Issued {
    /// One that vouches for itself.
    pub(crate) fn by_itself() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            chain: made.cert.pem(),
            key: made.key_pair.serialize_pem(),
            der: made.cert.der().to_vec(),
        }
    }

    fn certified(&self) -> CertifiedKey {
        let chain = vec![CertificateDer::from(self.der.clone())];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        CertifiedKey::from_der(chain, key, &ring::default_provider()).unwrap()
    }
}

/// A client and a server that have shaken hands, with nothing on its way.
pub(crate) fn handshake() -> (ClientConnection, ServerConnection) {
    let issued = Issued::by_itself();
    let shown = Arc::new(SingleCertAndKey::from(issued.certified()));
    handshake_with(shown, &issued)
}

/// The same with a server that shows this, to a client that trusts only what was issued.
pub(crate) fn handshake_with(
    shown: Arc<dyn ResolvesServerCert>,
    issued: &Issued,
) -> (ClientConnection, ServerConnection) {
    let offered = super::offer(shown, &[super::HTTP1]).unwrap();
    let mut server = ServerConnection::new(Arc::new(offered)).unwrap();
    let mut client = client(issued);
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        pass(&mut client, &mut server);
    }
    (client, server)
}

fn client(issued: &Issued) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(issued.der.clone().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

/// Gives each what the other has written.
fn pass(client: &mut ClientConnection, server: &mut ServerConnection) {
    let mut wire = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut wire).unwrap();
    }
    while !wire.is_empty() {
        let taken = server.read_tls(&mut wire.as_slice()).unwrap();
        wire.drain(..taken);
        server.process_new_packets().unwrap();
    }
    while server.wants_write() {
        server.write_tls(&mut wire).unwrap();
    }
    while !wire.is_empty() {
        let taken = client.read_tls(&mut wire.as_slice()).unwrap();
        wire.drain(..taken);
        client.process_new_packets().unwrap();
    }
}
