// ElectroDB: entities and collections in one table, its filters, updates, batches, pages and transactions.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Entity, Service } from "electrodb";
import { client, createTable, keySchema } from "./support.js";

let staff;
let tasks;
let company;

before(async () => {
  const index = (number) => ({
    IndexName: `gsi${number}pk-gsi${number}sk-index`,
    KeySchema: keySchema(`gsi${number}pk`, `gsi${number}sk`),
    Projection: { ProjectionType: "ALL" },
  });
  const table = await createTable("electro", ["pk:S", "sk:S"], {
    attributes: ["gsi1pk:S", "gsi1sk:S", "gsi2pk:S", "gsi2sk:S"],
    GlobalSecondaryIndexes: [index(1), index(2)],
  });
  const configuration = { table, client: DynamoDBDocumentClient.from(client) };
  staff = new Entity(
    {
      model: { entity: "employee", version: "1", service: "company" },
      attributes: {
        employee: { type: "string" },
        office: { type: "string", required: true },
        team: { type: "string", required: true },
        salary: { type: "number", default: 0 },
        started: { type: "string" },
        skills: { type: "set", items: "string" },
        address: {
          type: "map",
          properties: { street: { type: "string" }, floors: { type: "list", items: { type: "number" } } },
        },
        anything: { type: "any" },
        updatedAt: { type: "number", watch: "*", set: () => 1234567890 },
      },
      indexes: {
        record: { pk: { field: "pk", composite: ["employee"] }, sk: { field: "sk", composite: [] } },
        coworkers: {
          collection: "workplace",
          index: "gsi1pk-gsi1sk-index",
          pk: { field: "gsi1pk", composite: ["office"] },
          sk: { field: "gsi1sk", composite: ["team", "employee"] },
        },
        assigned: {
          collection: "assignments",
          index: "gsi2pk-gsi2sk-index",
          pk: { field: "gsi2pk", composite: ["employee"] },
          sk: { field: "gsi2sk", composite: [] },
        },
      },
    },
    configuration,
  );
  tasks = new Entity(
    {
      model: { entity: "task", version: "1", service: "company" },
      attributes: {
        task: { type: "string" },
        employee: { type: "string", required: true },
        office: { type: "string", required: true },
        points: { type: "number" },
        status: { type: ["open", "done"], default: "open" },
      },
      indexes: {
        record: { pk: { field: "pk", composite: ["task"] }, sk: { field: "sk", composite: ["employee"] } },
        workplace: {
          collection: "workplace",
          index: "gsi1pk-gsi1sk-index",
          pk: { field: "gsi1pk", composite: ["office"] },
          sk: { field: "gsi1sk", composite: ["employee", "task"] },
        },
        assigned: {
          collection: "assignments",
          index: "gsi2pk-gsi2sk-index",
          pk: { field: "gsi2pk", composite: ["employee"] },
          sk: { field: "gsi2sk", composite: ["status", "points"] },
        },
      },
    },
    configuration,
  );
  company = new Service({ staff, tasks });
});

test("create, get, update, delete", async () => {
  const ada = {
    employee: "ada",
    office: "paris",
    team: "core",
    salary: 10,
    skills: ["c", "rust"],
    address: { street: "Rue du Bac", floors: [1, 2] },
    anything: { deep: [1, null, { x: "" }] },
  };
  const created = await staff.create(ada).go();
  assert.equal(created.data.employee, "ada");
  await assert.rejects(
    staff.create(ada).go(),
    (error) => error.code === 4001 && /conditional request failed/.test(error.message),
  );
  const { data } = await staff.get({ employee: "ada" }).go({ consistent: true });
  assert.deepEqual({ ...data, skills: [...data.skills].sort() }, { ...ada, updatedAt: 1234567890 });
  const updated = await staff
    .patch({ employee: "ada" })
    .set({ team: "edge" })
    .add({ salary: 5, skills: ["go"] })
    .remove(["anything"])
    .go({ response: "all_new" });
  assert.equal(updated.data.salary, 15);
  assert.equal(updated.data.team, "edge");
  assert.ok([...updated.data.skills].includes("go"));
  const nested = await staff
    .patch({ employee: "ada" })
    .data((attributes, { append, set, subtract }) => {
      append(attributes.address.floors, [3]);
      set(attributes.address.street, "Quai");
      subtract(attributes.salary, 1);
    })
    .where((attributes, { gt }) => gt(attributes.salary, 14))
    .go({ response: "updated_new" });
  assert.deepEqual(nested.data.address, { street: "Quai", floors: [1, 2, 3] });
  await assert.rejects(
    staff.patch({ employee: "nobody" }).set({ salary: 1 }).go(),
    /conditional request failed/,
  );
  const upserted = await staff
    .upsert({ employee: "eve", office: "oslo", team: "core", salary: 3 })
    .go({ response: "all_new" });
  assert.equal(upserted.data.salary, 3);
  const removed = await staff
    .delete({ employee: "ada" })
    .where(({ office }, { eq }) => eq(office, "paris"))
    .go({ response: "all_old" });
  assert.equal(removed.data.team, "edge");
  assert.equal((await staff.get({ employee: "ada" }).go()).data, null);
  await staff.remove({ employee: "eve" }).go();
});

test("queries, collections, pages and filters", async () => {
  const people = Array.from({ length: 30 }, (_, number) => ({
    employee: `e${String(number).padStart(2, "0")}`,
    office: number % 2 ? "rome" : "bern",
    team: `t${number % 3}`,
    salary: number,
  }));
  const work = people
    .slice(0, 6)
    .flatMap(({ employee, office }) =>
      [1, 2].map((points) => ({
        task: `${employee}-${points}`,
        employee,
        office,
        points,
        status: points === 1 ? "open" : "done",
      })),
    );
  assert.deepEqual((await staff.put(people).go()).unprocessed, []);
  assert.deepEqual((await tasks.put(work).go()).unprocessed, []);

  const names = ({ data }) => data.map((one) => one.employee).sort();
  const rome = people.filter((one) => one.office === "rome").map((one) => one.employee);
  assert.deepEqual(
    names(await staff.query.coworkers({ office: "rome" }).go({ pages: "all", limit: 4 })),
    rome,
  );
  const team = await staff.query.coworkers({ office: "rome", team: "t1" }).go();
  assert.deepEqual(
    names(team),
    people.filter((one) => one.office === "rome" && one.team === "t1").map((one) => one.employee),
  );
  const between = await staff.query
    .coworkers({ office: "bern" })
    .between({ team: "t0" }, { team: "t1", employee: "e99" })
    .go();
  assert.ok(between.data.every((one) => one.team !== "t2") && between.data.length === 10);
  const filtered = await staff.query
    .coworkers({ office: "bern" })
    .where(
      ({ salary, team: of }, { between: within, notContains }) =>
        `${within(salary, 4, 20)} AND ${notContains(of, "2")}`,
    )
    .go();
  assert.ok(
    filtered.data.length === 6 &&
      filtered.data.every((one) => one.salary >= 4 && one.salary <= 20 && one.team !== "t2"),
  );

  const { data } = await company.collections.workplace({ office: "bern" }).go({ pages: "all" });
  assert.equal(data.staff.length, 15);
  assert.deepEqual(
    data.tasks.map((one) => one.task).sort(),
    work
      .filter((one) => one.office === "bern")
      .map((one) => one.task)
      .sort(),
  );
  const assigned = (await company.collections.assignments({ employee: "e03" }).go()).data;
  assert.deepEqual([assigned.staff.length, assigned.tasks.length], [1, 2]);
  assert.equal(
    (
      await tasks.query
        .assigned({ employee: "e03", status: "done" })
        .between({ points: 2 }, { points: 9 })
        .go()
    ).data.length,
    1,
  );

  const seen = [];
  let cursor = null;
  do {
    const page = await staff.query.coworkers({ office: "rome" }).go({ cursor, limit: 4 });
    seen.push(...names(page));
    ({ cursor } = page);
  } while (cursor);
  assert.deepEqual(seen.sort(), rome);
  const scanned = await staff.scan.where(({ salary }, { gte }) => gte(salary, 25)).go({ pages: "all" });
  assert.deepEqual(
    names(scanned),
    people.slice(25).map((one) => one.employee),
  );

  const read = await staff
    .get(people.slice(0, 28).map(({ employee }) => ({ employee })))
    .go({ concurrency: 2 });
  assert.deepEqual([read.data.length, read.unprocessed.length], [28, 0]);
  const kept = await staff.get([{ employee: "e01" }, { employee: "none" }]).go({ preserveBatchOrder: true });
  assert.deepEqual(
    kept.data.map((one) => one && one.employee),
    ["e01", null],
  );
  await staff.delete(people.map(({ employee }) => ({ employee }))).go();
  assert.equal((await staff.query.coworkers({ office: "rome" }).go()).data.length, 0);
});

test("transactions", async () => {
  await staff.create({ employee: "sam", office: "kyiv", team: "a", salary: 100 }).go();
  const done = await company.transaction
    .write(({ staff: people, tasks: work }) => [
      people
        .patch({ employee: "sam" })
        .subtract({ salary: 40 })
        .where(({ salary }, { gte }) => gte(salary, 40))
        .commit(),
      work.create({ task: "pay", employee: "sam", office: "kyiv", points: 1 }).commit(),
      people
        .check({ employee: "ghost" })
        .where(({ employee }, { notExists }) => notExists(employee))
        .commit(),
    ])
    .go();
  assert.equal(done.canceled, false);
  const cancelled = await company.transaction
    .write(({ staff: people, tasks: work }) => [
      work.delete({ task: "pay", employee: "sam" }).commit(),
      people
        .patch({ employee: "sam" })
        .subtract({ salary: 400 })
        .where(({ salary }, { gte }) => gte(salary, 400))
        .commit({ response: "all_old" }),
    ])
    .go();
  assert.equal(cancelled.canceled, true);
  assert.deepEqual(
    cancelled.data.map(({ rejected, code }) => [rejected, code]),
    [
      [false, "None"],
      [true, "ConditionalCheckFailed"],
    ],
  );
  assert.equal(cancelled.data[1].item.salary, 60);
  const read = await company.transaction
    .get(({ staff: people, tasks: work }) => [
      people.get({ employee: "sam" }).commit(),
      work.get({ task: "pay", employee: "sam" }).commit(),
      people.get({ employee: "ghost" }).commit(),
    ])
    .go();
  assert.deepEqual(
    read.data.map(({ item }) => item?.salary ?? item?.points ?? null),
    [60, 1, null],
  );
});
