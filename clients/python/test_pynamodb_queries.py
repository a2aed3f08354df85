"""PynamoDB's queries, scans, indexes, batches and transactions."""

import pytest
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError, TransactGetError, TransactWriteError
from pynamodb.indexes import (
    AllProjection,
    GlobalSecondaryIndex,
    IncludeProjection,
    KeysOnlyProjection,
    LocalSecondaryIndex,
)
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite


class ByTitle(GlobalSecondaryIndex):
    class Meta:
        index_name = "by-title"
        projection = IncludeProjection(["wins"])

    title = UnicodeAttribute(hash_key=True)
    score = NumberAttribute(range_key=True)


class ByDate(LocalSecondaryIndex):
    class Meta:
        index_name = "by-date"
        projection = AllProjection()

    player = UnicodeAttribute(hash_key=True)
    date = UnicodeAttribute(range_key=True)


class ByWins(GlobalSecondaryIndex):
    class Meta:
        projection = KeysOnlyProjection()

    wins = NumberAttribute(hash_key=True)


class Score(Model):
    class Meta:
        table_name = "pynamodb-score"
        billing_mode = "PAY_PER_REQUEST"
        stream_view_type = "NEW_IMAGE"

    player = UnicodeAttribute(hash_key=True)
    game = NumberAttribute(range_key=True)
    title = UnicodeAttribute()
    score = NumberAttribute()
    date = UnicodeAttribute()
    wins = NumberAttribute(default=0)
    by_title = ByTitle()
    by_date = ByDate()
    by_wins = ByWins()


class Account(Model):
    class Meta:
        table_name = "pynamodb-bank"
        billing_mode = "PAY_PER_REQUEST"

    id = UnicodeAttribute(hash_key=True)
    balance = NumberAttribute()
    version = VersionAttribute()


@pytest.fixture(autouse=True, scope="module")
def tables():
    for model in (Score, Account):
        model.create_table(wait=True)
    with Score.batch_write() as batch:
        for game in range(60):
            batch.save(
                Score(
                    f"p{game % 2}",
                    game,
                    title=f"t{game % 3}",
                    score=game * 7 % 50,
                    date=f"2026-02-{game % 28 + 1:02}",
                    wins=game % 4,
                )
            )
    yield
    for model in (Score, Account):
        model.delete_table()


def games(results):
    return [int(score.game) for score in results]


def test_the_table_has_the_models_indexes():
    described = Score.describe_table()
    indexes = {index["IndexName"]: index for index in described["GlobalSecondaryIndexes"]}
    assert set(indexes) == {"by-title", "by_wins"}
    assert indexes["by-title"]["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["wins"]}
    assert described["LocalSecondaryIndexes"][0]["IndexName"] == "by-date"
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


def test_query():
    assert games(Score.query("p1", Score.game.between(10, 20))) == [11, 13, 15, 17, 19]
    assert games(Score.query("p1", Score.game < 6, scan_index_forward=False)) == [5, 3, 1]
    assert games(Score.query("p0", limit=3)) == [0, 2, 4]
    filtered = Score.query(
        "p0", filter_condition=(Score.title == "t0") & (Score.score > 20), attributes_to_get=["game"]
    )
    assert games(filtered) == [game for game in range(0, 60, 6) if game * 7 % 50 > 20]
    assert Score.count("p0") == 30
    assert Score.count("p0", Score.game >= 50, filter_condition=Score.wins.is_in(0, 2)) == 5


def test_paging_and_going_on_later():
    results = Score.query("p0", page_size=7)
    first = [next(results) for _ in range(7)]
    assert games(first) == list(range(0, 14, 2))
    assert games(Score.query("p0", last_evaluated_key=results.last_evaluated_key)) == list(range(14, 60, 2))
    assert games(Score.query("p0", page_size=10)) == list(range(0, 60, 2))


def test_indexes():
    found = list(Score.by_title.query("t1", ByTitle.score >= 40))
    assert [score.score for score in found] == sorted(score.score for score in found) and len(found) == len(
        [game for game in range(60) if game % 3 == 1 and game * 7 % 50 >= 40]
    )
    dates = list(Score.by_date.query("p0", Score.date.startswith("2026-02-0"), consistent_read=True))
    assert [score.date for score in dates] == sorted(score.date for score in dates) and dates
    assert sorted(games(Score.by_title.scan(filter_condition=ByTitle.title == "t2"))) == list(range(2, 60, 3))
    assert Score.by_title.count("t0") == 20


def test_scan_and_its_segments():
    assert sorted(games(Score.scan())) == list(range(60))
    assert sorted(games(Score.scan(Score.wins == 3))) == list(range(3, 60, 4))
    parts = [games(Score.scan(segment=segment, total_segments=3, page_size=4)) for segment in range(3)]
    assert sorted(game for part in parts for game in part) == list(range(60))


def test_batches():
    keys = [("p0", game) for game in range(0, 60, 2)] + [("p0", 1)]
    assert sorted(games(Score.batch_get(keys))) == list(range(0, 60, 2))
    with Score.batch_write() as batch:
        for game in range(1000, 1070):
            batch.save(Score("batch", game, title="t", score=1, date="d"))
    assert Score.count("batch") == 70
    with Score.batch_write() as batch:
        for score in Score.query("batch"):
            batch.delete(score)
    assert Score.count("batch") == 0


@pytest.fixture
def bank():
    Account("ann", balance=100).save(add_version_condition=False)
    Account("bob", balance=20).save(add_version_condition=False)
    yield Connection()
    with Account.batch_write() as batch:
        for account in Account.scan():
            batch.delete(account)


def balances():
    return {account.id: account.balance for account in Account.scan()}


def test_transactions(bank):
    with TransactWrite(connection=bank, client_request_token="one-transfer") as transaction:
        transaction.update(
            Account("ann"),
            actions=[Account.balance.add(-30)],
            condition=Account.balance >= 30,
            add_version_condition=False,
        )
        transaction.update(Account("bob"), actions=[Account.balance.add(30)], add_version_condition=False)
        transaction.save(Account("eve", balance=1), condition=Account.id.does_not_exist())
        transaction.condition_check(Account, "zed", condition=Account.id.does_not_exist())
    assert balances() == {"ann": 70, "bob": 50, "eve": 1}
    with TransactGet(connection=bank) as transaction:
        ann, bob = (transaction.get(Account, name) for name in ("ann", "bob"))
    assert (ann.get().balance, bob.get().balance) == (70, 50)
    with TransactGet(connection=bank) as transaction:
        nobody = transaction.get(Account, "nobody")
    with pytest.raises(Account.DoesNotExist):
        nobody.get()


def test_a_cancelled_transaction_tells_its_reasons(bank):
    with pytest.raises(TransactWriteError) as caught:
        with TransactWrite(connection=bank) as transaction:
            transaction.delete(Account("bob"), add_version_condition=False)
            transaction.update(
                Account("ann"),
                actions=[Account.balance.add(-500)],
                condition=Account.balance >= 500,
                return_values="ALL_OLD",
                add_version_condition=False,
            )
    error = caught.value
    assert error.cause_response_code == "TransactionCanceledException"
    assert error.cause_response_message.endswith("[None, ConditionalCheckFailed]")
    assert error.cancellation_reasons[0] is None
    assert error.cancellation_reasons[1].code == "ConditionalCheckFailed"
    assert error.cancellation_reasons[1].message == "The conditional request failed"
    assert error.cancellation_reasons[1].raw_item["balance"] == {"N": "100"}
    assert balances() == {"ann": 100, "bob": 20}


def test_versions_in_transactions(bank):
    first, second = Account.get("ann"), Account.get("ann")
    with TransactWrite(connection=bank) as transaction:
        transaction.update(first, actions=[Account.balance.set(1)])
    assert first.version == second.version + 1
    with pytest.raises(TransactWriteError) as caught:
        with TransactWrite(connection=bank) as transaction:
            transaction.update(second, actions=[Account.balance.set(2)])
    assert caught.value.cancellation_reasons[0].code == "ConditionalCheckFailed"
    with pytest.raises(PutError):
        second.save()
    assert Account.get("ann").balance == 1


def test_reads_of_a_table_that_is_not_there(bank):
    class Elsewhere(Model):
        class Meta:
            table_name = "pynamodb-nowhere"

        id = UnicodeAttribute(hash_key=True)

    with pytest.raises(TransactGetError) as caught:
        with TransactGet(connection=bank) as transaction:
            transaction.get(Elsewhere, "a")
    assert caught.value.cause_response_code == "ResourceNotFoundException"
