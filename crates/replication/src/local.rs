//! Links between Regions of one process: frames go through a queue with a lane per table.

use std::sync::{Arc, Weak};

use graticule_model::RegionName;
use graticule_tables::BoxFuture;

use crate::{
    frames::frames,
    replicator::Replicator,
    transport::{LinkError, Transport, Wire},
};

/// Opens a Region of this process that nobody has asked for yet.
pub trait OpenRegion: Send + Sync + 'static {
    /// The Region's Replicator.
    fn open<'a>(&'a self, region: &'a RegionName) -> BoxFuture<'a, Result<Arc<Replicator>, LinkError>>;
}

/// A transport whose other ends are in the same process.
pub struct LocalTransport(Weak<dyn OpenRegion>);

impl std::fmt::Debug for LocalTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalTransport")
    }
}

impl LocalTransport {
    /// A transport that finds Regions through `opener`.
    pub fn new(opener: Weak<dyn OpenRegion>) -> LocalTransport {
        LocalTransport(opener)
    }
}

impl Transport for LocalTransport {
    fn known(&self) -> Option<Vec<RegionName>> {
        None
    }

    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>> {
        Box::pin(async move {
            let opener = self.0.upgrade().ok_or_else(|| LinkError::Unknown(to.clone()))?;
            let target = opener.open(to).await?;
            let (to_target, from_source) = frames();
            let (to_source, from_target) = frames();
            let there = Wire { sender: to_source, receiver: from_source };
            let env = target.env().clone();
            env.spawn("link in", target.serve(from.clone(), there));
            Ok(Wire { sender: to_target, receiver: from_target })
        })
    }
}
