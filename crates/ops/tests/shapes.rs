//! The shape of requests: what the table of operations and members says, and that its two passes agree.

use graticule_ops::{Service, input_members};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn every_operation_has_its_members() {
    for service in [Service::DynamoDb, Service::Streams] {
        let operations = service.operations();
        assert!(operations.is_sorted(), "dispatch looks operations up by halves: {operations:?}");
        for operation in operations {
            let without_parameters = matches!(*operation, "DescribeEndpoints" | "DescribeLimits");
            assert_eq!(input_members(service, operation).is_empty(), without_parameters, "{operation}");
        }
    }
    assert_eq!(input_members(Service::DynamoDb, "DeleteTable"), ["TableName"]);
    assert!(input_members(Service::Streams, "DeleteTable").is_empty());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..2_000_000).prop_map(Value::from),
        prop_oneof!["", "x", "abc", "[a-z?]{1,4}", "NONE", "HASH", "S"].prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let names = prop_oneof![
            "TableName|Keys|Item|Key|PutRequest|Put|Get|AttributeName|KeyType|IndexName|KeySchema|Projection",
            "abc|x|S|L|M"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What the quick pass finds broken, the report can name; and nothing makes the server fail.
    #[test]
    fn refusals_say_what_is_wrong(
        operation in proptest::sample::select(Service::DynamoDb.operations()),
        members in proptest::collection::vec((any::<prop::sample::Index>(), any_json()), 0..6),
    ) {
        let names = input_members(Service::DynamoDb, operation);
        let request: serde_json::Map<String, Value> = members
            .into_iter()
            .filter(|_| !names.is_empty())
            .map(|(index, value)| (index.get(&names).to_string(), value))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer = runtime.block_on(async {
            let server = Server::start().await;
            server.call(operation, &json!(request)).await
        });
        if let Err((name, message)) = answer {
            prop_assert!(!name.contains("Internal"), "{operation} {request:?}: {message}");
            prop_assert!(!message.starts_with("0 validation"), "{operation} {request:?}");
        }
    }
}
