// Libraries that keep their own things in DynamoDB: sessions of Express, a rate limiter, accounts of Auth.js.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { DynamoDBAdapter } from "@auth/dynamodb-adapter";
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import connect from "connect-dynamodb";
import session from "express-session";
import { RateLimiterDynamo } from "rate-limiter-flexible";
import { client, createTable, keySchema, uniqueName } from "./support.js";

const dynamodb = new DynamoDB({});
const made = [];
after(async () => {
  for (const TableName of made) await dynamodb.deleteTable({ TableName });
  dynamodb.destroy();
});

test("sessions of Express", async () => {
  const Store = connect(session);
  const table = uniqueName("sessions");
  const store = new Store({ table, client: dynamodb, readCapacityUnits: 5, writeCapacityUnits: 5 });
  await store.initialize();
  made.push(table);
  const call = (method, ...parameters) => promisify(store[method].bind(store))(...parameters);
  const value = { cookie: { maxAge: 60_000 }, user: { name: "Ann", roles: ["a", "b"] } };
  await call("set", "one", value);
  assert.deepEqual(await call("get", "one"), value);
  await call("touch", "one", { cookie: { maxAge: 120_000 } });
  assert.equal((await call("get", "one")).user.name, "Ann");
  await call("set", "old", { cookie: { maxAge: -60_000 } });
  assert.equal((await call("get", "old")) ?? null, null);
  await call("destroy", "one");
  assert.equal((await call("get", "one")) ?? null, null);
});

test("a rate limiter", async () => {
  const tableName = uniqueName("limiter");
  const limiter = await new Promise((resolve, reject) => {
    const options = { storeClient: dynamodb, tableName, points: 3, duration: 60 };
    const made = new RateLimiterDynamo(options, (error) => (error ? reject(error) : resolve(made)));
  });
  made.push(tableName);
  const remaining = [];
  for (let round = 0; round < 3; round += 1) remaining.push((await limiter.consume("ann")).remainingPoints);
  assert.deepEqual(remaining, [2, 1, 0]);
  await assert.rejects(
    limiter.consume("ann"),
    (refusal) => refusal.msBeforeNext > 0 && refusal.consumedPoints === 4,
  );
  await limiter.reward("ann", 2);
  assert.equal((await limiter.get("ann")).consumedPoints, 2);
  assert.equal(await limiter.delete("ann"), true);
  assert.equal(await limiter.get("ann"), null);
  const many = await Promise.allSettled(Array.from({ length: 12 }, () => limiter.consume("many")));
  assert.equal(many.filter((one) => one.status === "fulfilled").length, 3);
  await limiter.block("bob", 60);
  await assert.rejects(limiter.consume("bob"), (refusal) => refusal.msBeforeNext > 0);
});

test("accounts of Auth.js", async () => {
  const index = {
    IndexName: "GSI1",
    KeySchema: keySchema("GSI1PK", "GSI1SK"),
    Projection: { ProjectionType: "ALL" },
  };
  const tableName = await createTable("auth", ["pk:S", "sk:S"], {
    attributes: ["GSI1PK:S", "GSI1SK:S"],
    GlobalSecondaryIndexes: [index],
  });
  const marshallOptions = {
    convertEmptyValues: true,
    removeUndefinedValues: true,
    convertClassInstanceToMap: true,
  };
  const adapter = DynamoDBAdapter(DynamoDBDocument.from(client, { marshallOptions }), { tableName });
  const expires = new Date(Date.now() + 3_600_000);
  const user = await adapter.createUser({ email: "ann@example.com", emailVerified: expires, name: "Ann" });
  assert.equal((await adapter.getUserByEmail("ann@example.com")).id, user.id);
  const account = { provider: "github", providerAccountId: "1" };
  await adapter.linkAccount({ ...account, userId: user.id, type: "oauth" });
  assert.equal((await adapter.getUserByAccount(account)).id, user.id);
  await adapter.createSession({ sessionToken: "token", userId: user.id, expires });
  const found = await adapter.getSessionAndUser("token");
  assert.deepEqual(
    [found.session.userId, found.user.name, found.user.emailVerified],
    [user.id, "Ann", expires],
  );
  assert.equal((await adapter.updateUser({ id: user.id, name: "Bea" })).name, "Bea");
  await adapter.createVerificationToken({ identifier: "ann", token: "once", expires });
  assert.equal((await adapter.useVerificationToken({ identifier: "ann", token: "once" })).token, "once");
  assert.equal(await adapter.useVerificationToken({ identifier: "ann", token: "once" }), null);
  await adapter.deleteSession("token");
  assert.equal(await adapter.getSessionAndUser("token"), null);
  await adapter.unlinkAccount(account);
  await adapter.deleteUser(user.id);
  assert.equal(await adapter.getUser(user.id), null);
});
