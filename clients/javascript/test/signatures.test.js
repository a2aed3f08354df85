// Who is answered: the suites' server knows one access key and its secret.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DynamoDBClient, ListTablesCommand, PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { client, createTable, refused } from "./support.js";

const [accessKeyId, secretAccessKey] = [process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY];

async function withKeys(credentials, use) {
  const other = new DynamoDBClient({ credentials });
  try {
    await use(other);
  } finally {
    other.destroy();
  }
}

test("the right secret is answered and a wrong one is not", async () => {
  const TableName = await createTable("signed", ["pk:S"]);
  await withKeys({ accessKeyId, secretAccessKey }, async (right) => {
    assert.ok((await right.send(new ListTablesCommand({}))).TableNames.includes(TableName));
  });
  await withKeys({ accessKeyId, secretAccessKey: "wrong" }, async (wrong) => {
    const put = new PutItemCommand({ TableName, Item: { pk: { S: "a" } } });
    const { message } = await refused(wrong.send(put), "InvalidSignatureException");
    assert.match(message, /does not match the signature you provided/);
  });
  assert.equal((await client.send(new ScanCommand({ TableName, Select: "COUNT" }))).Count, 0);
});

test("nobody else is known", async () => {
  await withKeys({ accessKeyId: "somebody", secretAccessKey }, (other) =>
    refused(other.send(new ListTablesCommand({})), "UnrecognizedClientException"),
  );
  await withKeys({ accessKeyId, secretAccessKey, sessionToken: "token" }, (other) =>
    refused(other.send(new ListTablesCommand({})), "UnrecognizedClientException"),
  );
});
