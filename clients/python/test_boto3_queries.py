"""Query and Scan through boto3: key conditions, filters, pages, indexes of both kinds, parallel segments."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key

from conftest import create, refused, schema


@pytest.fixture
def games(resource, name):
    """60 games of 3 players; a GSI by level and score, an LSI by date."""
    table = create(
        resource,
        name,
        "player:S",
        "game:N",
        "level:S score:N date:S",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "level-score",
                "KeySchema": schema("level", "score"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-date",
                "KeySchema": schema("player", "date"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item=game(number))
    return table


def game(number):
    item = {
        "player": f"p{number % 3}",
        "game": Decimal(number),
        "score": Decimal(number * 7 % 50),
        "date": f"2026-01-{number % 28 + 1:02}",
        "note": f"n{number}",
        "other": "x" * 50,
    }
    return item | ({"level": f"l{number % 2}"} if number % 5 else {})  # every fifth is not in the GSI


def numbers(items):
    return [int(item["game"]) for item in items]


def test_key_conditions(games):
    def found(condition, **more):
        return numbers(
            games.query(KeyConditionExpression=Key("player").eq("p1") & condition, **more)["Items"]
        )

    assert found(Key("game").eq(4)) == [4]
    assert found(Key("game").lt(10)) == [1, 4, 7]
    assert found(Key("game").lte(7), ScanIndexForward=False) == [7, 4, 1]
    assert found(Key("game").gt(52)) == [55, 58]
    assert found(Key("game").between(10, 16)) == [10, 13, 16]
    dates = games.query(
        IndexName="by-date",
        ConsistentRead=True,
        KeyConditionExpression=Key("player").eq("p0") & Key("date").begins_with("2026-01-0"),
    )["Items"]
    assert [item["date"] for item in dates] == sorted(item["date"] for item in dates) and len(dates) == 7
    assert dates[0]["other"] == "x" * 50


def test_filters_count_and_projection(games):
    answer = games.query(
        KeyConditionExpression=Key("player").eq("p2"),
        FilterExpression=Attr("score").gte(25) & Attr("note").contains("5"),
        ProjectionExpression="#n, score",
        ExpressionAttributeNames={"#n": "note"},
    )
    wanted = [game(number) for number in range(60) if number % 3 == 2]
    wanted = [item for item in wanted if item["score"] >= 25 and "5" in item["note"]]
    assert answer["Items"] == [{"note": item["note"], "score": item["score"]} for item in wanted]
    assert answer["ScannedCount"] == 20 and answer["Count"] == len(wanted)
    counted = games.query(KeyConditionExpression=Key("player").eq("p2"), Select="COUNT")
    assert counted["Count"] == 20 and "Items" not in counted


def test_pages_are_the_whole(client, games):
    pages = list(
        client.get_paginator("query").paginate(
            TableName=games.name,
            KeyConditionExpression="player = :p",
            ExpressionAttributeValues={":p": {"S": "p0"}},
            PaginationConfig={"PageSize": 7},
        )
    )
    assert [page["Count"] for page in pages] == [7, 7, 6]
    assert [int(item["game"]["N"]) for page in pages for item in page["Items"]] == list(range(0, 60, 3))
    pager = client.get_paginator("scan")
    limited = pager.paginate(
        TableName=games.name, PaginationConfig={"PageSize": 9, "MaxItems": 20}
    ).build_full_result()
    assert len(limited["Items"]) == 20
    rest = pager.paginate(
        TableName=games.name, PaginationConfig={"PageSize": 9, "StartingToken": limited["NextToken"]}
    ).build_full_result()
    found = sorted(int(item["game"]["N"]) for item in limited["Items"] + rest["Items"])
    assert found == list(range(60))


def test_an_exact_page_still_has_a_last_key(games):
    answer = games.query(KeyConditionExpression=Key("player").eq("p0"), Limit=20)
    assert answer["LastEvaluatedKey"] == {"player": "p0", "game": 57}
    answer = games.query(
        KeyConditionExpression=Key("player").eq("p0"), Limit=20, ExclusiveStartKey=answer["LastEvaluatedKey"]
    )
    assert answer["Items"] == [] and "LastEvaluatedKey" not in answer


def test_a_page_ends_at_one_megabyte(resource, name):
    table = create(resource, name, "pk:S", "sk:N")
    with table.batch_writer() as batch:
        for number in range(12):
            batch.put_item(Item={"pk": "a", "sk": number, "v": "x" * 200_000})
    counts, start = [], {}
    while start is not None:
        answer = table.query(
            KeyConditionExpression=Key("pk").eq("a"), ReturnConsumedCapacity="TOTAL", **start
        )
        counts.append(answer["Count"])
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]} if "LastEvaluatedKey" in answer else None
    assert counts == [6, 6] or counts == [6, 6, 0]


def test_the_global_index(client, games):
    answer = games.query(
        IndexName="level-score", KeyConditionExpression=Key("level").eq("l1") & Key("score").between(10, 30)
    )
    wanted = [game(number) for number in range(60) if number % 5 and number % 2]
    wanted = [item for item in wanted if 10 <= item["score"] <= 30]
    assert [item["score"] for item in answer["Items"]] == sorted(item["score"] for item in wanted)
    assert set(answer["Items"][0]) == {"player", "game", "level", "score", "note"}
    pages = client.get_paginator("query").paginate(
        TableName=games.name,
        IndexName="level-score",
        KeyConditionExpression="#l = :l",
        ExpressionAttributeNames={"#l": "level"},
        ExpressionAttributeValues={":l": {"S": "l0"}},
        PaginationConfig={"PageSize": 5},
    )
    pages = list(pages)
    assert set(pages[0]["LastEvaluatedKey"]) == {"player", "game", "level", "score"}
    found = sorted(int(item["game"]["N"]) for page in pages for item in page["Items"])
    assert found == [number for number in range(60) if number % 5 and number % 2 == 0]
    with refused("ValidationException", "Consistent reads are not supported on global secondary indexes"):
        games.query(
            IndexName="level-score", KeyConditionExpression=Key("level").eq("l1"), ConsistentRead=True
        )


def test_the_global_index_follows_its_items(games):
    key = {"player": "p0", "game": 3}

    def levels(level):
        return numbers(
            games.query(IndexName="level-score", KeyConditionExpression=Key("level").eq(level))["Items"]
        )

    games.update_item(
        Key=key,
        UpdateExpression="SET #l = :l",
        ExpressionAttributeNames={"#l": "level"},
        ExpressionAttributeValues={":l": "l9"},
    )
    assert levels("l9") == [3] and 3 not in levels("l1")
    games.update_item(Key=key, UpdateExpression="REMOVE #l", ExpressionAttributeNames={"#l": "level"})
    assert levels("l9") == []


def test_scan_in_segments(games):
    def segment(number):
        found, start = [], {}
        while True:
            answer = games.scan(TotalSegments=4, Segment=number, Limit=5, **start)
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(segment, range(4)))
    assert sorted(number for part in parts for number in numbers(part)) == list(range(60))


def test_scan_with_a_filter(games):
    answer = games.scan(FilterExpression=Attr("level").not_exists(), IndexName="by-date")
    assert sorted(numbers(answer["Items"])) == list(range(0, 60, 5)) and answer["ScannedCount"] == 60


def test_queries_that_are_refused(games):
    with refused("ValidationException", "Query condition missed key schema element: player"):
        games.query(KeyConditionExpression=Key("game").eq(1))
    with refused("ValidationException", "Query key condition not supported"):
        games.query(KeyConditionExpression=Key("player").gt("a"))
    with refused(
        "ValidationException",
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: game",
    ):
        games.query(KeyConditionExpression=Key("player").eq("p0"), FilterExpression=Attr("game").gt(1))
    with refused("ValidationException", "The provided starting key is invalid"):
        games.query(
            KeyConditionExpression=Key("player").eq("p0"),
            ExclusiveStartKey={"player": "p1", "game": 1, "x": 1},
        )
