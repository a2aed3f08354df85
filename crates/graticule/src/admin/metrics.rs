//! `GET /metrics`: figures for Prometheus, in the OpenMetrics text form.
//!
//! Figures are taken when they are asked for and nothing is remembered between two requests, so that what is no more (a
//! replica, a link) is not told of for ever. Times are in milliseconds, as `ReplicationLatency` is on the service.

use std::fmt;

use graticule_model::Error;
use graticule_replication::{LATENCY_BOUNDS_MS, LatencyHistogram, PeerStatus, RegionStatus, ReplicaStatus};
use graticule_server::AdminAnswer;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};

use super::Admin;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of this process.
pub(super) async fn text(admin: &Admin) -> Result<AdminAnswer, Error> {
    let mut regions = Vec::new();
    for replicator in admin.node.all() {
        regions.push(replicator.status().await?);
    }
    let dials = admin.dials.state();
    let figures = Figures {
        regions,
        requests: admin.requests.all(),
        dials_set: (dials.links.len() + dials.clocks.len() + dials.faults.len()) as u64,
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(figures));
    let mut answer = String::new();
    text::encode(&mut answer, &registry).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(AdminAnswer::Text(CONTENT_TYPE, answer))
}

/// What is told, as it was at one moment.
#[derive(Debug)]
struct Figures {
    regions: Vec<RegionStatus>,
    requests: Vec<(&'static str, &'static str, u64)>,
    dials_set: u64,
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut build =
            family(&mut encoder, "graticule_build_info", "The version that is running", MetricType::Gauge)?;
        build.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?.encode_gauge(&1_u64)?;
        self.latencies(&mut encoder)?;
        self.of_peers(&mut encoder)?;
        self.of_replicas(&mut encoder)?;
        self.of_links(&mut encoder)?;
        let mut requests = family(
            &mut encoder,
            "graticule_requests",
            "Requests answered, by operation and status",
            MetricType::Counter,
        )?;
        for (operation, status, count) in &self.requests {
            let labels = [("operation", *operation), ("status", *status)];
            count_of(requests.encode_family(&labels)?, *count)?;
        }
        let help = "Dials for testing that are set; 0 on a server that is in earnest";
        family(&mut encoder, "graticule_dials_set", help, MetricType::Gauge)?.encode_gauge(&self.dials_set)
    }
}

fn family<'s>(
    encoder: &'s mut DescriptorEncoder<'_>,
    name: &'s str,
    help: &str,
    kind: MetricType,
) -> Result<MetricEncoder<'s>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, kind)
}

fn count_of(mut encoder: MetricEncoder<'_>, count: u64) -> Result<(), fmt::Error> {
    encoder.encode_counter::<NoLabelSet, u64, f64>(&count, None)
}

/// A figure of a peer, for the metric of this name and help.
type PeerGauge = (&'static str, &'static str, fn(&PeerStatus) -> Option<u64>);
/// A figure of a replica.
type ReplicaFigure = (&'static str, &'static str, MetricType, fn(&ReplicaStatus) -> u64);

const PEER_GAUGES: [PeerGauge; 5] = [
    (
        "graticule_replication_pending_changes",
        "Log positions that the receiving Region has not acknowledged",
        |peer| Some(peer.pending_changes),
    ),
    (
        "graticule_replication_pending_bytes",
        "About how many bytes of log the receiving Region has not acknowledged",
        |peer| Some(peer.pending_bytes),
    ),
    (
        "graticule_replication_watermark_age_milliseconds",
        "How long ago the peer promised to send nothing older; absent while it has not",
        |peer| peer.watermark_age_ms,
    ),
    (
        "graticule_replication_differing_keys",
        "Keys in which the replicas differed for good when they were last compared; absent while they have not been",
        |peer| peer.differing_keys,
    ),
    (
        "graticule_replication_verified_timestamp_milliseconds",
        "When the replicas were last compared, in milliseconds since the epoch",
        |peer| peer.verified_ms,
    ),
];

const REPLICA_FIGURES: [ReplicaFigure; 3] = [
    (
        "graticule_replication_conflicts",
        "Writes from elsewhere that lost against a later write of this Region",
        MetricType::Counter,
        |table| table.conflicts_counted,
    ),
    (
        "graticule_replication_conflicts_forgotten",
        "Those that the conflict journal had no room for any more",
        MetricType::Counter,
        |table| table.conflicts_forgotten,
    ),
    (
        "graticule_replication_tombstones",
        "Marks of deletes that are kept, counted up to ten thousand",
        MetricType::Gauge,
        |table| table.tombstones_held,
    ),
];

impl Figures {
    fn peers(&self) -> impl Iterator<Item = (&RegionStatus, &ReplicaStatus, &PeerStatus)> {
        let tables =
            self.regions.iter().flat_map(|region| region.tables.iter().map(move |table| (region, table)));
        tables.flat_map(|(region, table)| table.peers.iter().map(move |peer| (region, table, peer)))
    }

    fn latencies(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help =
            "ReplicationLatency: from the write in this Region until it is visible in the receiving Region";
        let name = "graticule_replication_latency_milliseconds";
        let mut latency = family(encoder, name, help, MetricType::Histogram)?;
        for (region, table, peer) in self.peers() {
            let LatencyHistogram { counts, sum_ms } = &peer.latencies;
            let bounds = LATENCY_BOUNDS_MS.iter().map(|bound| *bound as f64).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
            let labels = labels_of(region, table, peer);
            let mut encoder = latency.encode_family(&labels)?;
            encoder.encode_histogram::<NoLabelSet>(*sum_ms as f64, counts.iter().sum(), &buckets, None)?;
        }
        Ok(())
    }

    fn of_peers(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, figure) in PEER_GAUGES {
            let mut gauge = family(encoder, name, help, MetricType::Gauge)?;
            for (region, table, peer) in self.peers() {
                if let Some(value) = figure(peer) {
                    gauge.encode_family(&labels_of(region, table, peer))?.encode_gauge(&value)?;
                }
            }
        }
        Ok(())
    }

    fn of_replicas(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, kind, figure) in REPLICA_FIGURES {
            let mut metric = family(encoder, name, help, kind)?;
            for region in &self.regions {
                for table in &region.tables {
                    let labels = [("region", region.region.as_str()), ("table", table.table_name.as_str())];
                    let mut encoder = metric.encode_family(&labels)?;
                    match kind {
                        MetricType::Counter => count_of(encoder, figure(table))?,
                        _ => encoder.encode_gauge(&figure(table))?,
                    }
                }
            }
        }
        Ok(())
    }

    fn of_links(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let links = || {
            let links =
                self.regions.iter().flat_map(|region| region.links.iter().map(move |link| (region, link)));
            links.map(|(region, link)| {
                let labels = [("region", region.region.as_str()), ("receiving_region", link.region.as_str())];
                (labels, link)
            })
        };
        let help = "Whether the link to the receiving Region is open";
        let mut up = family(encoder, "graticule_replication_link_up", help, MetricType::Gauge)?;
        for (labels, link) in links() {
            up.encode_family(&labels)?.encode_gauge(&u64::from(link.state == "CONNECTED"))?;
        }
        let help = "How often the link to the receiving Region was opened";
        let mut connects = family(encoder, "graticule_replication_link_connects", help, MetricType::Counter)?;
        for (labels, link) in links() {
            count_of(connects.encode_family(&labels)?, link.connects)?;
        }
        Ok(())
    }
}

/// `region` is where the figure is from; what it is about lies between there and `receiving_region`.
fn labels_of<'s>(
    region: &'s RegionStatus,
    table: &'s ReplicaStatus,
    peer: &'s PeerStatus,
) -> [(&'static str, &'s str); 3] {
    [("region", &region.region), ("table", &table.table_name), ("receiving_region", &peer.region)]
}
