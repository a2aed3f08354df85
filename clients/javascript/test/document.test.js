// The document client: JavaScript values in and out, its options, its paginators, its batches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import * as lib from "@aws-sdk/lib-dynamodb";
import { client, createTable, gather, keySchema, refused } from "./support.js";

const { DynamoDBDocument, DynamoDBDocumentClient, NumberValue } = lib;
const documents = DynamoDBDocument.from(client);

test("JavaScript values come back as they went", async () => {
  const TableName = await createTable("values", ["pk:S", "sk:N"]);
  const Item = {
    pk: "a",
    sk: 1,
    text: "Grüße 🌍",
    empty: "",
    fraction: -0.25,
    largest: Number.MAX_SAFE_INTEGER,
    bytes: new Uint8Array([0, 127, 255]),
    yes: true,
    no: false,
    nothing: null,
    list: [1, "two", [3, [null]], { four: [] }],
    map: { "a.b": { c: {} } },
    strings: new Set(["x", "y"]),
    numbers: new Set([1, 2.5]),
    binaries: new Set([new Uint8Array([1])]),
  };
  await documents.put({ TableName, Item });
  const found = (await documents.get({ TableName, Key: { pk: "a", sk: 1 } })).Item;
  assert.deepEqual(found, Item);
});

test("numbers of more digits than JavaScript has", async () => {
  const TableName = await createTable("numbers", ["pk:S"]);
  const digits = "12345678901234567890123456789012345678";
  const exact = DynamoDBDocument.from(client, { unmarshallOptions: { wrapNumbers: true } });
  await exact.put({
    TableName,
    Item: { pk: "a", big: BigInt(digits), wrapped: NumberValue.from(`${digits.slice(0, -5)}.12345`) },
  });
  const { Item } = await exact.get({ TableName, Key: { pk: "a" } });
  assert.equal(Item.big.toString(), digits);
  assert.equal(Item.wrapped.toString(), `${digits.slice(0, -5)}.12345`);
  const asText = DynamoDBDocument.from(client, {
    unmarshallOptions: { wrapNumbers: (value) => `n:${value}` },
  });
  assert.equal((await asText.get({ TableName, Key: { pk: "a" } })).Item.big, `n:${digits}`);
  const small = await asText.update({
    TableName,
    Key: { pk: "a" },
    UpdateExpression: "SET s = :s - :t",
    ExpressionAttributeValues: { ":s": 1, ":t": NumberValue.from("1e-37") },
    ReturnValues: "UPDATED_NEW",
  });
  assert.equal(small.Attributes.s, `n:0.${"9".repeat(37)}`);
});

test("options of marshalling", async () => {
  const TableName = await createTable("options", ["pk:S"]);
  const tidy = DynamoDBDocumentClient.from(client, {
    marshallOptions: {
      removeUndefinedValues: true,
      convertEmptyValues: true,
      convertClassInstanceToMap: true,
    },
  });
  class Point {
    constructor(x) {
      this.x = x;
    }
  }
  const Item = {
    pk: "a",
    gone: undefined,
    empty: "",
    none: new Set(),
    at: new Point(3),
    in: { gone: undefined },
  };
  await tidy.send(new lib.PutCommand({ TableName, Item }));
  const found = await tidy.send(new lib.GetCommand({ TableName, Key: { pk: "a" } }));
  assert.deepEqual(found.Item, { pk: "a", empty: null, none: null, at: { x: 3 }, in: {} });
});

test("updates and conditions", async () => {
  const TableName = await createTable("updates", ["pk:S"]);
  const Key = { pk: "a" };
  const update = async (UpdateExpression, values, more = {}) => {
    const ExpressionAttributeValues =
      values && Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value]));
    return (
      await documents.update({
        TableName,
        Key,
        UpdateExpression,
        ExpressionAttributeValues,
        ReturnValues: "ALL_NEW",
        ...more,
      })
    ).Attributes;
  };
  assert.deepEqual(await update("SET n = :n, l = :l, m = :m", { n: 1, l: ["a"], m: { deep: { v: 1 } } }), {
    ...Key,
    n: 1,
    l: ["a"],
    m: { deep: { v: 1 } },
  });
  const changed = await update(
    "SET m.deep.v = m.deep.v + :one, l = list_append(l, :l) ADD tags :t REMOVE n",
    {
      one: 1,
      l: ["b", null],
      t: new Set(["x", "y"]),
    },
  );
  assert.deepEqual(changed, {
    ...Key,
    l: ["a", "b", null],
    m: { deep: { v: 2 } },
    tags: new Set(["x", "y"]),
  });
  assert.deepEqual(await update("DELETE tags :t", { t: new Set(["x"]) }, { ReturnValues: "UPDATED_NEW" }), {
    tags: new Set(["y"]),
  });
  const failed = await refused(
    update(
      "SET n = :n",
      { n: 5, w: 3 },
      { ConditionExpression: "size(l) > :w", ReturnValuesOnConditionCheckFailure: "ALL_OLD" },
    ),
    ConditionalCheckFailedException,
  );
  // The document client leaves items of errors in the form of the wire.
  assert.deepEqual(failed.Item.pk, { S: "a" });
  const old = await documents.delete({ TableName, Key, ReturnValues: "ALL_OLD" });
  assert.deepEqual(old.Attributes.l, ["a", "b", null]);
});

test("paginators, batches and transactions", async () => {
  const TableName = await createTable("documents", ["pk:S", "sk:N"], {
    attributes: ["kind:S"],
    GlobalSecondaryIndexes: [
      { IndexName: "by-kind", KeySchema: keySchema("kind", "sk"), Projection: { ProjectionType: "ALL" } },
    ],
  });
  const items = Array.from({ length: 40 }, (_, sk) => ({ pk: "p", sk, kind: sk % 2 ? "odd" : "even" }));
  for (let start = 0; start < items.length; start += 25) {
    let requests = { [TableName]: items.slice(start, start + 25).map((Item) => ({ PutRequest: { Item } })) };
    while (Object.keys(requests).length)
      requests = (await documents.batchWrite({ RequestItems: requests })).UnprocessedItems ?? {};
  }
  const query = {
    TableName,
    KeyConditionExpression: "pk = :p AND sk < :s",
    ExpressionAttributeValues: { ":p": "p", ":s": 30 },
  };
  const config = { client: documents, pageSize: 7 };
  assert.deepEqual(await gather(lib.paginateQuery(config, query), (page) => page.Items), items.slice(0, 30));
  const kinds = {
    TableName,
    IndexName: "by-kind",
    KeyConditionExpression: "kind = :k",
    ExpressionAttributeValues: { ":k": "odd" },
    ScanIndexForward: false,
  };
  const odd = items.filter((item) => item.kind === "odd").reverse();
  assert.deepEqual(await gather(lib.paginateQuery(config, kinds), (page) => page.Items), odd);
  const filtered = { TableName, FilterExpression: "kind = :k", ExpressionAttributeValues: { ":k": "even" } };
  assert.deepEqual(
    await gather(lib.paginateScan(config, filtered), (page) => page.Items),
    items.filter((item) => item.kind === "even"),
  );
  const read = await documents.batchGet({
    RequestItems: { [TableName]: { Keys: [{ pk: "p", sk: 3 }], ConsistentRead: true } },
  });
  assert.deepEqual(read.Responses[TableName], [items[3]]);

  await documents.transactWrite({
    TransactItems: [
      { Put: { TableName, Item: { pk: "t", sk: 1, set: new Set([1]) } } },
      { Delete: { TableName, Key: { pk: "p", sk: 0 } } },
      {
        Update: {
          TableName,
          Key: { pk: "p", sk: 1 },
          UpdateExpression: "SET v = :v",
          ExpressionAttributeValues: { ":v": [true] },
        },
      },
    ],
  });
  const both = await documents.transactGet({
    TransactItems: [
      { pk: "t", sk: 1 },
      { pk: "p", sk: 0 },
      { pk: "p", sk: 1 },
    ].map((Key) => ({ Get: { TableName, Key } })),
  });
  assert.deepEqual(both.Responses, [
    { Item: { pk: "t", sk: 1, set: new Set([1]) } },
    {},
    { Item: { ...items[1], v: [true] } },
  ]);
  const cancelled = await refused(
    documents.transactWrite({
      TransactItems: [
        { Put: { TableName, Item: { pk: "t", sk: 1 }, ConditionExpression: "attribute_not_exists(pk)" } },
      ],
    }),
    TransactionCanceledException,
  );
  assert.equal(cancelled.CancellationReasons[0].Code, "ConditionalCheckFailed");
});
