"""Transactions over items and tables: all or nothing, with reasons; the items then reach the other Region."""

import threading

from walk import check
from walk.clients import ApiError, Boto3
from walk.context import HOME, SECOND, n, s

TITLE = "transactions over two tables: all or nothing, reasons, replay, replication"
ACCOUNTS, LEDGER = "account", "ledger"
TRANSFERS_PER_THREAD = 60
CONFLICTS = ("TransactionCanceledException", "TransactionConflictException", "TransactionInProgressException")


def run(walk):
    for table in (ACCOUNTS, LEDGER):
        walk.create_global_table(table, "id", regions=(HOME, SECOND))
    walk.put_all(HOME, ACCOUNTS, [account("ann", 100), account("bob", 20), account("audit", 0)])
    succeeds(walk)
    is_cancelled(walk)
    is_replayed(walk)
    reads(walk)
    is_refused(walk)
    under_load(walk)


def account(name, balance):
    return {"id": s(name), "balance": n(balance)}


def move(source, target, amount, entry):
    """The actions of one transfer: two updates, a check and an entry in another table."""
    return [
        {
            "Update": {
                "TableName": ACCOUNTS,
                "Key": {"id": s(source)},
                "UpdateExpression": "SET balance = balance - :amount",
                "ConditionExpression": "balance >= :amount",
                "ExpressionAttributeValues": {":amount": n(amount)},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        {
            "Update": {
                "TableName": ACCOUNTS,
                "Key": {"id": s(target)},
                "UpdateExpression": "ADD balance :amount",
                "ExpressionAttributeValues": {":amount": n(amount)},
            }
        },
        {
            "ConditionCheck": {
                "TableName": ACCOUNTS,
                "Key": {"id": s("audit")},
                "ConditionExpression": "attribute_exists(id)",
            }
        },
        {
            "Put": {
                "TableName": LEDGER,
                "Item": {"id": s(entry), "from": s(source), "to": s(target), "amount": n(amount)},
                "ConditionExpression": "attribute_not_exists(id)",
            }
        },
    ]


def expect_accounts(walk, ann, bob, entries):
    accounts = [account("ann", ann), account("bob", bob), account("audit", 0)]
    check.equal_items(walk.scan(HOME, ACCOUNTS), accounts, ["id"], "the accounts")
    check.equal({item["id"]["S"] for item in walk.scan(HOME, LEDGER)}, set(entries), "the ledger's entries")


def succeeds(walk):
    walk.call(HOME, "TransactWriteItems", TransactItems=move("ann", "bob", 30, "t-1"))
    expect_accounts(walk, 70, 50, ["t-1"])
    entry = {"id": s("t-1"), "from": s("ann"), "to": s("bob"), "amount": n(30)}
    walk.expect_item(SECOND, LEDGER, {"id": s("t-1")}, entry, f"the entry reaches {SECOND}")
    walk.expect_item(SECOND, ACCOUNTS, {"id": s("ann")}, account("ann", 70), f"the account reaches {SECOND}")


def is_cancelled(walk):
    for source, amount, entry, codes in (
        ("ann", 71, "t-2", ["ConditionalCheckFailed", "None", "None", "None"]),
        ("ann", 1, "t-1", ["None", "None", "None", "ConditionalCheckFailed"]),
        ("ann", 71, "t-1", ["ConditionalCheckFailed", "None", "None", "ConditionalCheckFailed"]),
    ):
        try:
            walk.call(HOME, "TransactWriteItems", TransactItems=move(source, "bob", amount, entry))
        except ApiError as error:
            check.equal(error.code, "TransactionCanceledException", "the error of a cancelled transaction")
            check.equal(error.cancellation_codes, codes, "the reasons, by position")
            reasons = error.body.get("CancellationReasons")
            if reasons and codes[0] != "None":
                check.equal(reasons[0].get("Item"), account("ann", 70), "the item that failed its condition")
                check.equal(reasons[0].get("Message"), "The conditional request failed", "the reason in words")
        else:
            raise check.CheckFailed(f"a transaction that must be cancelled ({codes}) succeeded")
        expect_accounts(walk, 70, 50, ["t-1"])


def is_replayed(walk):
    request = {"TransactItems": move("bob", "ann", 5, "t-3"), "ClientRequestToken": "transfer-3"}
    walk.call(HOME, "TransactWriteItems", **request)
    expect_accounts(walk, 75, 45, ["t-1", "t-3"])
    walk.call(HOME, "TransactWriteItems", **request)
    expect_accounts(walk, 75, 45, ["t-1", "t-3"])
    with check.refused("IdempotentParameterMismatchException"):
        changed = move("bob", "ann", 6, "t-4")
        walk.call(HOME, "TransactWriteItems", TransactItems=changed, ClientRequestToken="transfer-3")
    expect_accounts(walk, 75, 45, ["t-1", "t-3"])


def reads(walk):
    gets = [
        {"Get": {"TableName": ACCOUNTS, "Key": {"id": s("bob")}}},
        {"Get": {"TableName": LEDGER, "Key": {"id": s("no-such-entry")}}},
        {"Get": {"TableName": LEDGER, "Key": {"id": s("t-3")}, "ProjectionExpression": "amount"}},
    ]
    answer = walk.call(HOME, "TransactGetItems", TransactItems=gets)
    wanted = [{"Item": account("bob", 45)}, {}, {"Item": {"amount": n(5)}}]
    check.equal(answer["Responses"], wanted, "TransactGetItems, by position")


def is_refused(walk):
    twice = [{"Put": {"TableName": LEDGER, "Item": {"id": s("same")}}}] * 2
    with check.refused("ValidationException", "Transaction request cannot include multiple operations on one item"):
        walk.call(HOME, "TransactWriteItems", TransactItems=twice)
    missing = [{"Put": {"TableName": "no-such-table", "Item": {"id": s("x")}}}]
    with check.refused("ResourceNotFoundException"):
        walk.call(HOME, "TransactWriteItems", TransactItems=move("ann", "bob", 1, "t-5") + missing)
    expect_accounts(walk, 75, 45, ["t-1", "t-3"])


def under_load(walk):
    """Transfers in both directions at once: whoever reads both accounts together always finds the same sum."""
    errors, done = [], []
    threads = [
        threading.Thread(target=transfer, args=(walk, *way, done, errors), daemon=True)
        for way in (("ann", "bob", "x"), ("bob", "ann", "y"), ("ann", "bob", "z"))
    ]
    for thread in threads:
        thread.start()
    reader = Boto3(walk.cluster.endpoint_of)
    both = [{"Get": {"TableName": ACCOUNTS, "Key": {"id": s(name)}}} for name in ("ann", "bob")]
    reads_done = 0
    while any(thread.is_alive() for thread in threads):
        try:
            responses = reader.call(HOME, "TransactGetItems", TransactItems=both)["Responses"]
        except ApiError as error:
            check.that(error.code in CONFLICTS, f"TransactGetItems under load: {error}")
            continue
        total = sum(int(response["Item"]["balance"]["N"]) for response in responses)
        check.equal(total, 120, "the sum of both accounts during transfers")
        reads_done += 1
    check.that(not errors, f"a transfer failed: {errors}")
    check.that(done, "no transfer succeeded under load")
    check.that(reads_done, "no TransactGetItems succeeded under load")
    entries = {item["id"]["S"] for item in walk.expect_converged(LEDGER, ["id"], regions=(HOME, SECOND))}
    check.equal(entries, {"t-1", "t-3", *done}, "one entry for each transfer that succeeded")
    walk.expect_converged(ACCOUNTS, ["id"], regions=(HOME, SECOND))


def transfer(walk, source, target, name, done, errors):
    client = Boto3(walk.cluster.endpoint_of)
    for number in range(TRANSFERS_PER_THREAD):
        entry = f"{name}-{number}"
        try:
            client.call(HOME, "TransactWriteItems", TransactItems=move(source, target, 1, entry))
            done.append(entry)
        except ApiError as error:
            if error.code not in CONFLICTS:
                errors.append(error)
                return
        except Exception as error:  # told by under_load(), in the thread that checks
            errors.append(error)
            return
