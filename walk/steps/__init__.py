"""The steps of the walk, in order. Each is a function of a Walk that returns when all is as it should be."""

from walk.steps import (
    cloudformation,
    conflicts,
    crash,
    indexes,
    items,
    operate,
    partiql,
    queries,
    replicas,
    serve,
    stop,
    streams,
    tables,
    terraform,
    transactions,
    ttl,
)

STEPS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        serve,
        tables,
        items,
        queries,
        indexes,
        replicas,
        conflicts,
        operate,
        transactions,
        streams,
        partiql,
        ttl,
        terraform,
        cloudformation,
        crash,
        stop,
    )
}
