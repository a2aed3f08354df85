//! A Region in memory, tables made without CreateTable, and calls that are compared with what they should answer.

pub(crate) mod regions;

use std::{collections::BTreeMap, sync::Arc};

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_model::{KeyType, Version, version::HybridTime};
use graticule_ops::{Context, Service, dispatch};
use graticule_tables::{
    Region, Table,
    schema::{
        Billing, CapacityHistory, IndexDefinition, KeyAttribute, KeySchema, Membership, Projection, Register,
        ReplicaRecord, Settings, TABLE_FORMAT, TableStatus,
    },
};
use serde_json::{Value, json};

/// An answer, or the code and the message of an error.
pub(crate) type Answer = Result<Value, (String, String)>;

/// A Region to call.
pub(crate) struct Server {
    pub(crate) context: Context,
}

impl Server {
    /// An empty Region.
    pub(crate) async fn start() -> Server {
        let name = "eu-west-1".parse().expect("the name of a Region");
        let engine = Arc::new(MemoryEngine::new());
        let region = Region::open(name, engine, Env::real()).await.expect("an empty engine can be opened");
        Server { context: Context { region, endpoint: "localhost:8000".into() } }
    }

    /// A Region with these tables.
    pub(crate) async fn with(tables: impl IntoIterator<Item = TableSpec>) -> Server {
        let server = Server::start().await;
        for table in tables {
            server.context.region.create_table(table.0).await.expect("the table is new");
        }
        server
    }

    /// Calls an operation of DynamoDB; an error is given as the body of its answer.
    pub(crate) async fn call_raw(&self, operation: &str, body: &str) -> Result<Value, Value> {
        match dispatch(&self.context, Service::DynamoDb, operation, body.as_bytes()).await {
            Ok(answer) => Ok(serde_json::from_slice(&answer).expect("answers are JSON")),
            Err(error) => Err(error.to_json()),
        }
    }

    /// Calls an operation of DynamoDB.
    pub(crate) async fn call(&self, operation: &str, request: &Value) -> Answer {
        self.call_raw(operation, &request.to_string()).await.map_err(|body| {
            let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
            let code = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
            let message = if body["Message"].is_string() { text("Message") } else { text("message") };
            (code, message)
        })
    }

    /// Calls an operation that must succeed.
    pub(crate) async fn ok(&self, operation: &str, request: Value) -> Value {
        match self.call(operation, &request).await {
            Ok(answer) => answer,
            Err(error) => panic!("{operation} {request}\nanswered {error:?}"),
        }
    }

    /// Calls operations one after the other and compares each answer.
    pub(crate) async fn check(&self, rows: Vec<(&str, Value, Expected)>) {
        for (operation, request, expected) in rows {
            let answer = self.call(operation, &request).await;
            let wanted = match expected {
                Expected::Answer(answer) => Ok(answer),
                Expected::Error(code, message) => Err((code.to_owned(), message.to_owned())),
            };
            assert_eq!(answer, wanted, "{operation} {request}");
        }
    }

    /// Calls one operation with requests that must be refused with a ValidationException.
    pub(crate) async fn refuses(&self, operation: &str, rows: Vec<(Value, &str)>) {
        let rows = rows.into_iter().map(|(request, message)| (operation, request, invalid(message)));
        self.check(rows.collect()).await;
    }
}

/// What an operation should answer.
pub(crate) enum Expected {
    Answer(Value),
    Error(&'static str, String),
}

/// This answer.
pub(crate) fn answers(answer: Value) -> Expected {
    Expected::Answer(answer)
}

/// A ValidationException.
pub(crate) fn invalid(message: &str) -> Expected {
    Expected::Error("ValidationException", message.to_owned())
}

/// Any other error.
pub(crate) fn fails(code: &'static str, message: &str) -> Expected {
    Expected::Error(code, message.to_owned())
}

/// A table to be made.
pub(crate) struct TableSpec(Table);

fn attribute(name: &str, kind: KeyType) -> KeyAttribute {
    KeyAttribute { name: name.to_owned(), kind }
}

fn register<T: Clone + PartialEq>(value: T) -> Register<T> {
    Register::new(Version { time: HybridTime::from_unix_ms(1), region: "eu-west-1".into() }, value)
}

impl TableSpec {
    /// A table with a partition key.
    pub(crate) fn new(name: &str, partition: (&str, KeyType)) -> TableSpec {
        TableSpec(Table {
            format: TABLE_FORMAT,
            id: 0,
            uuid: "00000000-0000-4000-8000-000000000000".to_owned(),
            name: name.parse().expect("the name of a table"),
            revision: 0,
            created_ms: 1,
            status: TableStatus::Active,
            key: KeySchema::simple(attribute(partition.0, partition.1), None),
            local_indexes: BTreeMap::new(),
            settings: Settings {
                billing: register(Billing { on_demand: true, ..Billing::default() }),
                indexes: BTreeMap::new(),
                ttl: register(None),
                stream: register(None),
                infrequent_access: register(None),
                members: BTreeMap::new(),
                auto_scaling: BTreeMap::new(),
                overrides: BTreeMap::new(),
                sources: BTreeMap::new(),
            },
            group: None,
            indexes: BTreeMap::new(),
            next_index_id: 1,
            streams: Vec::new(),
            deletion_protection: false,
            tags: BTreeMap::new(),
            on_demand_since_ms: None,
            capacity: CapacityHistory::default(),
            membership: Membership::default(),
            replica: ReplicaRecord::default(),
            detaching: None,
        })
    }

    /// With a sort key.
    pub(crate) fn sort(mut self, name: &str, kind: KeyType) -> TableSpec {
        self.0.key.sort = vec![attribute(name, kind)];
        self
    }

    /// With a local secondary index.
    pub(crate) fn local(mut self, name: &str, sort: (&str, KeyType), projection: Projection) -> TableSpec {
        let partition = self.0.key.partition.clone();
        let key = KeySchema { partition, sort: vec![attribute(sort.0, sort.1)] };
        let definition = IndexDefinition::new(key, projection);
        self.0.local_indexes.insert(name.parse().expect("the name of an index"), definition);
        self.0.reconcile_indexes(true);
        self
    }

    /// With a global secondary index.
    pub(crate) fn global(
        mut self,
        name: &str,
        partition: (&str, KeyType),
        sort: Option<(&str, KeyType)>,
        projection: Projection,
    ) -> TableSpec {
        let sort = sort.map(|(name, kind)| attribute(name, kind));
        let key = KeySchema::simple(attribute(partition.0, partition.1), sort);
        let definition = IndexDefinition::new(key, projection);
        let name = name.parse().expect("the name of an index");
        self.0.settings.indexes.insert(name, register(Some(definition)));
        self.0.reconcile_indexes(true);
        self
    }
}

/// `{"S": text}`
pub(crate) fn s(text: &str) -> Value {
    json!({"S": text})
}

/// `{"N": "number"}`
pub(crate) fn n(number: i64) -> Value {
    json!({"N": number.to_string()})
}
