// Dynamoose: a model that makes its own table, its queries and scans, updates, conditions, batches, transactions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import dynamoose from "dynamoose";
import { refused, uniqueName } from "./support.js";

const client = new DynamoDB({});
const name = uniqueName("dynamoose");
let Song;

before(async () => {
  dynamoose.aws.ddb.set(client);
  const schema = new dynamoose.Schema(
    {
      artist: { type: String, hashKey: true },
      title: { type: String, rangeKey: true },
      genre: { type: String, index: { name: "byGenre", type: "global", rangeKey: "year" } },
      year: Number,
      length: { type: Number, index: { name: "byLength", type: "local" } },
      live: { type: Boolean, default: false },
      released: Date,
      cover: Buffer,
      tags: { type: Set, schema: [String] },
      ratings: { type: Set, schema: [Number] },
      credits: {
        type: Array,
        schema: [{ type: Object, schema: { who: String, parts: { type: Array, schema: [String] } } }],
      },
      notes: { type: Object, schema: { text: String, stars: Number } },
    },
    { timestamps: true },
  );
  Song = dynamoose.model(name, schema);
  const waitForActive = { enabled: true, check: { timeout: 30_000, frequency: 200 } };
  const table = new dynamoose.Table(name, [Song], {
    initialize: false,
    throughput: "ON_DEMAND",
    waitForActive,
  });
  await table.initialize();
});

after(async () => {
  await client.deleteTable({ TableName: name });
  client.destroy();
});

test("the model made its table", async () => {
  const { Table } = await client.describeTable({ TableName: name });
  assert.deepEqual(
    Table.GlobalSecondaryIndexes.map((index) => index.IndexName),
    ["byGenre"],
  );
  assert.deepEqual(
    Table.LocalSecondaryIndexes.map((index) => index.IndexName),
    ["byLength"],
  );
});

test("create, get, update, delete", async () => {
  const song = {
    artist: "Ella",
    title: "Misty",
    genre: "jazz",
    year: 1960,
    length: 169.5,
    released: new Date(1700000000000),
    cover: Buffer.from([0, 1, 255]),
    tags: new Set(["slow", "piano"]),
    ratings: new Set([4, 5]),
    credits: [{ who: "Paul Smith", parts: ["piano", ""] }],
    notes: { text: "", stars: 5 },
  };
  await Song.create(song);
  await refused(Song.create(song), "ConditionalCheckFailedException");
  const found = await Song.get({ artist: "Ella", title: "Misty" }, { consistent: true });
  for (const [attribute, value] of Object.entries(song)) {
    if (attribute === "cover") assert.deepEqual([...found.cover], [...song.cover]);
    else assert.deepEqual(found[attribute], value, attribute);
  }
  assert.equal(found.live, false);
  assert.equal(await Song.get({ artist: "Ella", title: "None" }), undefined);

  const key = { artist: "Ella", title: "Misty" };
  const updated = await Song.update(key, { $SET: { live: true }, $ADD: { year: 1 }, $REMOVE: ["genre"] });
  assert.deepEqual([updated.live, updated.year, updated.genre], [true, 1961, undefined]);
  const tags = await Song.update(key, {
    $DELETE: { tags: new Set(["slow"]) },
    $ADD: { ratings: new Set([3]) },
  });
  assert.deepEqual([tags.tags, tags.ratings], [new Set(["piano"]), new Set([3, 4, 5])]);
  const condition = new dynamoose.Condition().where("year").gt(2000);
  await refused(Song.update(key, { live: false }, { condition }), "ConditionalCheckFailedException");
  await refused(Song.delete(key, { condition }), "ConditionalCheckFailedException");
  await Song.delete(key, {
    condition: new dynamoose.Condition().where("year").between(1960, 1970).and().where("live").eq(true),
  });
  assert.equal(await Song.get(key), undefined);
});

test("queries, scans and batches", async () => {
  const songs = Array.from({ length: 24 }, (_, place) => ({
    artist: `artist${place % 2}`,
    title: `t${String(place).padStart(2, "0")}`,
    genre: `g${place % 3}`,
    year: 2000 + place,
    length: (place * 5) % 24,
  }));
  assert.deepEqual((await Song.batchPut(songs)).unprocessedItems, []);
  const titles = (found) => found.map((song) => song.title);
  const even = songs.filter((_, place) => place % 2 === 0).map((song) => song.title);
  assert.deepEqual(titles(await Song.query("artist").eq("artist0").exec()), even);
  assert.deepEqual(
    titles(
      await Song.query("artist").eq("artist0").where("title").beginsWith("t1").sort("descending").exec(),
    ),
    ["t18", "t16", "t14", "t12", "t10"],
  );
  const byGenre = await Song.query("genre").eq("g1").where("year").ge(2010).using("byGenre").exec();
  assert.deepEqual(titles(byGenre), ["t10", "t13", "t16", "t19", "t22"]);
  const byLength = await Song.query("artist")
    .eq("artist1")
    .using("byLength")
    .consistent()
    .attributes(["length"])
    .exec();
  assert.deepEqual(
    byLength.map((song) => song.length),
    [...byLength.map((song) => song.length)].sort((a, b) => a - b),
  );
  const counted = await Song.query("artist").eq("artist1").filter("genre").in(["g0", "g2"]).count().exec();
  assert.equal(counted.count, 8);

  const first = await Song.query("artist").eq("artist0").limit(5).exec();
  assert.equal(first.count, 5);
  const rest = await Song.query("artist").eq("artist0").startAt(first.lastKey).exec();
  assert.deepEqual([...titles(first), ...titles(rest)], even);
  assert.equal((await Song.scan().limit(5).all().exec()).length, 24);
  const late = await Song.scan()
    .where("year")
    .gt(2020)
    .and()
    .parenthesis((group) => group.where("genre").eq("g0").or().where("genre").eq("g1"))
    .exec();
  assert.deepEqual(titles(late).sort(), ["t21", "t22"]);
  assert.equal((await Song.scan("genre").not().exists().exec()).length, 0);
  assert.equal((await Song.scan().parallel(3).exec()).length, 24);

  const keys = songs.slice(0, 6).map(({ artist, title }) => ({ artist, title }));
  assert.equal((await Song.batchGet(keys)).length, 6);
  await Song.batchDelete(songs.map(({ artist, title }) => ({ artist, title })));
  assert.equal((await Song.scan().count().exec()).count, 0);
});

test("transactions", async () => {
  const [one, two] = ["one", "two"].map((title) => ({ artist: "t", title }));
  await dynamoose.transaction([
    Song.transaction.create({ ...one, year: 1 }),
    Song.transaction.create({ ...two, year: 2 }),
  ]);
  await refused(
    dynamoose.transaction([
      Song.transaction.update(one, { $ADD: { year: 5 } }),
      Song.transaction.create({ ...two, year: 3 }),
    ]),
    "TransactionCanceledException",
    "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]",
  );
  await dynamoose.transaction([
    Song.transaction.update(one, { $ADD: { year: 5 } }),
    Song.transaction.delete(two),
    Song.transaction.condition(
      { artist: "t", title: "three" },
      new dynamoose.Condition().where("title").not().exists(),
    ),
  ]);
  const found = await dynamoose.transaction([Song.transaction.get(one)]);
  assert.equal(found[0].year, 6);
  assert.equal(await Song.get(two), undefined);
});
