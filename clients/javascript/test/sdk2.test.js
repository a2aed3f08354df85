// The AWS SDK for JavaScript v2, which many applications still run: its document client and its streams client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTable } from "./support.js";

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const { default: AWS } = await import("aws-sdk");

const settings = { endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB, region: process.env.AWS_REGION };
const dynamodb = new AWS.DynamoDB(settings);
const documents = new AWS.DynamoDB.DocumentClient(settings);
const streams = new AWS.DynamoDBStreams(settings);

test("items there and back, conditions and updates", async () => {
  const TableName = await createTable("sdk2", ["pk:S", "sk:N"]);
  const Item = {
    pk: "a",
    sk: 1,
    text: "ü",
    empty: "",
    list: [1, null, { x: [] }],
    map: { y: true },
    bytes: Buffer.from([0, 255]),
  };
  await documents.put({ TableName, Item: { ...Item, set: documents.createSet(["x", "y"]) } }).promise();
  const { Item: found } = await documents
    .get({ TableName, Key: { pk: "a", sk: 1 }, ConsistentRead: true })
    .promise();
  assert.deepEqual([...found.set.values].sort(), ["x", "y"]);
  delete found.set;
  assert.deepEqual([...found.bytes], [0, 255]);
  assert.deepEqual({ ...found, bytes: Item.bytes }, Item);
  const failed = documents
    .put({ TableName, Item, ConditionExpression: "attribute_not_exists(pk)" })
    .promise();
  await assert.rejects(failed, {
    code: "ConditionalCheckFailedException",
    message: "The conditional request failed",
    statusCode: 400,
    retryable: false,
  });
  const updated = await documents
    .update({
      TableName,
      Key: { pk: "a", sk: 1 },
      UpdateExpression: "SET #l[0] = :v ADD n :one REMOVE #m",
      ExpressionAttributeNames: { "#l": "list", "#m": "map" },
      ExpressionAttributeValues: { ":v": "first", ":one": 1 },
      ReturnValues: "UPDATED_NEW",
    })
    .promise();
  assert.deepEqual(updated.Attributes, { list: ["first"], n: 1 });
  await assert.rejects(documents.get({ TableName: "no-such-table", Key: { pk: "a" } }).promise(), {
    code: "ResourceNotFoundException",
  });
});

test("parameters from before there were expressions", async () => {
  const TableName = await createTable("sdk2-legacy", ["pk:S", "sk:N"]);
  for (let sk = 0; sk < 6; sk += 1) {
    await documents
      .put({ TableName, Item: { pk: "a", sk, v: `v${sk % 2}` }, Expected: { pk: { Exists: false } } })
      .promise();
  }
  const again = documents
    .put({ TableName, Item: { pk: "a", sk: 0 }, Expected: { pk: { ComparisonOperator: "NULL" } } })
    .promise();
  await assert.rejects(again, { code: "ConditionalCheckFailedException" });
  const condition = (ComparisonOperator, ...AttributeValueList) => ({
    ComparisonOperator,
    AttributeValueList,
  });
  const queried = await documents
    .query({
      TableName,
      KeyConditions: { pk: condition("EQ", "a"), sk: condition("BETWEEN", 1, 4) },
      QueryFilter: { v: condition("EQ", "v1") },
      AttributesToGet: ["sk"],
    })
    .promise();
  assert.deepEqual(queried.Items, [{ sk: 1 }, { sk: 3 }]);
  const scanned = await documents
    .scan({
      TableName,
      ScanFilter: { v: condition("CONTAINS", "0"), sk: condition("GT", 3) },
      ConditionalOperator: "OR",
    })
    .promise();
  assert.deepEqual(scanned.Items.map((item) => item.sk).sort(), [0, 2, 4, 5]);
  const updated = await documents
    .update({
      TableName,
      Key: { pk: "a", sk: 0 },
      AttributeUpdates: {
        n: { Action: "ADD", Value: 5 },
        v: { Action: "DELETE" },
        w: { Action: "PUT", Value: [1] },
      },
      Expected: { v: condition("BEGINS_WITH", "v") },
      ReturnValues: "ALL_NEW",
    })
    .promise();
  assert.deepEqual(updated.Attributes, { pk: "a", sk: 0, n: 5, w: [1] });
});

test("pages, batches, transactions, waiters, streams", async () => {
  const TableName = await createTable("sdk2-more", ["pk:S", "sk:N"], {
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
  });
  const { Table } = await dynamodb.waitFor("tableExists", { TableName }).promise();
  const puts = Array.from({ length: 25 }, (_, sk) => ({ PutRequest: { Item: { pk: "a", sk } } }));
  assert.deepEqual(
    (await documents.batchWrite({ RequestItems: { [TableName]: puts } }).promise()).UnprocessedItems,
    {},
  );
  const found = [];
  const query = {
    TableName,
    KeyConditionExpression: "pk = :p",
    ExpressionAttributeValues: { ":p": "a" },
    Limit: 10,
  };
  await new Promise((resolve, reject) => {
    documents.query(query).eachPage((error, page) => {
      if (error) return reject(error);
      if (page === null) return resolve();
      found.push(...page.Items.map((item) => item.sk));
      return true;
    });
  });
  assert.deepEqual(
    found,
    puts.map((_, sk) => sk),
  );
  const read = await documents
    .batchGet({ RequestItems: { [TableName]: { Keys: [{ pk: "a", sk: 3 }] } } })
    .promise();
  assert.deepEqual(read.Responses[TableName], [{ pk: "a", sk: 3 }]);
  const Put = { TableName, Item: { pk: "a", sk: 3 }, ConditionExpression: "attribute_not_exists(pk)" };
  await assert.rejects(documents.transactWrite({ TransactItems: [{ Put }] }).promise(), {
    code: "TransactionCanceledException",
    message:
      "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed]",
  });
  const StreamArn = Table.LatestStreamArn;
  const { StreamDescription } = await streams.describeStream({ StreamArn }).promise();
  const { ShardId } = StreamDescription.Shards[0];
  let { ShardIterator } = await streams
    .getShardIterator({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" })
    .promise();
  const records = [];
  for (let round = 0; round < 20 && records.length < 25; round += 1) {
    const page = await streams.getRecords({ ShardIterator, Limit: 10 }).promise();
    records.push(...page.Records.map((record) => Number(record.dynamodb.NewImage.sk.N)));
    ShardIterator = page.NextShardIterator;
  }
  assert.deepEqual(
    records.sort((a, b) => a - b),
    found,
  );
});
