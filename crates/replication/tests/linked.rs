//! Regions of a test that are linked over real TCP, with certificates of a CA of the test's own.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_model::RegionName;
use graticule_replication::{
    Body, Frame, Policy, Replicator, Request, Transport, Wire,
    tcp::{CredentialFiles, Credentials, TcpLinks, TcpTransport, link_name, serve_links},
};
use graticule_tables::Region;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::cluster::{DEADLINE, Node, env};

pub(crate) fn region_name(name: &str) -> RegionName {
    name.parse().unwrap()
}

/// A CA and the files that it has made.
pub(crate) struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn params(from_year: i32, to_year: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = date_time_ymd(from_year, 1, 1);
    params.not_after = date_time_ymd(to_year, 1, 1);
    params
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut ca = params(2020, 2200);
        ca.distinguished_name.push(DnType::CommonName, "a CA of the test");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let pem = ca.self_signed(&key).unwrap().pem();
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority { directory, issuer: Issuer::new(ca, key), pem };
        authority.write("ca.pem", &authority.pem);
        authority
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A certificate that names `regions`.
    pub(crate) fn certificate(&self, regions: &[&str], from_year: i32, to_year: i32) -> (String, String) {
        let mut params = params(from_year, to_year);
        for region in regions {
            let name = link_name(&region_name(region));
            params.subject_alt_names.push(SanType::DnsName(name.try_into().unwrap()));
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// The files of a process that hosts `region`.
    pub(crate) fn files(&self, region: &str) -> CredentialFiles {
        self.files_from_to(region, 2021, 2199)
    }

    pub(crate) fn files_from_to(&self, region: &str, from_year: i32, to_year: i32) -> CredentialFiles {
        let (certificate, key) = self.certificate(&[region], from_year, to_year);
        self.write(&format!("{region}.pem"), &certificate);
        self.write(&format!("{region}-key.pem"), &key);
        CredentialFiles {
            certificate: self.path(&format!("{region}.pem")),
            key: self.path(&format!("{region}-key.pem")),
            ca: self.path("ca.pem"),
        }
    }

    /// The links of a process that hosts `region`.
    pub(crate) fn links(&self, region: &str) -> TcpLinks {
        links_of(region, self.files(region))
    }
}

pub(crate) fn links_of(region: &str, files: CredentialFiles) -> TcpLinks {
    let env = Env::real();
    let credentials = Credentials::load(env.clone(), files, vec![region_name(region)]).unwrap();
    TcpLinks::new(env, credentials)
}

pub(crate) async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// A transport that reaches `peers`.
pub(crate) fn transport(links: TcpLinks, peers: &[(&str, &str)]) -> TcpTransport {
    transport_of(Arc::new(links), peers)
}

pub(crate) fn transport_of(links: Arc<TcpLinks>, peers: &[(&str, &str)]) -> TcpTransport {
    let mut addresses: BTreeMap<RegionName, Vec<String>> = BTreeMap::new();
    for (name, address) in peers {
        addresses.entry(region_name(name)).or_default().push((*address).to_owned());
    }
    TcpTransport::new(links, addresses)
}

/// A Region that is served on `listener` and reaches others at `peers`.
pub(crate) async fn serve(
    name: &str,
    links: TcpLinks,
    listener: TcpListener,
    peers: &[(&str, &str)],
) -> Node {
    let env = env();
    let region = Region::open(region_name(name), Arc::new(MemoryEngine::new()), env.clone()).await.unwrap();
    region.start_jobs();
    let links = Arc::new(links);
    links.watch_credentials();
    let transport = Arc::new(transport_of(Arc::clone(&links), peers));
    let replicator = Replicator::start(Arc::clone(&region), transport, Policy::default());
    let (here, found) = (name.to_owned(), Arc::clone(&replicator));
    let find = move |name: &str| (*name == *here).then(|| Arc::clone(&found));
    env.spawn("listener", serve_links(links, listener, Arc::new(find)));
    Node::of(region, replicator)
}

/// Asks for a table; gives whether an answer came.
pub(crate) async fn answers(wire: &mut Wire) -> bool {
    let request = Request::Table { table: "orders".to_owned() };
    if wire.sender.send(Frame { id: 7, body: Body::Request(request) }).await.is_err() {
        return false;
    }
    let reply =
        tokio::time::timeout(DEADLINE, wire.receiver.recv()).await.expect("an answer or an end in time");
    matches!(reply, Some(Frame { id: 7, body: Body::Reply(_) }))
}

/// A good source gets an answer of `b`.
pub(crate) async fn assert_works(authority: &Authority, address: &str) {
    let transport = transport(authority.links("tester"), &[("b", address)]);
    let mut wire = transport.connect(&region_name("tester"), &region_name("b")).await.unwrap();
    assert!(answers(&mut wire).await);
}

/// The wire ends within the deadline.
pub(crate) async fn ends(wire: &mut Wire) {
    let ended = async { while wire.receiver.recv().await.is_some() {} };
    tokio::time::timeout(DEADLINE, ended).await.expect("the wire ends in time");
}

/// Long enough for what must not happen to happen.
pub(crate) const A_WHILE: Duration = Duration::from_millis(300);
