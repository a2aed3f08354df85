// The streams client: shards, iterators, records with both images.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DeleteItemCommand, DescribeTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-dynamodb-streams";
import { client, createTable, eventually, refused } from "./support.js";

const streams = new DynamoDBStreamsClient({});
after(() => streams.destroy());

async function read(StreamArn, more = { ShardIteratorType: "TRIM_HORIZON" }) {
  const records = [];
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  for (const { ShardId } of StreamDescription.Shards) {
    let { ShardIterator } = await streams.send(new GetShardIteratorCommand({ StreamArn, ShardId, ...more }));
    for (let empty = 0; ShardIterator && empty < 3;) {
      const page = await streams.send(new GetRecordsCommand({ ShardIterator, Limit: 2 }));
      records.push(...page.Records);
      empty = page.Records.length ? 0 : empty + 1;
      ShardIterator = page.NextShardIterator;
    }
  }
  return records;
}

test("a stream tells what happened", async () => {
  const TableName = await createTable("stream", ["pk:S"], {
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
  });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const listed = await streams.send(new ListStreamsCommand({ TableName }));
  assert.deepEqual(listed.Streams, [
    { StreamArn: Table.LatestStreamArn, StreamLabel: Table.LatestStreamLabel, TableName },
  ]);
  const versions = [1, 2].map((v) => ({
    pk: { S: "a" },
    v: { N: `${v}` },
    b: { B: new Uint8Array([v, 255]) },
  }));
  for (const Item of versions) await client.send(new PutItemCommand({ TableName, Item }));
  await client.send(new DeleteItemCommand({ TableName, Key: { pk: { S: "a" } } }));
  await eventually(async () => (await read(Table.LatestStreamArn)).length, 3);
  const records = await read(Table.LatestStreamArn);
  assert.deepEqual(
    records.map((record) => record.eventName),
    ["INSERT", "MODIFY", "REMOVE"],
  );
  assert.deepEqual(
    records.map((record) => record.dynamodb.NewImage),
    [...versions, undefined],
  );
  assert.deepEqual(
    records.map((record) => record.dynamodb.OldImage),
    [undefined, ...versions],
  );
  for (const record of records) {
    assert.deepEqual(record.dynamodb.Keys, { pk: { S: "a" } });
    assert.ok(record.dynamodb.ApproximateCreationDateTime instanceof Date);
    assert.equal(record.userIdentity, undefined);
  }
  const SequenceNumber = records[1].dynamodb.SequenceNumber;
  const rest = await read(Table.LatestStreamArn, {
    ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
    SequenceNumber,
  });
  assert.deepEqual(
    rest.map((record) => record.eventName),
    ["REMOVE"],
  );
});

test("a stream that is not there", async () => {
  const StreamArn = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000";
  await refused(streams.send(new DescribeStreamCommand({ StreamArn })), ResourceNotFoundException);
  await refused(streams.send(new ListStreamsCommand({ TableName: "none" })), ResourceNotFoundException);
});
