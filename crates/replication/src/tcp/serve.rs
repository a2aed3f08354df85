//! Taking connections from other Regions: as many as are bounded, from whoever shows a good certificate.

use std::{
    collections::HashMap,
    hash::Hash,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use graticule_model::RegionName;
use parking_lot::Mutex;
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{
    TcpLinks,
    carry::carry,
    hello::{Agreed, Hello, LZ4, Welcome, common_version, hear, say},
    names::{certificate_regions, explain, link_name},
    tune,
};
use crate::{
    replicator::Replicator,
    traffic::count,
    transport::{LinkError, Wire},
};

/// Knows the Regions that are here.
pub type Find = dyn Fn(&str) -> Option<Arc<Replicator>> + Send + Sync;

/// Refused connections are told of once in this time.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How long a refusal may take to say.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Counts what there is of each kind, up to a bound.
struct Counts<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K: Hash + Eq + Clone> Counts<K> {
    fn new() -> Counts<K> {
        Counts(Arc::default())
    }

    /// A place, if there are fewer than `max` of this kind.
    fn enter(&self, kind: &K, max: usize) -> Option<Place<K>> {
        let mut counts = self.0.lock();
        if counts.get(kind).copied().unwrap_or(0) >= max {
            return None;
        }
        *counts.entry(kind.clone()).or_default() += 1;
        Some(Place { counts: Arc::clone(&self.0), kind: kind.clone() })
    }
}

/// A place among those counted, until it is dropped.
struct Place<K: Hash + Eq> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
    kind: K,
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.kind) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.kind);
            }
        }
    }
}

type Pair = (RegionName, RegionName);

struct Server {
    links: Arc<TcpLinks>,
    find: Arc<Find>,
    connections: Counts<Pair>,
}

/// A link that was opened.
struct Opened {
    from: RegionName,
    target: Arc<Replicator>,
    wire: Wire,
    place: Place<Pair>,
}

/// Serves links from other Regions on `listener` for as long as the process lives. `find` knows the Regions here.
pub async fn serve_links(links: Arc<TcpLinks>, listener: TcpListener, find: Arc<Find>) {
    let server = Arc::new(Server { links: Arc::clone(&links), find, connections: Counts::new() });
    let (all, by_address) = (Counts::<()>::new(), Counts::<IpAddr>::new());
    let (mut turned_away, mut reported) = (0_u64, None);
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a link could not be accepted");
                links.env.sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let places = by_address
            .enter(&address.ip(), links.limits.handshakes_per_address_max)
            .and_then(|here| Some((here, all.enter(&(), links.limits.handshakes_max)?)));
        let Some(places) = places else {
            turned_away += 1;
            let now = links.env.monotonic();
            if reported.is_none_or(|before| now >= before + REPORT_EVERY) {
                tracing::warn!(%address, turned_away, "too many link handshakes at once; connections are turned away");
                (turned_away, reported) = (0, Some(now));
            }
            continue;
        };
        let (server, env) = (Arc::clone(&server), links.env.clone());
        links.env.spawn("link in", async move {
            let limit = server.links.limits.handshake_timeout;
            let opened = env.timeout(limit, server.open(stream, address)).await;
            drop(places);
            match opened.unwrap_or_else(|| Err(LinkError::Broken("no handshake in time".to_owned()))) {
                Ok(Opened { from, target, wire, place }) => {
                    target.serve(from, wire).await;
                    drop(place);
                }
                Err(error) => {
                    tracing::warn!(%address, %error, "a link from another Region was not opened");
                }
            }
        });
    }
}

impl Server {
    async fn open(&self, stream: TcpStream, address: SocketAddr) -> Result<Opened, LinkError> {
        if let Err(error) = tune(&stream) {
            tracing::warn!(%address, %error, "a link's connection cannot be tuned");
        }
        let links = &self.links;
        let explain = |error: io::Error| explain(&error, &format!("the other end at {address}"), &links.ca());
        let (material, changed) = links.credentials.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&material.server));
        let mut stream = acceptor.accept(stream).await.map_err(explain)?;
        let hello: Hello = hear(&mut stream).await.map_err(explain)?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
        let judged = self.judge(&hello, certificate.as_ref());
        let (from, target, place, agreed) = match judged {
            Ok(judged) => judged,
            Err(reason) => {
                if let Some(target) = (self.find)(&hello.to)
                    && let Ok(from) = hello.from.parse()
                    && certificate.as_ref().is_some_and(|certificate| names(certificate, &from))
                {
                    count(&links.traffic.of(target.region().name(), &from).handshake_failures, 1);
                }
                let refusal = async {
                    let _ = say(&mut stream, &Welcome::Refused(reason.clone())).await;
                    let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                };
                let _ = links.env.timeout(REFUSAL_TIMEOUT, refusal).await;
                return Err(LinkError::Refused(reason));
            }
        };
        let compression = agreed.compression.then(|| LZ4.to_owned());
        let welcome = Welcome::Ok { version: agreed.version, compression };
        say(&mut stream, &welcome).await.map_err(explain)?;
        let traffic = links.traffic.of(target.region().name(), &from);
        count(&traffic.connects, 1);
        let ends = certificate.as_ref().map_or(0, |certificate| material.end_unix_s(certificate));
        let stale = links.stale(changed, ends.min(material.ends_unix_s), 2);
        let wire = carry(&links.env, stream, agreed, traffic, format!("{from} at {address}"), stale);
        Ok(Opened { from, target, wire, place })
    }

    /// Whether a link is opened, or why not.
    fn judge(
        &self,
        hello: &Hello,
        certificate: Option<&CertificateDer<'_>>,
    ) -> Result<(RegionName, Arc<Replicator>, Place<Pair>, Agreed), String> {
        let links = &self.links;
        let from: RegionName =
            hello.from.parse().map_err(|error: graticule_model::Error| error.to_string())?;
        let Some(certificate) = certificate else { return Err("there is no certificate".to_owned()) };
        if !names(certificate, &from) {
            return Err(format!(
                "the certificate of the other end does not name {from}, but {}; make one that does with graticule \
                 certificates",
                certificate_regions(certificate).join(", ")
            ));
        }
        let Some(version) = common_version(&links.versions, hello.versions) else {
            return Err(format!(
                "the link protocol has no version in common: {} speaks versions {} to {}, {from} {} to {}; upgrade \
                 Graticule where it is older",
                hello.to,
                links.versions.start(),
                links.versions.end(),
                hello.versions.0,
                hello.versions.1
            ));
        };
        let Some(target) = (self.find)(&hello.to) else {
            return Err(format!("Region {} is not here; check the address in --peer", hello.to));
        };
        let here = target.region().name().clone();
        if from == here {
            return Err(format!("{from} cannot be linked with itself; check the address in --peer"));
        }
        let max = links.limits.connections_per_peer_max;
        let Some(place) = self.connections.enter(&(here.clone(), from.clone()), max) else {
            return Err(format!(
                "there are {max} connections from {from} to {here} already; try again later"
            ));
        };
        let compression = hello.compression.iter().any(|offered| offered == LZ4);
        Ok((from, target, place, Agreed { version, compression }))
    }
}

/// Whether a certificate, which is believed by now, names the Region.
fn names(certificate: &CertificateDer<'_>, region: &RegionName) -> bool {
    let (Ok(parsed), Ok(name)) =
        (ParsedCertificate::try_from(certificate), ServerName::try_from(link_name(region)))
    else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}
