// PartiQL through both clients.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchExecuteStatementCommand,
  ConditionalCheckFailedException,
  DuplicateItemException,
  ExecuteStatementCommand,
  ExecuteTransactionCommand,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { client, createTable, refused } from "./support.js";

const documents = DynamoDBDocument.from(client);

test("statements, pages, batches and transactions", async () => {
  const table = await createTable("partiql", ["pk:S", "sk:N"]);
  const execute = (Statement, ...Parameters) =>
    client.send(new ExecuteStatementCommand({ Statement, ...(Parameters.length ? { Parameters } : {}) }));
  const insert = `INSERT INTO "${table}" VALUE {'pk': ?, 'sk': ?, 'list': [1, 'two', {'three': true}]}`;
  for (let sk = 0; sk < 5; sk += 1) await execute(insert, { S: "a" }, { N: `${sk}` });
  await refused(execute(insert, { S: "a" }, { N: "0" }), DuplicateItemException);
  const { Items } = await documents.executeStatement({
    Statement: `SELECT * FROM "${table}" WHERE pk = ? AND sk > ?`,
    Parameters: ["a", 3],
  });
  assert.deepEqual(Items, [{ pk: "a", sk: 4, list: [1, "two", { three: true }] }]);
  const found = [];
  let NextToken;
  do {
    const page = await client.send(
      new ExecuteStatementCommand({
        Statement: `SELECT sk FROM "${table}" WHERE pk = 'a'`,
        Limit: 2,
        NextToken,
      }),
    );
    found.push(...page.Items.map((item) => item.sk.N));
    ({ NextToken } = page);
  } while (NextToken);
  assert.deepEqual(found, ["0", "1", "2", "3", "4"]);
  await refused(
    execute(`UPDATE "${table}" SET n = 1 WHERE pk = 'a' AND sk = 0 AND n = 2`),
    ConditionalCheckFailedException,
  );

  const batch = await client.send(
    new BatchExecuteStatementCommand({
      Statements: [0, 9].map((sk) => ({
        Statement: `SELECT sk FROM "${table}" WHERE pk = 'a' AND sk = ${sk}`,
      })),
    }),
  );
  assert.deepEqual(batch.Responses, [{ TableName: table, Item: { sk: { N: "0" } } }, { TableName: table }]);
  const cancelled = await refused(
    client.send(
      new ExecuteTransactionCommand({
        TransactStatements: [
          { Statement: `DELETE FROM "${table}" WHERE pk = 'a' AND sk = 1` },
          { Statement: `INSERT INTO "${table}" VALUE {'pk': 'a', 'sk': 2}` },
        ],
      }),
    ),
    TransactionCanceledException,
  );
  assert.deepEqual(
    cancelled.CancellationReasons.map((reason) => reason.Code),
    ["None", "DuplicateItem"],
  );
});
