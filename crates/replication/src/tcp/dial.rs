//! Opening connections to the Regions that are configured as peers.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use graticule_model::RegionName;
use graticule_tables::BoxFuture;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    TcpLinks,
    addresses::Addresses,
    at,
    carry::carry,
    hello::{Agreed, Hello, LZ4, Welcome, hear, say},
    names::{explain, link_name},
    tune,
};
use crate::{
    traffic::count,
    transport::{LinkError, Transport, Wire},
};

/// Reaches Regions at configured addresses.
#[derive(Debug)]
pub struct TcpTransport {
    links: Arc<TcpLinks>,
    peers: BTreeMap<RegionName, Addresses>,
}

impl TcpTransport {
    /// A transport to `peers`: each Region with what is served at any of several `host:port`.
    pub fn new(links: Arc<TcpLinks>, peers: BTreeMap<RegionName, Vec<String>>) -> TcpTransport {
        let peers = peers.into_iter().map(|(region, names)| (region, Addresses::new(names))).collect();
        TcpTransport { links, peers }
    }

    /// Tries every address until one works.
    async fn open(&self, from: &RegionName, to: &RegionName) -> Result<Wire, LinkError> {
        let addresses = self.peers.get(to).ok_or_else(|| LinkError::Unknown(to.clone()))?;
        let links = &self.links;
        let mut errors = Vec::new();
        for address in addresses.to_try(&links.env, &links.resolver).await.map_err(LinkError::Broken)? {
            match self.open_at(from, to, address).await {
                Ok(wire) => {
                    addresses.worked(address);
                    return Ok(wire);
                }
                Err(error) => errors.push(error),
            }
        }
        Err(most_telling(errors))
    }

    async fn open_at(
        &self,
        from: &RegionName,
        to: &RegionName,
        address: SocketAddr,
    ) -> Result<Wire, LinkError> {
        let links = &self.links;
        let peer = at(to, address);
        let stream = match links.env.timeout(links.limits.connect_timeout, TcpStream::connect(address)).await
        {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return Err(LinkError::Broken(format!("cannot connect to {peer}: {error}"))),
            None => return Err(LinkError::Broken(format!("{peer} cannot be reached in time"))),
        };
        tune(&stream).map_err(|error| LinkError::Broken(format!("a connection cannot be tuned: {error}")))?;
        let greet = self.greet(from, to, &peer, stream);
        links.env.timeout(links.limits.handshake_timeout, greet).await.unwrap_or_else(|| {
            Err(LinkError::Broken(format!("{peer} did not complete the handshake in time")))
        })
    }

    async fn greet(
        &self,
        from: &RegionName,
        to: &RegionName,
        peer: &str,
        stream: TcpStream,
    ) -> Result<Wire, LinkError> {
        let links = &self.links;
        let explain = |error: std::io::Error| explain(&error, peer, &links.ca());
        let name = ServerName::try_from(link_name(to))
            .map_err(|_| LinkError::Broken(format!("the Region {to} cannot be part of a DNS name")))?;
        let (material, changed) = links.credentials.current();
        let connector = TlsConnector::from(Arc::clone(&material.client));
        let mut stream = connector.connect(name, stream).await.map_err(explain)?;
        let hello = Hello {
            versions: (*links.versions.start(), *links.versions.end()),
            from: from.to_string(),
            to: to.to_string(),
            compression: vec![LZ4.to_owned()],
        };
        say(&mut stream, &hello).await.map_err(explain)?;
        // Only now does this end hear whether the other one believes its certificate.
        let agreed = match hear(&mut stream).await.map_err(explain)? {
            Welcome::Refused(reason) => return Err(LinkError::Refused(format!("{reason} ({peer})"))),
            Welcome::Ok { version, .. } if !links.versions.contains(&version) => {
                return Err(LinkError::Broken(format!(
                    "{peer} speaks version {version}, which was not offered"
                )));
            }
            Welcome::Ok { version, compression } => {
                Agreed { version, compression: compression.as_deref() == Some(LZ4) }
            }
        };
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let ends = certificate.map_or(0, |certificate| material.end_unix_s(certificate));
        tracing::info!(%from, %to, peer, version = agreed.version, lz4 = agreed.compression, "link connection open");
        let traffic = links.traffic.of(from, to);
        count(&traffic.connects, 1);
        let stale = links.stale(changed, ends.min(material.ends_unix_s), 1);
        Ok(carry(&links.env, stream, agreed, traffic, peer.to_owned(), stale))
    }
}

/// One error for all addresses: a refusal says more than an address that cannot be reached.
fn most_telling(errors: Vec<LinkError>) -> LinkError {
    if let Some(refusal) = errors.iter().find(|error| !matches!(error, LinkError::Broken(_))) {
        return refusal.clone();
    }
    let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
    LinkError::Broken(reasons.join("; "))
}

impl Transport for TcpTransport {
    fn known(&self) -> Option<Vec<RegionName>> {
        Some(self.peers.keys().cloned().collect())
    }

    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>> {
        Box::pin(async move {
            let opened = self.open(from, to).await;
            if opened.is_err() && self.peers.contains_key(to) {
                count(&self.links.traffic.of(from, to).handshake_failures, 1);
            }
            opened
        })
    }

    fn address(&self, to: &RegionName) -> Option<String> {
        let addresses = self.peers.get(to)?;
        Some(addresses.in_use().map_or_else(|| addresses.names().join(","), |address| address.to_string()))
    }

    fn status(&self, from: &RegionName, to: &RegionName) -> Option<Value> {
        let addresses = self.peers.get(to)?;
        Some(json!({
            "Addresses": addresses.names(),
            "Certificate": self.links.certificate_status(),
            "Traffic": self.links.traffic.of(from, to).to_json(),
        }))
    }
}
