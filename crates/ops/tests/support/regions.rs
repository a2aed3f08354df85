//! Regions in memory that are linked with each other, each opened when somebody first asks for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_model::RegionName;
use graticule_ops::Context;
use graticule_replication::{
    LinkError, Policy, Replicator,
    local::{LocalTransport, OpenRegion},
};
use graticule_tables::{BoxFuture, Region};
use tokio::sync::Mutex;

use super::Server;

/// The Regions of a test.
pub(crate) struct Regions {
    me: Weak<Regions>,
    /// Locked while a Region is opened, so that it is opened once.
    open: Mutex<BTreeMap<RegionName, Arc<Replicator>>>,
}

impl Regions {
    pub(crate) fn start() -> Arc<Regions> {
        Arc::new_cyclic(|me| Regions { me: Weak::clone(me), open: Mutex::default() })
    }

    /// The Region of this name, to call.
    pub(crate) async fn server(&self, name: &str) -> Server {
        let name = name.parse().expect("the name of a Region");
        let replicator = self.replicator(&name).await;
        let context = Context { region: Arc::clone(replicator.region()), endpoint: "localhost:8000".into() };
        Server { context }
    }

    async fn replicator(&self, name: &RegionName) -> Arc<Replicator> {
        let mut open = self.open.lock().await;
        if let Some(found) = open.get(name) {
            return Arc::clone(found);
        }
        let engine = Arc::new(MemoryEngine::new());
        let region =
            Region::open(name.clone(), engine, Env::real()).await.expect("an empty engine can be opened");
        region.start_jobs();
        let transport = Arc::new(LocalTransport::new(Weak::<Regions>::clone(&self.me)));
        let replicator = Replicator::start(region, transport, Policy::default());
        open.insert(name.clone(), Arc::clone(&replicator));
        replicator
    }
}

impl OpenRegion for Regions {
    fn open<'a>(&'a self, region: &'a RegionName) -> BoxFuture<'a, Result<Arc<Replicator>, LinkError>> {
        Box::pin(async move { Ok(self.replicator(region).await) })
    }
}
