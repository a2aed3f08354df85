// DynamoDB Toolbox: a table, entities with schemas, its expressions, queries, batches and transactions.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import {
  $add,
  $append,
  $delete,
  $get,
  $remove,
  $subtract,
  $sum,
  BatchDeleteRequest,
  BatchGetCommand,
  BatchGetRequest,
  BatchPutRequest,
  BatchWriteCommand,
  binary,
  boolean,
  ConditionCheck,
  DeleteItemCommand,
  DeletePartitionCommand,
  DeleteTransaction,
  Entity,
  executeBatchGet,
  executeBatchWrite,
  executeTransactGet,
  executeTransactWrite,
  GetItemCommand,
  GetTransaction,
  item,
  list,
  map,
  nul,
  number,
  prefix,
  PutItemCommand,
  PutTransaction,
  QueryCommand,
  record,
  ScanCommand,
  set,
  string,
  Table,
  UpdateAttributesCommand,
  UpdateItemCommand,
  UpdateTransaction,
} from "dynamodb-toolbox";
import { client, createTable, keySchema, refused } from "./support.js";

let table;
let Pokemon;
let Trainer;

before(async () => {
  const name = await createTable("toolbox", ["pk:S", "sk:S"], {
    attributes: ["kind:S", "level:N"],
    GlobalSecondaryIndexes: [
      { IndexName: "by-kind", KeySchema: keySchema("kind", "level"), Projection: { ProjectionType: "ALL" } },
    ],
    LocalSecondaryIndexes: [
      { IndexName: "by-level", KeySchema: keySchema("pk", "level"), Projection: { ProjectionType: "ALL" } },
    ],
  });
  table = new Table({
    documentClient: DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
    name,
    partitionKey: { name: "pk", type: "string" },
    sortKey: { name: "sk", type: "string" },
    indexes: {
      "by-kind": {
        type: "global",
        partitionKey: { name: "kind", type: "string" },
        sortKey: { name: "level", type: "number" },
      },
      "by-level": { type: "local", sortKey: { name: "level", type: "number" } },
    },
  });
  Pokemon = new Entity({
    name: "Pokemon",
    table,
    schema: item({
      trainer: string().key().savedAs("pk").transform(prefix("TRAINER")),
      name: string().key().savedAs("sk"),
      kind: string().enum("fire", "water", "grass").optional(),
      level: number().default(1),
      shiny: boolean().optional(),
      picture: binary().optional(),
      nothing: nul().optional(),
      moves: list(string()).optional(),
      badges: set(string()).optional(),
      scores: set(number()).optional(),
      stats: map({
        attack: number().optional(),
        deep: map({ note: string().optional() }).optional(),
      }).optional(),
      free: record(string(), number()).optional(),
    }),
  });
  Trainer = new Entity({
    name: "Trainer",
    table,
    schema: item({ pk: string().key(), sk: string().key(), badges: number().default(0) }),
  });
});

const key = { trainer: "ash", name: "pika" };
const put = (value, options = {}) => Pokemon.build(PutItemCommand).item(value).options(options).send();
const get = (of, options = {}) =>
  Pokemon.build(GetItemCommand)
    .key(of)
    .options({ consistent: true, ...options })
    .send();

test("every attribute comes back as it went", async () => {
  const whole = {
    ...key,
    kind: "fire",
    level: 5,
    shiny: true,
    picture: new Uint8Array([0, 255]),
    nothing: null,
    moves: ["tackle", ""],
    badges: new Set(["a", "b"]),
    scores: new Set([1, 2.5]),
    stats: { attack: 3, deep: { note: "x" } },
    free: { a: 1, "b.c": 2 },
  };
  await put(whole, { condition: { attr: "name", exists: false } });
  const { Item } = await get(key);
  for (const [name, value] of Object.entries(whole)) assert.deepEqual(Item[name], value, name);
  // The library looks at the clock for each of the two.
  assert.ok(Math.abs(Date.parse(Item.modified) - Date.parse(Item.created)) < 1000);
  const projected = await get(key, { attributes: ["level", "stats.deep.note", "moves[0]"] });
  assert.deepEqual(projected.Item, { level: 5, stats: { deep: { note: "x" } }, moves: ["tackle"] });
  await refused(
    put(whole, { condition: { attr: "name", exists: false } }),
    "ConditionalCheckFailedException",
  );
  const replaced = await put({ ...key, level: 9 }, { returnValues: "ALL_OLD" });
  assert.equal(replaced.Attributes.level, 5);
  assert.equal((await get({ trainer: "ash", name: "none" })).Item, undefined);
});

test("updates", async () => {
  await put({
    ...key,
    level: 10,
    moves: ["a"],
    badges: new Set(["x", "y"]),
    stats: { attack: 1, deep: { note: "n" } },
  });
  const update = (value, options = {}) =>
    Pokemon.build(UpdateItemCommand)
      .item({ ...key, ...value })
      .options({ returnValues: "ALL_NEW", ...options })
      .send();
  const { Attributes } = await update({
    level: $add(5),
    moves: $append(["b"]),
    badges: $delete(new Set(["x"])),
    stats: { attack: $sum($get("stats.attack", 0), 7), deep: { note: $remove() } },
    kind: "water",
  });
  assert.equal(Attributes.level, 15);
  assert.deepEqual(Attributes.moves, ["a", "b"]);
  assert.deepEqual(Attributes.badges, new Set(["y"]));
  assert.deepEqual(Attributes.stats, { attack: 8, deep: {} });
  await update(
    { stats: { attack: $subtract($get("stats.attack"), 3) }, moves: { 0: "first" } },
    { condition: { attr: "level", gte: 15 } },
  );
  const found = (await get(key)).Item;
  assert.deepEqual([found.stats.attack, found.moves], [5, ["first", "b"]]);
  await refused(
    update(
      { level: 0 },
      {
        condition: {
          or: [
            { attr: "level", lt: 10 },
            { attr: "kind", eq: "fire" },
          ],
        },
      },
    ),
    "ConditionalCheckFailedException",
  );
  await Pokemon.build(UpdateAttributesCommand)
    .item({ ...key, stats: { attack: 99 } })
    .send();
  assert.deepEqual((await get(key)).Item.stats, { attack: 99 });
  const conditions = [
    { attr: "level", between: [10, 20] },
    { attr: "kind", in: ["grass", "water"] },
    { attr: "moves", contains: "b" },
    { size: "moves", eq: 2 },
    { attr: "name", beginsWith: "pi" },
    { attr: "level", type: "N" },
    { not: { attr: "shiny", exists: true } },
    {
      and: [
        { attr: "stats.attack", gt: 98 },
        { attr: "kind", ne: "fire" },
      ],
    },
  ];
  for (const condition of conditions) await update({ shiny: $remove() }, { condition });
});

test("queries and scans", async () => {
  const kinds = ["fire", "water", "grass"];
  const many = Array.from({ length: 30 }, (_, level) => ({
    trainer: "misty",
    name: `n${String(level).padStart(2, "0")}`,
    level,
    kind: kinds[level % 3],
  }));
  for (let start = 0; start < many.length; start += 25) {
    const requests = many.slice(start, start + 25).map((one) => Pokemon.build(BatchPutRequest).item(one));
    await executeBatchWrite({ maxAttempts: 3 }, table.build(BatchWriteCommand).requests(...requests));
  }
  await Trainer.build(PutItemCommand).item({ pk: "TRAINER#misty", sk: "~self", badges: 8 }).send();

  const levels = ({ Items }) => Items.map((one) => one.level);
  const query = (definition, options = {}) =>
    table.build(QueryCommand).query(definition).entities(Pokemon).options(options).send();
  const all = await query(
    { partition: "TRAINER#misty", range: { beginsWith: "n" } },
    { maxPages: Infinity, limit: 7 },
  );
  assert.deepEqual(
    levels(all),
    many.map((one) => one.level),
  );
  const down = await query(
    { index: "by-kind", partition: "water", range: { between: [5, 20] } },
    { reverse: true },
  );
  assert.deepEqual(
    down.Items.filter((one) => one.trainer === "misty").map((one) => one.level),
    [19, 16, 13, 10, 7],
  );
  assert.ok(down.Items.every((one) => one.kind === "water"));
  const local = await query(
    { index: "by-level", partition: "TRAINER#misty", range: { gte: 27 } },
    { consistent: true },
  );
  assert.deepEqual(levels(local), [27, 28, 29]);
  const filtered = await query(
    { partition: "TRAINER#misty" },
    { filters: { Pokemon: { attr: "level", lt: 3 } }, entityAttrFilter: true },
  );
  assert.deepEqual(levels(filtered), [0, 1, 2]);
  const counted = await query({ partition: "TRAINER#misty" }, { select: "COUNT", entityAttrFilter: false });
  assert.equal(counted.Count, 31);

  const scanned = await table
    .build(ScanCommand)
    .entities(Trainer, Pokemon)
    .options({ maxPages: Infinity, limit: 8 })
    .send();
  assert.equal(scanned.Items.filter((one) => one.badges === 8).length, 1);

  const wanted = many
    .slice(0, 5)
    .map(({ trainer, name }) => Pokemon.build(BatchGetRequest).key({ trainer, name }));
  const read = await executeBatchGet(
    { consistent: true, maxAttempts: 3 },
    table.build(BatchGetCommand).requests(...wanted),
  );
  assert.deepEqual(
    read.Responses[0].map((one) => one.level),
    [0, 1, 2, 3, 4],
  );
  const gone = many
    .slice(0, 5)
    .map(({ trainer, name }) => Pokemon.build(BatchDeleteRequest).key({ trainer, name }));
  await executeBatchWrite(table.build(BatchWriteCommand).requests(...gone));
  await table.build(DeletePartitionCommand).entities(Pokemon).query({ partition: "TRAINER#misty" }).send();
  assert.deepEqual(levels(await query({ partition: "TRAINER#misty" }, { entityAttrFilter: true })), []);
});

test("transactions", async () => {
  const [ann, bob] = ["ann", "bob"].map((name) => ({ trainer: "bank", name }));
  await put({ ...ann, level: 100 });
  await put({ ...bob, level: 1 });
  await executeTransactWrite(
    Pokemon.build(UpdateTransaction)
      .item({ ...ann, level: $add(-30) })
      .options({ condition: { attr: "level", gte: 30 } }),
    Pokemon.build(UpdateTransaction).item({ ...bob, level: $add(30) }),
    Pokemon.build(PutTransaction).item({ trainer: "bank", name: "eve", level: 7 }),
    Pokemon.build(ConditionCheck)
      .key({ trainer: "bank", name: "zed" })
      .condition({ attr: "name", exists: false }),
  );
  const read = await executeTransactGet(
    Pokemon.build(GetTransaction).key(ann),
    Pokemon.build(GetTransaction).key(bob),
    Pokemon.build(GetTransaction).key({ trainer: "bank", name: "zed" }),
  );
  assert.deepEqual(
    read.Responses.map(({ Item }) => Item?.level),
    [70, 31, undefined],
  );
  const cancelled = await refused(
    executeTransactWrite(
      Pokemon.build(DeleteTransaction).key(bob),
      Pokemon.build(UpdateTransaction)
        .item({ ...ann, level: $add(-300) })
        .options({ condition: { attr: "level", gte: 300 } }),
    ),
    "TransactionCanceledException",
  );
  assert.deepEqual(
    cancelled.CancellationReasons.map(({ Code }) => Code),
    ["None", "ConditionalCheckFailed"],
  );
  const removed = await Pokemon.build(DeleteItemCommand).key(bob).options({ returnValues: "ALL_OLD" }).send();
  assert.equal(removed.Attributes.level, 31);
});
