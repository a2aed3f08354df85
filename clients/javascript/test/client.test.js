// The low-level client: life of a table with waiters, paginators, every type on the wire, typed errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDB,
  DynamoDBServiceException,
  GetItemCommand,
  IdempotentParameterMismatchException,
  ListTagsOfResourceCommand,
  paginateListTables,
  paginateQuery,
  paginateScan,
  PutItemCommand,
  QueryCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  ScanCommand,
  TagResourceCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UntagResourceCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { client, createTable, eventually, gather, keySchema, refused, uniqueName } from "./support.js";

const wait = { client, maxWaitTime: 30, minDelay: 1 };

test("a table lives from creation to its end, with waiters", async () => {
  const TableName = uniqueName("life");
  const definition = {
    TableName,
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    KeySchema: keySchema("pk"),
    ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 2 },
  };
  const { TableDescription } = await client.send(new CreateTableCommand(definition));
  assert.equal(TableDescription.TableStatus, "CREATING");
  assert.ok(TableDescription.CreationDateTime instanceof Date);
  assert.equal((await waitUntilTableExists(wait, { TableName })).state, "SUCCESS");
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  assert.equal(Table.TableStatus, "ACTIVE");
  assert.equal(Table.ProvisionedThroughput.ReadCapacityUnits, 3);
  await refused(
    client.send(new CreateTableCommand(definition)),
    ResourceInUseException,
    `Table already exists: ${TableName}`,
  );
  await client.send(new DeleteTableCommand({ TableName }));
  assert.equal((await waitUntilTableNotExists(wait, { TableName })).state, "SUCCESS");
  const missing = `Requested resource not found: Table: ${TableName} not found`;
  await refused(client.send(new DescribeTableCommand({ TableName })), ResourceNotFoundException, missing);
});

test("tables are listed in pages", async () => {
  const names = [];
  for (let number = 0; number < 5; number += 1) names.push(await createTable("listed", ["pk:S"]));
  const found = await gather(paginateListTables({ client, pageSize: 2 }, {}), (page) => {
    assert.ok(page.TableNames.length <= 2);
    return page.TableNames;
  });
  assert.deepEqual(
    found.filter((name) => names.includes(name)),
    [...names].sort(),
  );
});

test("every type comes back as it went over the wire", async () => {
  const TableName = await createTable("types", ["pk:B", "sk:N"]);
  const Item = {
    pk: { B: new Uint8Array([0, 1, 255]) },
    sk: { N: "-1.5" },
    string: { S: "Grüße, 世界 🌍 \u0000" },
    empty: { S: "" },
    digits: { N: "12345678901234567890123456789012345678" },
    small: { N: `0.${"0".repeat(129)}1` },
    bytes: { B: new Uint8Array(256).map((_, place) => place) },
    noBytes: { B: new Uint8Array(0) },
    yes: { BOOL: true },
    no: { BOOL: false },
    nothing: { NULL: true },
    list: { L: [{ S: "a" }, { L: [] }, { M: { deep: { L: [{ N: "1" }, { NULL: true }] } } }] },
    map: { M: { a: { M: {} }, "": { S: "empty name" } } },
    strings: { SS: ["", "a", "b"] },
    numbers: { NS: ["-3", "1", "2.5"] },
    binaries: { BS: [new Uint8Array([0]), new Uint8Array([255, 254])] },
  };
  await client.send(new PutItemCommand({ TableName, Item }));
  const found = await client.send(
    new GetItemCommand({ TableName, Key: { pk: Item.pk, sk: Item.sk }, ConsistentRead: true }),
  );
  for (const set of [found.Item.strings.SS, found.Item.numbers.NS]) set.sort();
  assert.deepEqual(found.Item, Item);
  assert.equal(
    (await client.send(new GetItemCommand({ TableName, Key: { pk: Item.pk, sk: { N: "9" } } }))).Item,
    undefined,
  );
});

test("conditions fail with a typed error that holds the item", async () => {
  const TableName = await createTable("conditions", ["pk:S"]);
  const Item = { pk: { S: "a" }, n: { N: "5" } };
  await client.send(new PutItemCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(pk)" }));
  const error = await refused(
    client.send(
      new PutItemCommand({
        TableName,
        Item,
        ConditionExpression: "attribute_not_exists(pk)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    ),
    ConditionalCheckFailedException,
    "The conditional request failed",
  );
  assert.deepEqual(error.Item, Item);
  assert.equal(error.$fault, "client");
  assert.equal(error.$metadata.httpStatusCode, 400);
  assert.ok(error.$metadata.requestId);
  await refused(
    client.send(
      new DeleteItemCommand({
        TableName,
        Key: { pk: { S: "a" } },
        ConditionExpression: "n > :n",
        ExpressionAttributeValues: { ":n": { N: "5" } },
      }),
    ),
    ConditionalCheckFailedException,
  );
  const deleted = await client.send(
    new DeleteItemCommand({ TableName, Key: { pk: { S: "a" } }, ReturnValues: "ALL_OLD" }),
  );
  assert.deepEqual(deleted.Attributes, Item);
});

test("a validation error is a service exception by name", async () => {
  const TableName = await createTable("invalid", ["pk:S"]);
  const error = await refused(
    client.send(
      new UpdateItemCommand({ TableName, Key: { pk: { S: "a" } }, UpdateExpression: "SET a = :v" }),
    ),
    "ValidationException",
    "1 validation error detected: Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :v",
  );
  assert.ok(error instanceof DynamoDBServiceException);
  await refused(
    client.send(new GetItemCommand({ TableName: "no-such-table", Key: { pk: { S: "a" } } })),
    ResourceNotFoundException,
    "Requested resource not found",
  );
});

test("queries and scans in pages, with both kinds of index", async () => {
  const projection = { ProjectionType: "ALL" };
  const TableName = await createTable("pages", ["pk:S", "sk:N"], {
    attributes: ["colour:S", "size:N"],
    GlobalSecondaryIndexes: [
      { IndexName: "global", KeySchema: keySchema("colour", "size"), Projection: projection },
    ],
    LocalSecondaryIndexes: [
      { IndexName: "local", KeySchema: keySchema("pk", "size"), Projection: { ProjectionType: "KEYS_ONLY" } },
    ],
  });
  for (let start = 0; start < 50; start += 25) {
    const puts = Array.from({ length: 25 }, (_, place) => start + place).map((number) => ({
      PutRequest: {
        Item: {
          pk: { S: `p${number % 2}` },
          sk: { N: `${number}` },
          colour: { S: `c${number % 3}` },
          size: { N: `${number % 7}` },
        },
      },
    }));
    const { UnprocessedItems } = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }),
    );
    assert.deepEqual(UnprocessedItems, {});
  }
  const numbers = (page) => page.Items.map((item) => Number(item.sk.N));
  const all = Array.from({ length: 50 }, (_, number) => number);
  const of = (expression, values, more = {}) =>
    paginateQuery(
      { client, pageSize: 4 },
      { TableName, KeyConditionExpression: expression, ExpressionAttributeValues: values, ...more },
    );
  assert.deepEqual(
    await gather(of("pk = :p", { ":p": { S: "p1" } }), numbers),
    all.filter((number) => number % 2),
  );
  assert.deepEqual(
    await gather(
      of(
        "pk = :p AND sk BETWEEN :a AND :b",
        { ":p": { S: "p0" }, ":a": { N: "9" }, ":b": { N: "20" } },
        { ScanIndexForward: false },
      ),
      numbers,
    ),
    [20, 18, 16, 14, 12, 10],
  );
  const byColour = of(
    "colour = :c AND #s >= :s",
    { ":c": { S: "c1" }, ":s": { N: "3" } },
    { IndexName: "global", ExpressionAttributeNames: { "#s": "size" } },
  );
  const wanted = all.filter((number) => number % 3 === 1 && number % 7 >= 3);
  assert.deepEqual(
    (await gather(byColour, numbers)).sort((a, b) => a - b),
    wanted,
  );
  const bySize = await gather(
    of("pk = :p", { ":p": { S: "p0" } }, { IndexName: "local", ConsistentRead: true }),
    (page) => page.Items,
  );
  assert.deepEqual(Object.keys(bySize[0]).sort(), ["pk", "size", "sk"]);
  const sizes = bySize.map((item) => Number(item.size.N));
  assert.deepEqual(
    sizes,
    [...sizes].sort((a, b) => a - b),
  );
  assert.deepEqual(
    (await gather(paginateScan({ client, pageSize: 9 }, { TableName }), numbers)).sort((a, b) => a - b),
    all,
  );
  const counted = await client.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: "pk = :p",
      ExpressionAttributeValues: { ":p": { S: "p0" } },
      Select: "COUNT",
    }),
  );
  assert.deepEqual([counted.Count, counted.ScannedCount, counted.Items], [25, 25, undefined]);
  const { Responses, UnprocessedKeys } = await client.send(
    new BatchGetItemCommand({
      RequestItems: {
        [TableName]: {
          Keys: [1, 3, 99].map((number) => ({ pk: { S: "p1" }, sk: { N: `${number}` } })),
          ProjectionExpression: "sk",
        },
      },
    }),
  );
  assert.deepEqual(Responses[TableName].map((item) => item.sk.N).sort(), ["1", "3"]);
  assert.deepEqual(UnprocessedKeys, {});
});

test("transactions and their typed errors", async () => {
  const TableName = await createTable("transactions", ["id:S"]);
  const key = (id) => ({ id: { S: id } });
  await client.send(new PutItemCommand({ TableName, Item: { ...key("ann"), n: { N: "5" } } }));
  const add = {
    Update: {
      TableName,
      Key: key("ann"),
      UpdateExpression: "ADD n :one",
      ExpressionAttributeValues: { ":one": { N: "1" } },
    },
  };
  // The client makes a token of its own; with one of ours a repetition changes nothing.
  for (let round = 0; round < 2; round += 1) {
    await client.send(
      new TransactWriteItemsCommand({ TransactItems: [add], ClientRequestToken: "token-of-ours" }),
    );
  }
  await client.send(
    new TransactWriteItemsCommand({ TransactItems: [add, { Put: { TableName, Item: key("bob") } }] }),
  );
  const read = await client.send(
    new TransactGetItemsCommand({
      TransactItems: ["ann", "none", "bob"].map((id) => ({ Get: { TableName, Key: key(id) } })),
    }),
  );
  assert.deepEqual(read.Responses, [{ Item: { ...key("ann"), n: { N: "7" } } }, {}, { Item: key("bob") }]);
  await refused(
    client.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ Delete: { TableName, Key: key("ann") } }],
        ClientRequestToken: "token-of-ours",
      }),
    ),
    IdempotentParameterMismatchException,
  );
  const cancelled = await refused(
    client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Delete: { TableName, Key: key("bob") } },
          {
            ConditionCheck: {
              TableName,
              Key: key("ann"),
              ConditionExpression: "n < :n",
              ExpressionAttributeValues: { ":n": { N: "0" } },
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
        ],
      }),
    ),
    TransactionCanceledException,
    "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]",
  );
  assert.deepEqual(cancelled.CancellationReasons, [
    { Code: "None" },
    {
      Code: "ConditionalCheckFailed",
      Message: "The conditional request failed",
      Item: { ...key("ann"), n: { N: "7" } },
    },
  ]);
  assert.equal((await client.send(new ScanCommand({ TableName }))).Count, 2);
});

test("tags, time to live and an index added later", async () => {
  const TableName = await createTable("settings", ["pk:S"]);
  const ResourceArn = (await client.send(new DescribeTableCommand({ TableName }))).Table.TableArn;
  await client.send(
    new TagResourceCommand({
      ResourceArn,
      Tags: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "" },
      ],
    }),
  );
  await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["a"] }));
  assert.deepEqual((await client.send(new ListTagsOfResourceCommand({ ResourceArn }))).Tags, [
    { Key: "b", Value: "" },
  ]);

  await client.send(
    new UpdateTimeToLiveCommand({
      TableName,
      TimeToLiveSpecification: { Enabled: true, AttributeName: "until" },
    }),
  );
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  assert.equal(TimeToLiveDescription.AttributeName, "until");
  await client.send(
    new PutItemCommand({ TableName, Item: { pk: { S: "gone" }, until: { N: "1700000000" } } }),
  );
  await eventually(
    async () => (await client.send(new GetItemCommand({ TableName, Key: { pk: { S: "gone" } } }))).Item,
    undefined,
    40_000,
  );

  await client.send(new PutItemCommand({ TableName, Item: { pk: { S: "a" }, kind: { S: "k" } } }));
  await client.send(
    new UpdateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: "kind", AttributeType: "S" }],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: "by-kind",
            KeySchema: keySchema("kind"),
            Projection: { ProjectionType: "ALL" },
          },
        },
      ],
    }),
  );
  const status = async () =>
    (await client.send(new DescribeTableCommand({ TableName }))).Table.GlobalSecondaryIndexes[0].IndexStatus;
  await eventually(status, "ACTIVE");
  const { Items } = await client.send(
    new QueryCommand({
      TableName,
      IndexName: "by-kind",
      KeyConditionExpression: "kind = :k",
      ExpressionAttributeValues: { ":k": { S: "k" } },
    }),
  );
  assert.deepEqual(Items, [{ pk: { S: "a" }, kind: { S: "k" } }]);
});

test("the aggregated client, with capacity told", async () => {
  const TableName = await createTable("aggregated", ["pk:S"]);
  const dynamodb = new DynamoDB({});
  const { ConsumedCapacity } = await dynamodb.putItem({
    TableName,
    Item: { pk: { S: "a" } },
    ReturnConsumedCapacity: "TOTAL",
  });
  assert.deepEqual(ConsumedCapacity, { TableName, CapacityUnits: 1 });
  const updated = await dynamodb.updateItem({
    TableName,
    Key: { pk: { S: "a" } },
    UpdateExpression: "SET #l = list_append(if_not_exists(#l, :none), :new)",
    ExpressionAttributeNames: { "#l": "list" },
    ExpressionAttributeValues: { ":none": { L: [] }, ":new": { L: [{ S: "x" }] } },
    ReturnValues: "UPDATED_NEW",
  });
  assert.deepEqual(updated.Attributes, { list: { L: [{ S: "x" }] } });
  dynamodb.destroy();
});
