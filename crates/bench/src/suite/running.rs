//! A running server and the tables that it has been given.

use std::{collections::BTreeMap, rc::Rc, time::Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::{
    cases::{Case, TableSpec},
    choose::{Chooser, Keys},
    client::{Client, Context, Expect},
    drive::{self, Subject, Window},
    kinds::{BATCH_WRITE_ITEMS, Kind},
    products::{Mode, Product, Programs},
    results::{Figures, Loaded},
    shapes::Version,
    signer::Signer,
    template::ItemRef,
};
use crate::{
    accounting::{bytes_on_disk, memory_of},
    control::{REGION, call, create_table},
    http::{Connection, exchange_in_time},
    process::ServerProcess,
    requests::PayloadPool,
};

const LOADERS: u64 = 16;

/// A server.
pub(crate) struct Running {
    pub(crate) product: Product,
    pub(crate) mode: Mode,
    pub(crate) process: ServerProcess,
    keys: BTreeMap<&'static str, Keys>,
}

impl Running {
    /// Starts one; `None` if it is not installed.
    pub(crate) async fn start(
        programs: &Programs,
        product: Product,
        mode: Mode,
        extra: &[&str],
    ) -> Result<Option<Self>, String> {
        let Some(launch) = programs.launch(product, mode, extra) else { return Ok(None) };
        let process = ServerProcess::start(launch).await?;
        Ok(Some(Self { product, mode, process, keys: BTreeMap::new() }))
    }

    /// Makes and loads a table if it is not there yet; what the server is like then.
    pub(crate) async fn ensure(
        &mut self,
        table: &TableSpec,
        pool: &Rc<PayloadPool>,
    ) -> Result<Option<Loaded>, String> {
        if self.keys.contains_key(table.name) {
            return Ok(None);
        }
        let keys = Keys::new(table.items);
        if self.product.is_null() {
            self.keys.insert(table.name, keys);
            return Ok(None);
        }
        let endpoint = self.process.endpoint();
        let mut connection = Connection::open(endpoint).await?;
        create_table(&mut connection, endpoint, &table.shape.schema(table.name, table.stream)).await?;
        self.keys.insert(table.name, keys);
        let started = Instant::now();
        self.load(table, pool).await?;
        let seconds = started.elapsed().as_secs_f64();
        let name = self.product.name();
        eprintln!("{name}: {} items in table {} after {seconds:.1} s", table.items, table.name);
        Ok(Some(Loaded {
            server: name.to_owned(),
            items: table.items,
            seconds,
            resident_bytes: memory_of(self.process.pid()).map(|(now, _)| now),
            disk_bytes: (self.mode == Mode::Durable).then(|| bytes_on_disk(self.process.directory())),
        }))
    }

    async fn load(&self, table: &TableSpec, pool: &Rc<PayloadPool>) -> Result<(), String> {
        let endpoint = self.process.endpoint();
        let batch_items = u64::from(BATCH_WRITE_ITEMS);
        let batches = table.items / batch_items;
        let mut loaders = JoinSet::new();
        for loader in 0..LOADERS.min(batches) {
            let mut connection = Connection::open(endpoint).await?;
            let mut template = Kind::BatchWrite.template(endpoint, table.name, &table.shape);
            let (shape, pool, name) = (table.shape.clone(), Rc::clone(pool), table.name);
            loaders.spawn_local(async move {
                let mut signer = Signer::new(REGION);
                for batch in (loader..batches).step_by(LOADERS as usize) {
                    let keys: Vec<u64> = (batch * batch_items..(batch + 1) * batch_items).collect();
                    let item = |key: &u64| ItemRef { version: Version::loaded(*key), index: *key };
                    let items: Vec<ItemRef> = keys.iter().map(item).collect();
                    template.fill(&shape, &items, 1, &pool);
                    template.finish(&mut signer, true, Instant::now());
                    let answer = exchange_in_time(&mut connection, template.bytes()).await?;
                    if answer.status != 200 {
                        return Err(answer.describe());
                    }
                    Kind::BatchWrite.check(answer.body, name, &shape, &keys, 1, &pool)?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(joined) = loaders.join_next().await {
            joined
                .map_err(|error| format!("a loader failed: {error}"))?
                .map_err(|error| format!("could not load table {}: {error}", table.name))?;
        }
        Ok(())
    }

    /// Drops a table.
    pub(crate) async fn drop_table(&mut self, table: &'static str) -> Result<(), String> {
        if self.keys.remove(table).is_none() || self.product.is_null() {
            return Ok(());
        }
        let endpoint = self.process.endpoint();
        let mut connection = Connection::open(endpoint).await?;
        call(&mut connection, endpoint, REGION, "DeleteTable", &json!({"TableName": table})).await.map(drop)
    }

    /// What clients of a workload need.
    pub(crate) fn context(
        &self,
        case: &Case,
        table: &TableSpec,
        pool: &Rc<PayloadPool>,
        sign: bool,
        null_bytes: usize,
    ) -> Context {
        let keys = self.keys.get(table.name).cloned().unwrap_or_else(|| Keys::new(table.items));
        Context {
            endpoint: self.process.endpoint().clone(),
            table: table.name.to_owned(),
            shape: table.shape.clone(),
            mix: case.mix.clone(),
            chooser: Chooser::new(case.distribution, table.items),
            keys,
            pool: Rc::clone(pool),
            sign,
            expect: if self.product.is_null() { Expect::Bytes(null_bytes) } else { Expect::Items },
            clients: case.connections,
        }
    }

    /// One operation, to see whether the server can do it at all; how many bytes its answer has.
    pub(crate) async fn probe(&self, context: &Rc<Context>) -> Result<usize, String> {
        self.tell_answer_bytes(context).await?;
        let mut client = Client::open(context, 0, 0).await?;
        client.operate().await?;
        Ok(client.answer_bytes)
    }

    /// Measures a workload once, as [`drive::measure`] does.
    pub(crate) async fn measure(
        &self,
        context: &Rc<Context>,
        window: Window,
        seed: u64,
        rate: Option<f64>,
    ) -> Result<Figures, String> {
        self.tell_answer_bytes(context).await?;
        let directory = (self.mode == Mode::Durable).then(|| self.process.directory().to_owned());
        let subject = Subject { pid: self.process.pid(), directory };
        drive::measure(context, &subject, window, seed, rate).await
    }

    /// Tells a null server how long its answers are.
    async fn tell_answer_bytes(&self, context: &Context) -> Result<(), String> {
        let Expect::Bytes(bytes) = context.expect else { return Ok(()) };
        let endpoint = self.process.endpoint();
        let text = bytes.to_string();
        let request = format!(
            "POST /answer HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{text}",
            endpoint.authority(),
            text.len()
        );
        let mut connection = Connection::open(endpoint).await?;
        exchange_in_time(&mut connection, request.as_bytes()).await.map(drop)
    }
}
