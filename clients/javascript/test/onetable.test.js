// DynamoDB OneTable: several models in one table, found by its index, paged, in batches and transactions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Model, Table } from "dynamodb-onetable";
import { uniqueName } from "./support.js";

const client = new DynamoDBClient({});
const schema = {
  format: "onetable:1.1.0",
  version: "0.0.1",
  indexes: {
    primary: { hash: "pk", sort: "sk" },
    gs1: { hash: "gs1pk", sort: "gs1sk", project: ["pk", "sk", "email"] },
    ls1: { sort: "ls1sk", type: "local" },
  },
  models: {
    Account: {
      pk: { type: String, value: "account:${name}" },
      sk: { type: String, value: "account:" },
      name: { type: String, required: true },
      balance: { type: Number, default: 0 },
      opened: { type: Date },
    },
    User: {
      pk: { type: String, value: "account:${account}" },
      sk: { type: String, value: "user:${email}" },
      account: { type: String, required: true },
      email: { type: String, required: true, unique: true },
      role: { type: String, enum: ["admin", "user"], default: "user" },
      age: { type: Number },
      data: { type: Buffer },
      tags: { type: Set },
      address: { type: Object, schema: { street: { type: String }, zip: { type: Number } } },
      list: { type: Array },
      gs1pk: { type: String, value: "role:${role}" },
      gs1sk: { type: String, value: "user:${email}" },
      ls1sk: { type: String, value: "age:${age:3:0}" },
    },
  },
  params: { isoDates: true, timestamps: true },
};
let table;
let Account;
let User;

before(async () => {
  table = new Table({ client, name: uniqueName("onetable"), schema, partial: true, logger: () => {} });
  await table.createTable();
  assert.equal(await table.exists(), true);
  [Account, User] = [table.getModel("Account"), table.getModel("User")];
  assert.ok(User instanceof Model);
});

after(async () => {
  await table.deleteTable("DeleteTableForever");
  client.destroy();
});

test("create, get, update, remove", async () => {
  const user = {
    account: "acme",
    email: "ann@example.com",
    age: 30,
    data: Buffer.from([1, 255]),
    tags: new Set(["a", "b"]),
    address: { street: "Main", zip: 12345 },
    list: [1, "two", { three: null }],
  };
  await User.create(user);
  const found = await User.get({ account: "acme", email: user.email }, { consistent: true });
  for (const name of ["age", "tags", "address", "list"]) assert.deepEqual(found[name], user[name], name);
  assert.deepEqual([...found.data], [1, 255]);
  assert.equal(found.role, "user");
  // A second item holds what must be unique; both are written in one transaction.
  await assert.rejects(User.create(user), /unique/i);
  const updated = await User.update(
    { account: "acme", email: user.email, role: "admin", address: { zip: 1 } },
    { add: { age: 1 }, set: { "list[0]": 9 }, remove: ["data"], return: "get" },
  );
  assert.deepEqual([updated.age, updated.role, updated.list[0], updated.data], [31, "admin", 9, undefined]);
  assert.deepEqual(updated.address, { street: "Main", zip: 1 });
  // With an attribute that must be unique this is a transaction, whose failure the library always takes for that.
  await assert.rejects(
    User.update({ account: "acme", email: user.email, age: 99 }, { where: "${age} < {10}" }),
    /unique/,
  );
  await User.remove({ account: "acme", email: user.email });
  assert.equal(await User.get({ account: "acme", email: user.email }), undefined);
  await User.create(user);
  await User.remove({ account: "acme", email: user.email });
});

test("find, pages, indexes, batches", async () => {
  await Account.create({ name: "big", opened: new Date(1700000000000) });
  const batch = {};
  const emails = Array.from({ length: 15 }, (_, place) => `u${String(place).padStart(2, "0")}@example.com`);
  for (const [place, email] of emails.entries()) {
    await User.create({ account: "big", email, age: (place * 7) % 15, role: place % 5 ? "user" : "admin" });
  }
  await Account.create({ name: "batched" }, { batch });
  await table.batchWrite(batch);
  const all = await User.find({ account: "big" });
  assert.deepEqual(
    all.map((user) => user.email),
    emails,
  );
  const some = await User.find({ account: "big", sk: { begins: "user:u0" } }, { reverse: true });
  assert.deepEqual(
    some.map((user) => user.email),
    emails.slice(0, 10).reverse(),
  );
  const seen = [];
  let next;
  do {
    const page = await User.find({ account: "big" }, { limit: 4, next });
    seen.push(...page.map((user) => user.email));
    ({ next } = page);
  } while (next);
  assert.deepEqual(seen, emails);
  const admins = await User.find({ role: "admin" }, { index: "gs1", follow: true });
  assert.deepEqual(
    admins.map((user) => user.age),
    [0, 5, 10],
  );
  const young = await User.find({ account: "big", ls1sk: { "<": "age:005" } }, { index: "ls1" });
  assert.deepEqual(
    young.map((user) => user.age),
    [0, 1, 2, 3, 4],
  );
  const filtered = await User.scan({}, { where: "${age} > {10} and ${role} = {user}" });
  assert.ok(filtered.length === 4 && filtered.every((user) => user.age > 10));
  const { count } = await User.find({ account: "big" }, { count: true });
  assert.equal(count, 15);
  const read = {};
  await User.get({ account: "big", email: emails[3] }, { batch: read });
  await Account.get({ name: "big" }, { batch: read });
  const found = await table.batchGet(read, { parse: true, hidden: false });
  assert.equal(found.length, 2);
});

test("transactions", async () => {
  const transaction = {};
  await Account.create({ name: "one", balance: 10 }, { transaction });
  await Account.create({ name: "two" }, { transaction });
  await table.transact("write", transaction);
  const move = {};
  await Account.update(
    { name: "one" },
    { add: { balance: -50 }, where: "${balance} >= {50}", transaction: move },
  );
  await Account.update({ name: "two" }, { add: { balance: 50 }, transaction: move });
  await assert.rejects(table.transact("write", move), /[Tt]ransaction|[Cc]onditional/);
  const read = {};
  await Account.get({ name: "one" }, { transaction: read });
  await Account.get({ name: "two" }, { transaction: read });
  const found = await table.transact("get", read, { parse: true, hidden: false });
  assert.deepEqual(
    found.map((account) => account.balance),
    [10, 0],
  );
});
