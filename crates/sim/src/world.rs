//! The world of one run: machines, network, what is known of both, and requests of operators.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use graticule_kv::{Batch, Effect};
use graticule_model::{Error, RegionName, TableName};
use graticule_ops::{Context, Service, dispatch};
use graticule_tables::schema::{Member, TableStatus};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    disk::Disk,
    executor::{Executor, WORLD},
    model::Model,
    network::Network,
    node::Node,
    plan::Plan,
    random::Random,
    reader::Reader,
    replicas::Replicas,
    trace::Event,
};

/// The Regions that a run may have.
const REGIONS: [&str; 5] = ["us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1", "af-south-1"];

/// The table of every run.
pub(crate) const TABLE: &str = "orders";

/// The table of every run.
pub(crate) fn table_name() -> TableName {
    TABLE.parse().expect("the name is valid")
}

/// Everything that a run consists of.
pub(crate) struct World {
    pub(crate) executor: Arc<Executor>,
    pub(crate) network: Arc<Network>,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) model: Arc<Mutex<Model>>,
    pub(crate) plan: Plan,
    pub(crate) seed: u64,
    /// The readers of each Region's streams.
    pub(crate) readers: Mutex<BTreeMap<RegionName, Reader>>,
    /// Members that somebody wanted out, and that nobody wanted in since.
    unwanted: Mutex<BTreeSet<RegionName>>,
    /// Clients and faults go on.
    pub(crate) busy: AtomicBool,
}

/// A commit in bytes, for the trace.
fn bytes_of(name: &str, batch: &Batch) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    for effect in &batch.effects {
        match effect {
            Effect::Put(key, value) => bytes.extend(key.iter().chain(value)),
            Effect::Delete(key) => bytes.extend(key),
            Effect::DeleteRange(start, end) => bytes.extend(start.iter().chain(end)),
            Effect::Add(key, delta) => bytes.extend(key.iter().chain(&delta.to_le_bytes())),
            Effect::Append(shard, entry) => bytes.extend(shard.0.to_le_bytes().iter().chain(entry)),
            Effect::TrimLog(shard, position) => {
                bytes.extend(shard.0.to_le_bytes().iter().chain(&position.to_le_bytes()));
            }
        }
    }
    bytes
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan, print: bool) -> Arc<World> {
        let executor = Executor::new(seed, print);
        let model = Arc::new(Mutex::new(Model::default()));
        let listener = Arc::clone(&model);
        let network = Network::new(&executor, seed, move |region, frame| {
            listener.lock().arrived(region.as_str(), frame);
        });
        let nodes = REGIONS.iter().take(plan.regions).zip(1..).map(|(name, number)| {
            let (listener, trace) = (Arc::clone(&model), Arc::downgrade(&executor));
            let disk = Disk::new(seed, &format!("disk {name}"), move |batch, committed| {
                listener.lock().committed(name, batch, committed);
                if let Some(trace) = trace.upgrade() {
                    let words = || format!("{name}: {} effects, {:?}", batch.effects.len(), batch.effects);
                    trace.tell(Event::Commit, &bytes_of(name, batch), words);
                }
            });
            let name = name.parse().expect("the Region's name is valid");
            Node::new(number, name, disk, seed, &plan, &executor, &network)
        });
        let nodes = nodes.collect();
        Arc::new(World {
            executor,
            network,
            nodes,
            model,
            plan,
            seed,
            busy: AtomicBool::new(true),
            readers: Mutex::default(),
            unwanted: Mutex::default(),
        })
    }

    pub(crate) fn random(&self, part: &str) -> Random {
        Random::new(self.seed, part)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn spawn(
        self: &Arc<World>,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.executor.spawn(WORLD, name, Box::pin(task));
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        self.executor.sleep(duration).await;
    }

    /// Tells of something that happens to the world.
    pub(crate) fn tell(&self, words: &str) {
        self.executor.tell(Event::Fault, words.as_bytes(), || words.to_owned());
    }

    /// An operation as a client asks for it; `None` if the machine is down or crashes.
    pub(crate) async fn operation(
        &self,
        node: &Node,
        operation: &'static str,
        body: Value,
    ) -> Option<Result<Value, Error>> {
        let words = format!("{} {operation} {body}", node.name);
        let answer = node.call(move |region| async move {
            let context = Context { region, endpoint: "localhost:8000".into() };
            let answer = dispatch(&context, Service::DynamoDb, operation, body.to_string().as_bytes()).await;
            answer.map(|answer| serde_json::from_slice(&answer).unwrap_or(Value::Null))
        });
        let answer = answer.await;
        let outcome = match &answer {
            None => "no answer".to_owned(),
            Some(Ok(_)) => "done".to_owned(),
            Some(Err(error)) => error.to_string(),
        };
        self.tell(&format!("{words}: {outcome}"));
        answer
    }

    /// Creates the table in the first Region.
    pub(crate) async fn create_table(&self) {
        let body = json!({
            "TableName": TABLE,
            "AttributeDefinitions": attributes(),
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "GlobalSecondaryIndexes": [index()],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        self.operation(&self.nodes[0], "CreateTable", body).await;
        let body = json!({
            "TableName": TABLE, "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}});
        self.operation(&self.nodes[0], "UpdateTimeToLive", body).await;
    }

    /// Adds the replica of `newcomer`, as asked of `node`.
    pub(crate) async fn add(&self, node: &Node, newcomer: &Node) -> bool {
        let body = json!({
            "TableName": TABLE, "ReplicaUpdates": [{"Create": {"RegionName": newcomer.name.as_str()}}]});
        let done = matches!(self.operation(node, "UpdateTable", body).await, Some(Ok(_)));
        if done {
            self.unwanted.lock().remove(&newcomer.name);
        }
        done
    }

    /// Takes the replica of `member` out, as asked of `node`.
    pub(crate) async fn remove(&self, node: &Node, member: &Node) -> bool {
        self.unwanted.lock().insert(member.name.clone());
        let body = json!({
            "TableName": TABLE, "ReplicaUpdates": [{"Delete": {"RegionName": member.name.as_str()}}]});
        matches!(self.operation(node, "UpdateTable", body).await, Some(Ok(_)))
    }

    /// Whether a replica stays if that of `node` leaves, for sure: everybody that has one takes it for a member, and nobody
    /// wanted it out, as far as the world knows, which knows more than the members do. Of members that take each other out
    /// the product keeps one; of those that leave, as their users wish, it keeps none.
    pub(crate) fn can_spare(&self, node: &Node) -> bool {
        let replicas = Replicas::look(self);
        let unwanted = self.unwanted.lock();
        let stays = |name: &RegionName| {
            replicas.tables.values().all(|table| {
                table.settings.members.get(name).is_some_and(|register| register.value == Member::Active)
            })
        };
        replicas.tables.iter().any(|(name, table)| {
            let wanted = *name != node.name && !unwanted.contains(name);
            wanted && table.status == TableStatus::Active && stays(name)
        })
    }

    /// Lets a replica leave, as asked of itself.
    pub(crate) async fn leave(&self, node: &Node) {
        self.unwanted.lock().insert(node.name.clone());
        self.operation(node, "DeleteTable", json!({"TableName": TABLE})).await;
    }

    /// Lets a replica become a table of its own, as asked of itself.
    pub(crate) async fn disassociate(&self, node: &Node) -> bool {
        self.unwanted.lock().insert(node.name.clone());
        let body = json!({"TableName": TABLE, "DisassociationProtectionEnabled": false});
        self.operation(node, "UpdateTable", body).await;
        let update = json!({
            "RegionName": node.name.as_str(), "DisassociationMode": "WAIT_FOR_REPLICATION"});
        let body = json!({"TableName": TABLE, "ReplicaUpdates": [{"Disassociate": update}]});
        matches!(self.operation(node, "UpdateTable", body).await, Some(Ok(_)))
    }

    /// Creates or drops the index, as asked of `node`.
    pub(crate) async fn change_index(&self, node: &Node, create: bool) {
        let update =
            if create { json!({"Create": index()}) } else { json!({"Delete": {"IndexName": "by-g"}}) };
        let body = json!({
            "TableName": TABLE, "AttributeDefinitions": attributes(), "GlobalSecondaryIndexUpdates": [update]});
        self.operation(node, "UpdateTable", body).await;
    }
}

fn attributes() -> Value {
    json!([{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}])
}

fn index() -> Value {
    json!({
        "IndexName": "by-g",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]}})
}
