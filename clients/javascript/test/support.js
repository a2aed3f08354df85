// What the tests share: clients made as an application makes them (all settings from the environment), and tables
// with names of their own that are dropped afterwards.

import assert from "node:assert/strict";
import { after } from "node:test";
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";

export const client = new DynamoDBClient({});
const tables = [];
after(async () => {
  for (const TableName of tables) await client.send(new DeleteTableCommand({ TableName }));
  client.destroy();
});

let made = 0;

/** A table name that no other test has. */
export function uniqueName(prefix) {
  made += 1;
  return `js-${prefix}-${process.pid}-${made}`;
}

/** Creates an on-demand table from keys such as "pk:S", waits for it, drops it at the end; returns its name. */
export async function createTable(prefix, keys, { attributes = [], ...settings } = {}) {
  const name = uniqueName(prefix);
  const pairs = (list) => list.map((one) => one.split(":"));
  await client.send(
    new CreateTableCommand({
      TableName: name,
      AttributeDefinitions: pairs([...keys, ...attributes]).map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      KeySchema: keySchema(...pairs(keys).map(([key]) => key)),
      BillingMode: "PAY_PER_REQUEST",
      ...settings,
    }),
  );
  tables.push(name);
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: name });
  return name;
}

/** KeySchema of a partition key and perhaps a sort key. */
export function keySchema(...names) {
  return names.map((AttributeName, place) => ({ AttributeName, KeyType: place === 0 ? "HASH" : "RANGE" }));
}

/** The promise must end in this kind of error; returns it. */
export async function refused(promise, type, message) {
  let caught;
  await assert.rejects(promise, (error) => {
    caught = error;
    if (typeof type === "string") assert.equal(error.name, type, `${error.name}: ${error.message}`);
    else assert.ok(error instanceof type, `${error.name}: ${error.message}`);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  });
  return caught;
}

/** Every page of a paginator, gathered by `pick`. */
export async function gather(pages, pick) {
  const found = [];
  for await (const page of pages) found.push(...pick(page));
  return found;
}

/** Repeats `attempt` until it deeply equals `wanted`. */
export async function eventually(attempt, wanted, timeoutMs = 20_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await attempt();
    try {
      assert.deepEqual(found, wanted);
      return;
    } catch (difference) {
      if (Date.now() >= deadline) throw difference;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
