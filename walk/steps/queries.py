"""A user looked up by e-mail; the messages of one user newer than a moment, both ways, paged."""

from walk import check
from walk.context import HOME, n, s

TITLE = "user by e-mail; messages newer than a timestamp, both ways, paged"
ANN, BOB = "ann@example.com", "bob@example.com"
SINCE = 1_700_000_010


def message(email, index):
    return {"email": s(email), "timestamp": n(1_700_000_000 + index), "text": s(f"message {index} of {email}")}


NEWER = [message(ANN, index) for index in range(11, 20)]
QUERY = {
    "TableName": "message",
    "KeyConditionExpression": "email = :email AND #t > :since",
    "ExpressionAttributeNames": {"#t": "timestamp"},
    "ExpressionAttributeValues": {":email": s(ANN), ":since": n(SINCE)},
}


def run(walk):
    users(walk)
    walk.create_table("message", "email", "timestamp:N")
    walk.put_all(HOME, "message", [message(ANN, index) for index in range(20)])
    walk.put_all(HOME, "message", [message(BOB, index) for index in range(5, 25)])
    for forward in (True, False):
        wanted = NEWER if forward else NEWER[::-1]
        whole(walk, forward, wanted)
        paged_by_hand(walk, forward, wanted)
        paged_by_the_client(walk, forward, wanted)
    other_conditions(walk)


def users(walk):
    walk.create_table("user", "email")
    people = [{"email": s(email), "name": s(email.partition("@")[0]), "age": n(30)} for email in (ANN, BOB)]
    for person in people:
        walk.call(HOME, "PutItem", TableName="user", Item=person)
    check.equal(walk.get(HOME, "user", {"email": s(ANN)}), people[0], "the user with Ann's e-mail")
    check.equal(walk.get(HOME, "user", {"email": s("eve@example.com")}), None, "a user who does not exist")


def whole(walk, forward, wanted):
    answer = walk.call(HOME, "Query", **QUERY, ScanIndexForward=forward)
    check.equal(answer["Items"], wanted, f"messages newer than {SINCE}, forward={forward}")
    check.equal(answer["Count"], len(wanted), "Count of the query")


def paged_by_hand(walk, forward, wanted):
    found, start, pages = [], {}, 0
    while True:
        page = walk.call(HOME, "Query", **QUERY, ScanIndexForward=forward, Limit=4, **start)
        check.that(len(page["Items"]) <= 4, f"a page of {len(page['Items'])} items for Limit=4")
        found += page["Items"]
        pages += 1
        if "LastEvaluatedKey" not in page:
            break
        last = {name: found[-1][name] for name in ("email", "timestamp")}
        check.equal(page["LastEvaluatedKey"], last, "LastEvaluatedKey is the key of the last item")
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    check.equal(found, wanted, f"pages of four put together, forward={forward}")
    check.equal(pages, 3, "pages of four for nine messages")


def paged_by_the_client(walk, forward, wanted):
    found, token = [], None
    while True:
        items, token = walk.client.pages(
            HOME, "Query", page_size=2, max_items=5, starting_token=token, **QUERY, ScanIndexForward=forward
        )
        found += items
        if token is None:
            break
    check.equal(found, wanted, f"the client's own pages put together, forward={forward}")


def other_conditions(walk):
    answer = walk.call(
        HOME,
        "Query",
        TableName="message",
        KeyConditionExpression="email = :email AND #t BETWEEN :low AND :high",
        FilterExpression="NOT contains(#x, :seven)",
        ProjectionExpression="#x",
        ExpressionAttributeNames={"#t": "timestamp", "#x": "text"},
        ExpressionAttributeValues={
            ":email": s(BOB),
            ":low": n(SINCE - 4),
            ":high": n(SINCE - 2),
            ":seven": s("message 7"),
        },
    )
    wanted = [{"text": message(BOB, index)["text"]} for index in (6, 8)]
    check.equal(answer["Items"], wanted, "messages between two moments, filtered and projected")
    check.equal((answer["Count"], answer["ScannedCount"]), (2, 3), "Count and ScannedCount with a filter")
    with check.refused("ValidationException", "Query condition missed key schema element: email"):
        walk.call(
            HOME,
            "Query",
            TableName="message",
            KeyConditionExpression="#t > :since",
            ExpressionAttributeNames={"#t": "timestamp"},
            ExpressionAttributeValues={":since": n(SINCE)},
        )
