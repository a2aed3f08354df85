"""Dyntastic: pydantic models over boto3's resource, with its queries, updates, batches and transactions."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import List, Optional, Set

import pytest
from dyntastic import A, DoesNotExist, Dyntastic, Index, transaction
from pydantic import BaseModel, Field


class Line(BaseModel):
    product: str
    quantity: int


class Order(Dyntastic):
    __table_name__ = "dyntastic-order"
    __hash_key__ = "customer"
    __range_key__ = "placed"

    customer: str
    placed: datetime
    state: str = "open"
    total: Decimal = Decimal(0)
    lines: List[Line] = Field(default_factory=list)
    tags: Optional[Set[str]] = None
    note: Optional[str] = None


def day(number):
    return datetime(2026, 3, number, tzinfo=timezone.utc)


@pytest.fixture(autouse=True, scope="module")
def table():
    Order.create_table(Index("state", "placed", index_name="by-state"))
    yield
    Order._dynamodb_table().delete()


def test_save_get_update_delete():
    order = Order(
        customer="ann",
        placed=day(1),
        total=Decimal("12.50"),
        lines=[Line(product="a", quantity=2)],
        tags={"x"},
    )
    order.save(condition=A.customer.not_exists())
    assert Order.get("ann", day(1), consistent_read=True) == order
    with pytest.raises(Order.ConditionException()):
        order.save(condition=A.customer.not_exists())
    order.update(A.total.set(A.total + 5), A.note.set_default("new"), A.tags.add({"y"}), refresh=True)
    assert (order.total, order.note, order.tags) == (Decimal("17.50"), "new", {"x", "y"})
    with pytest.raises(Order.ConditionException()):
        order.update(A.state.set("shut"), condition=A.total > 100, require_condition=True)
    order.delete(condition=A.state == "open")
    assert Order.safe_get("ann", day(1)) is None
    with pytest.raises(DoesNotExist):
        order.refresh()


def test_batches_queries_and_scans():
    with Order.batch_writer():
        for number in range(1, 29):
            Order(customer=f"c{number % 2}", placed=day(number), state=f"s{number % 3}", total=number).save()
    days = [
        order.placed.day for order in Order.query("c1", range_key_condition=A.placed < day(10).isoformat())
    ]
    assert days == [1, 3, 5, 7, 9]
    late = Order.query(
        A.state == "s1", index="by-state", scan_index_forward=False, filter_condition=A.total > 15
    )
    assert [order.placed.day for order in late] == [28, 25, 22, 19, 16]
    page = Order.query_page("c0", per_page=5)
    assert page.has_more and len(page.items) == 5
    rest = Order.query_page("c0", last_evaluated_key=page.last_evaluated_key)
    assert [order.placed.day for order in page.items + rest.items] == list(range(2, 29, 2))
    assert sorted(order.placed.day for order in Order.scan(A.state == "s0", per_page=4)) == list(
        range(3, 29, 3)
    )
    assert len(Order.batch_get([("c1", day(1)), ("c1", day(2)), ("c0", day(2))])) == 2


def test_transactions(resource):
    with transaction():
        Order(customer="t", placed=day(1), total=1).save()
        Order(customer="t", placed=day(2)).save(condition=A.customer.not_exists())
    assert len(list(Order.query("t"))) == 2
    with pytest.raises(resource.meta.client.exceptions.ClientError) as caught:
        with transaction():
            Order(customer="t", placed=day(1)).update(A.total.set(99), refresh=False)
            Order(customer="t", placed=day(2)).save(condition=A.customer.not_exists())
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert Order.get("t", day(1)).total == 1
