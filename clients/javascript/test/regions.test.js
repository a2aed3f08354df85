// Two clients of one endpoint with different Regions, and a global table between them.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { client, createTable, eventually, refused } from "./support.js";

const far = new DynamoDBClient({ region: "ap-northeast-1" });
after(() => far.destroy());
const [here, there] = [DynamoDBDocument.from(client), DynamoDBDocument.from(far)];
const wait = { maxWaitTime: 30, minDelay: 1 };

test("a global table: written in one Region, read in the other", async () => {
  const TableName = await createTable("global", ["pk:S"]);
  await refused(far.send(new DescribeTableCommand({ TableName })), ResourceNotFoundException);
  for (let number = 0; number < 20; number += 1) await here.put({ TableName, Item: { pk: `old${number}` } });
  await client.send(
    new UpdateTableCommand({ TableName, ReplicaUpdates: [{ Create: { RegionName: "ap-northeast-1" } }] }),
  );
  const replicas = async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    return (Table.Replicas ?? []).map((replica) => [replica.RegionName, replica.ReplicaStatus]);
  };
  await eventually(replicas, [["ap-northeast-1", "ACTIVE"]]);
  await waitUntilTableExists({ client: far, ...wait }, { TableName });
  assert.equal((await there.scan({ TableName, Select: "COUNT", ConsistentRead: true })).Count, 20);

  for (const [name, one, other] of [
    ["here", here, there],
    ["there", there, here],
  ]) {
    const Item = { pk: name, set: new Set(["a"]), deep: { list: [1, null, new Uint8Array([7])] } };
    await one.put({ TableName, Item });
    await eventually(async () => (await other.get({ TableName, Key: { pk: name } })).Item, Item);
    await other.update({
      TableName,
      Key: { pk: name },
      UpdateExpression: "SET n = :n",
      ExpressionAttributeValues: { ":n": 1 },
    });
    await eventually(async () => (await one.get({ TableName, Key: { pk: name } })).Item, { ...Item, n: 1 });
    await one.delete({ TableName, Key: { pk: name } });
    await eventually(async () => (await other.get({ TableName, Key: { pk: name } })).Item, undefined);
  }
  await client.send(
    new UpdateTableCommand({ TableName, ReplicaUpdates: [{ Delete: { RegionName: "ap-northeast-1" } }] }),
  );
  await eventually(replicas, []);
  await waitUntilTableNotExists({ client: far, ...wait }, { TableName });
});
