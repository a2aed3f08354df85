"""PartiQL: the four statements, pages by the client's token, a batch and a transaction."""

from walk import check
from walk.context import HOME, SECOND, n, s

TITLE = "PartiQL: statements, pages, a batch, a transaction; the items reach the other Region"
TABLE = "film"


def run(walk):
    walk.create_global_table(TABLE, "director", "year:N", regions=(HOME, SECOND))
    statements(walk)
    pages(walk)
    batch(walk)
    transaction(walk)


def execute(walk, statement, *parameters, **more):
    if parameters:
        more["Parameters"] = list(parameters)
    return walk.call(HOME, "ExecuteStatement", Statement=statement, **more)


def film(director, year, **more):
    return {"director": s(director), "year": n(year)} | more


def statements(walk):
    insert = f"INSERT INTO {TABLE} VALUE {{'director': ?, 'year': ?, 'cast': ['Ida', {{'name': 'Bo'}}]}}"
    cast = {"cast": {"L": [s("Ida"), {"M": {"name": s("Bo")}}]}}
    execute(walk, insert, s("varda"), n(1962))
    with check.refused("DuplicateItemException", "Duplicate primary key exists in table"):
        execute(walk, insert, s("varda"), n(1962))
    where = "WHERE director = 'varda' AND \"year\" = 1962"
    found = execute(walk, f"SELECT * FROM {TABLE} {where}")["Items"]
    check.equal(found, [film("varda", 1962, **cast)], "the inserted item")
    changed = execute(
        walk, f"UPDATE {TABLE} SET title = 'Cleo' REMOVE \"cast\"[0] {where} RETURNING ALL NEW *"
    )
    wanted = film("varda", 1962, title=s("Cleo"), cast={"L": [{"M": {"name": s("Bo")}}]})
    check.equal(changed["Items"], [wanted], "what the update returns")
    key = film("varda", 1962)
    walk.expect_item(SECOND, TABLE, key, wanted, f"the item of PartiQL appears in {SECOND}")
    with check.refused("ConditionalCheckFailedException", "The conditional request failed"):
        execute(walk, f"DELETE FROM {TABLE} {where} AND title = 'Other'")
    execute(walk, f"DELETE FROM {TABLE} {where}")
    walk.expect_item(SECOND, TABLE, key, None, f"the delete of PartiQL appears in {SECOND}")


def pages(walk):
    films = [film("ozu", year) for year in range(1930, 1937)]
    walk.put_all(HOME, TABLE, films, client=walk.observer)
    found, more = [], {}
    while True:
        page = execute(walk, f"SELECT * FROM {TABLE} WHERE director = 'ozu'", Limit=3, **more)
        check.that(len(page["Items"]) <= 3, f"a page of {len(page['Items'])} items for Limit=3")
        found += page["Items"]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    check.equal(found, films, "the pages of a SELECT")


def batch(walk):
    selects = [
        {"Statement": f'SELECT "year" FROM {TABLE} WHERE director = \'ozu\' AND "year" = {year}'}
        for year in (1931, 1999)
    ]
    responses = walk.call(HOME, "BatchExecuteStatement", Statements=selects)["Responses"]
    check.equal(
        [response.get("Item") for response in responses], [{"year": n(1931)}, None], "items of the batch"
    )


def transaction(walk):
    update = {"Statement": f"UPDATE {TABLE} SET seen = 1 WHERE director = 'ozu' AND \"year\" = 1930"}
    insert = {"Statement": f"INSERT INTO {TABLE} VALUE {{'director': 'ozu', 'year': 1931}}"}
    with check.refused("TransactionCanceledException", "[None, DuplicateItem]"):
        walk.call(HOME, "ExecuteTransaction", TransactStatements=[update, insert])
    check.equal(
        walk.get(HOME, TABLE, film("ozu", 1930)), film("ozu", 1930), "an item of a cancelled transaction"
    )
    walk.call(HOME, "ExecuteTransaction", TransactStatements=[update])
    check.equal(
        walk.get(HOME, TABLE, film("ozu", 1930)), film("ozu", 1930, seen=n(1)), "an item of a transaction"
    )
