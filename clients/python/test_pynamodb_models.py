"""PynamoDB's models: their table, every attribute, conditions, updates, versions, polymorphism."""

from datetime import datetime, timedelta, timezone

import pytest
from pynamodb.attributes import (
    BinaryAttribute,
    BinarySetAttribute,
    BooleanAttribute,
    DiscriminatorAttribute,
    DynamicMapAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NullAttribute,
    NumberAttribute,
    NumberSetAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, TableDoesNotExist, UpdateError
from pynamodb.models import Model


class Address(MapAttribute):
    street = UnicodeAttribute()
    number = NumberAttribute(null=True)
    floors = ListAttribute(of=NumberAttribute, default=list)


class Person(Model):
    class Meta:
        table_name = "pynamodb-person"
        billing_mode = "PAY_PER_REQUEST"

    name = UnicodeAttribute(hash_key=True)
    born = NumberAttribute(range_key=True)
    photo = BinaryAttribute(legacy_encoding=False, null=True)
    active = BooleanAttribute(default=True)
    since = UTCDateTimeAttribute(null=True)
    expires = TTLAttribute(null=True)
    settings = JSONAttribute(null=True)
    nothing = NullAttribute(null=True)
    home = Address(null=True)
    anything = DynamicMapAttribute(null=True)
    past = ListAttribute(of=Address, null=True)
    mixed = ListAttribute(null=True)
    tags = UnicodeSetAttribute(null=True)
    lucky = NumberSetAttribute(null=True)
    keys = BinarySetAttribute(legacy_encoding=False, null=True)
    score = NumberAttribute(null=True)
    note = UnicodeAttribute(null=True, attr_name="n")


class Account(Model):
    class Meta:
        table_name = "pynamodb-account"
        read_capacity_units = 2
        write_capacity_units = 1

    id = UnicodeAttribute(hash_key=True)
    balance = NumberAttribute(default=0)
    version = VersionAttribute()


class Animal(Model):
    class Meta:
        table_name = "pynamodb-animal"
        billing_mode = "PAY_PER_REQUEST"

    name = UnicodeAttribute(hash_key=True)
    kind = DiscriminatorAttribute()


class Cat(Animal, discriminator="cat"):
    indoors = BooleanAttribute()


class Dog(Animal, discriminator="dog"):
    tricks = UnicodeSetAttribute(null=True)


@pytest.fixture(autouse=True, scope="module")
def tables():
    models = (Person, Account, Animal)
    for model in models:
        assert not model.exists()
        model.create_table(wait=True)
        assert model.exists()
    yield
    for model in models:
        model.delete_table()
        with pytest.raises(TableDoesNotExist):
            model.describe_table()


def test_the_table_is_what_the_model_says():
    described = Person.describe_table()
    assert described["TableStatus"] == "ACTIVE"
    assert described["KeySchema"] == [
        {"AttributeName": "name", "KeyType": "HASH"},
        {"AttributeName": "born", "KeyType": "RANGE"},
    ]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert Account.describe_table()["ProvisionedThroughput"]["ReadCapacityUnits"] == 2
    assert Person.count() == 0


def test_every_attribute_comes_back_as_it_went():
    person = Person(
        "Ada",
        1815,
        photo=bytes(range(256)),
        since=datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc),
        expires=timedelta(days=400),
        settings={"theme": {"dark": True}, "sizes": [1, 2.5, None]},
        home=Address(street="Rue du Bac", number=12, floors=[1, 2]),
        anything={"a": 1, "b": {"c": ["d", None, True]}, "e": ""},
        past=[Address(street="First"), Address(street="Second", number=2)],
        mixed=["text", 5, False, {"k": [1]}],
        tags={"x", "y"},
        lucky={7, 3.5, -1},
        keys={b"\x00", b"\xff"},
        score=12345678901234567890,
        note="",
    )
    person.save()
    found = Person.get("Ada", 1815, consistent_read=True)
    assert found.attribute_values.keys() == person.attribute_values.keys()
    for name in ("photo", "since", "settings", "tags", "lucky", "keys", "score", "note", "active", "mixed"):
        assert getattr(found, name) == getattr(person, name), name
    assert found.expires == person.expires.replace(microsecond=0)
    assert found.home.street == "Rue du Bac" and found.home.floors == [1, 2]
    assert (
        found.anything["a"] == 1
        and found.anything["b"] == {"c": ["d", None, True]}
        and found.anything["e"] == ""
    )
    assert [(address.street, address.number) for address in found.past] == [("First", None), ("Second", 2)]
    assert found.nothing is None


def test_what_is_not_there():
    with pytest.raises(DoesNotExist):
        Person.get("Nobody", 1)
    with pytest.raises(DoesNotExist):
        Person("Nobody", 1).refresh()


def test_updates():
    person = Person(
        "Bob", 1990, score=1, mixed=["a", "b", "c"], tags={"x", "y", "z"}, lucky={1}, home=Address(street="s")
    )
    person.save()
    person.update(
        actions=[
            Person.score.set(Person.score + 10),
            Person.mixed[1].remove(),
            Person.tags.delete({"x"}),
            Person.lucky.add({2, 3}),
            Person.home.street.set("t"),
            Person.home.number.set(Person.home.number | 5),
            Person.note.set("hello"),
        ]
    )
    assert (
        person.score == 11
        and person.mixed == ["a", "c"]
        and person.tags == {"y", "z"}
        and person.lucky == {1, 2, 3}
    )
    assert person.home.street == "t" and person.home.number == 5 and person.note == "hello"
    person.update(
        actions=[
            Person.score.set(Person.score - 1),
            Person.mixed.set(Person.mixed.append(["d"])),
            Person.note.remove(),
            Person.anything.set({"k": 1}),
        ]
    )
    again = Person.get("Bob", 1990)
    assert again.score == 10 and again.mixed == ["a", "c", "d"] and again.note is None
    assert again.anything["k"] == 1
    person.update(actions=[Person.score.add(5)], condition=Person.score == 10)
    assert person.score == 15
    with pytest.raises(UpdateError) as caught:
        person.update(actions=[Person.score.set(0)], condition=Person.score > 100)
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    assert caught.value.cause_response_message == "The conditional request failed"
    with pytest.raises(UpdateError) as caught:
        person.update(actions=[Person.note.set(Person.note)])
    assert caught.value.cause_response_code == "ValidationException"


def test_conditions():
    Person(
        "Cy", 2000, score=5, note="hello world", tags={"a"}, mixed=[1, 2], home=Address(street="main")
    ).save()
    true = [
        Person.score == 5,
        (Person.score > 4) & (Person.score < 6) & (Person.score != 7),
        Person.score.between(5, 9) | Person.score.does_not_exist(),
        Person.score.is_in(1, 5),
        Person.note.startswith("hello") & Person.note.contains("lo w"),
        Person.tags.contains("a") & ~Person.tags.contains("b"),
        Person.mixed[1] == 2,
        Person.home.street == "main",
        Person.photo.does_not_exist() & Person.note.exists(),
        Person.note.is_type(),
        ~(Person.score <= 4),
    ]
    for condition in true:
        Person("Cy", 2000).update(actions=[Person.active.set(True)], condition=condition)
    for condition in (
        Person.score == 6,
        Person.tags.contains("b"),
        Person.photo.exists(),
        Person.mixed[5] == 1,
    ):
        with pytest.raises(DeleteError) as caught:
            Person("Cy", 2000).delete(condition=condition)
        assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(PutError) as caught:
        Person("Cy", 2000).save(condition=Person.name.does_not_exist())
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    person = Person("Cy", 2000)
    person.delete(condition=Person.score == 5)
    with pytest.raises(DoesNotExist):
        person.refresh()


def test_versions_keep_writers_apart():
    Account("a", balance=10).save()
    mine, theirs = Account.get("a"), Account.get("a")
    mine.update(actions=[Account.balance.add(5)])
    assert mine.version == 2
    theirs.balance = 0
    with pytest.raises(PutError) as caught:
        theirs.save()
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(DeleteError):
        theirs.delete()
    theirs.refresh()
    assert theirs.balance == 15
    theirs.delete()
    with pytest.raises(PutError):
        mine.save()


def test_models_of_several_kinds_in_one_table():
    Cat("Tom", indoors=True).save()
    Dog("Rex", tricks={"sit"}).save()
    found = {animal.name: animal for animal in Animal.scan()}
    assert type(found["Tom"]) is Cat and type(found["Rex"]) is Dog
    assert [cat.name for cat in Cat.scan()] == ["Tom"]
