//! Key conditions against key schemas.

use graticule_expr::{KeyCondition, KeySchemaRef, SortCondition, parse_key_condition};
use graticule_model::{AttributeValue, Error, KeyAttribute, KeyType, Number};
use serde_json::{Value, json};

use crate::support::{placeholders, string};

/// Names and types of the HASH and of the RANGE attributes of a key.
type Schema = (&'static [(&'static str, KeyType)], &'static [(&'static str, KeyType)]);

const BOTH: Schema = (&[("pk", KeyType::S)], &[("sk", KeyType::N)]);
const TEXT: Schema = (&[("pk", KeyType::S)], &[("sk", KeyType::S)]);
const ONE: Schema = (&[("pk", KeyType::S)], &[]);
const MANY: Schema = (
    &[("h1", KeyType::S), ("h2", KeyType::N)],
    &[("r1", KeyType::S), ("r2", KeyType::N), ("r3", KeyType::S)],
);

fn values() -> Value {
    json!({
        "#pk": "pk", "#sk": "sk",
        ":p": {"S": "p"}, ":n": {"N": "1"}, ":m": {"N": "2"}, ":s": {"S": "s"}, ":b": {"B": "AQ=="},
        ":empty": {"S": ""}
    })
}

fn parse(text: &str, schema: Schema) -> Result<KeyCondition, Error> {
    parse_with(text, schema, &values())
}

fn parse_with(text: &str, (partition, sort): Schema, values: &Value) -> Result<KeyCondition, Error> {
    let attributes = |part: &[(&str, KeyType)]| -> Vec<KeyAttribute> {
        part.iter().map(|(name, kind)| KeyAttribute { name: (*name).to_owned(), kind: *kind }).collect()
    };
    let (partition, sort) = (attributes(partition), attributes(sort));
    let schema = KeySchemaRef { partition: &partition, sort: &sort };
    parse_key_condition(text, schema, &mut placeholders(values))
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(Number::from(value))
}

#[test]
fn accepted() {
    use SortCondition::{BeginsWith, Between, Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let table = [
        ("pk = :p", ONE, None),
        ("pk = :p", BOTH, None),
        (":p = pk", BOTH, None),
        ("(pk = :p)", BOTH, None),
        ("pk = :p AND sk = :n", BOTH, Some(Equal(number(1)))),
        ("sk = :n AND pk = :p", BOTH, Some(Equal(number(1)))),
        ("(pk = :p) and (sk < :n)", BOTH, Some(Less(number(1)))),
        ("(pk = :p AND sk <= :n)", BOTH, Some(LessOrEqual(number(1)))),
        ("#pk = :p AND #sk > :n", BOTH, Some(Greater(number(1)))),
        ("pk = :p AND sk >= :n", BOTH, Some(GreaterOrEqual(number(1)))),
        ("pk = :p AND :n < sk", BOTH, Some(Greater(number(1)))),
        ("pk = :p AND :n >= sk", BOTH, Some(LessOrEqual(number(1)))),
        ("pk = :p AND sk BETWEEN :n AND :m", BOTH, Some(Between(number(1), number(2)))),
        ("sk BETWEEN :n AND :m AND pk = :p", BOTH, Some(Between(number(1), number(2)))),
        ("pk = :p AND begins_with(sk, :s)", TEXT, Some(BeginsWith(string("s")))),
    ];
    for (text, schema, sort) in table {
        let expected = KeyCondition {
            partition: vec![("pk".to_owned(), string("p"))],
            sort: sort.map(|condition| ("sk".to_owned(), condition)).into_iter().collect(),
        };
        assert_eq!(parse(text, schema).unwrap_or_else(|error| panic!("{text}: {error}")), expected, "{text}");
    }
}

#[test]
fn keys_of_several_attributes() {
    use SortCondition::{BeginsWith, Between, Equal, Less};
    let one = || Equal(number(1));
    let text = || Equal(string("s"));
    let table = [
        ("h1 = :p AND h2 = :n", vec![]),
        ("h2 = :n AND h1 = :p", vec![]),
        ("h1 = :p AND h2 = :n AND r1 = :s", vec![text()]),
        ("r1 < :s AND h1 = :p AND h2 = :n", vec![Less(string("s"))]),
        ("h1 = :p AND h2 = :n AND begins_with(r1, :s)", vec![BeginsWith(string("s"))]),
        (
            "h1 = :p AND r2 BETWEEN :n AND :m AND h2 = :n AND r1 = :s",
            vec![text(), Between(number(1), number(2))],
        ),
        ("h1 = :p AND h2 = :n AND r3 = :s AND r2 = :n AND r1 = :s", vec![text(), one(), text()]),
        (
            "h1 = :p AND h2 = :n AND r1 = :s AND r2 = :n AND begins_with(r3, :s)",
            vec![text(), one(), BeginsWith(string("s"))],
        ),
    ];
    for (expression, sort) in table {
        let names = ["r1", "r2", "r3"].map(str::to_owned);
        let expected = KeyCondition {
            partition: vec![("h1".to_owned(), string("p")), ("h2".to_owned(), number(1))],
            sort: names.into_iter().zip(sort).collect(),
        };
        assert_eq!(parse(expression, MANY), Ok(expected), "{expression}");
    }
}

#[test]
fn keys_of_several_attributes_are_not_skipped() {
    let missed = |name: &str| format!("Query condition missed key schema element: {name}");
    let unsupported = || "Query key condition not supported".to_owned();
    let wrong_type = || {
        "One or more parameter values were invalid: Condition parameter type does not match schema type"
            .to_owned()
    };
    let table = [
        ("h1 = :p", missed("h2")),
        ("h2 = :n", missed("h1")),
        ("h1 = :p AND r1 = :s", missed("h2")),
        ("h1 = :p AND h2 > :n", unsupported()),
        ("h1 = :p AND h2 = :n AND r2 = :n", missed("r1")),
        ("h1 = :p AND h2 = :n AND r1 = :s AND r3 = :s", missed("r2")),
        ("h1 = :p AND h2 = :n AND elsewhere = :s", missed("r1")),
        ("h1 = :p AND h2 = :n AND r1 < :s AND r2 = :n", unsupported()),
        ("h1 = :p AND h2 = :n AND r1 = :s AND r2 BETWEEN :n AND :m AND r3 = :s", unsupported()),
        ("h1 = :p AND h2 = :n AND r1 = :s AND r2 = :n AND r3 = :s AND elsewhere = :s", unsupported()),
        ("h1 = :p AND h2 = :s", wrong_type()),
        ("h1 = :p AND h2 = :n AND r1 = :n", wrong_type()),
        (
            "h1 = :p AND h2 = :n AND r1 = :empty",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: r1"
                .to_owned(),
        ),
        ("h1 = :p AND h2 = :n AND h2 = :m", "KeyConditionExpressions must only contain one condition per key".to_owned()),
    ];
    for (expression, expected) in table {
        assert_eq!(parse(expression, MANY).expect_err(expression).to_string(), expected, "{expression}");
    }
}

#[test]
fn refused() {
    let missed = |name: &str| format!("Query condition missed key schema element: {name}");
    let operator = |name: &str| format!("Invalid operator used in KeyConditionExpression: {name}");
    let not_first = |name: &str| {
        format!(
            "Invalid condition in KeyConditionExpression: {name} operator must have the key attribute as its first operand"
        )
    };
    let words = |text: &str| text.to_owned();
    let unsupported = || words("Query key condition not supported");
    let wrong_type = || {
        words(
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        )
    };
    let table = [
        ("sk = :n", BOTH, missed("pk")),
        ("elsewhere = :p", ONE, missed("pk")),
        ("pk = :p AND elsewhere = :n", BOTH, missed("sk")),
        ("pk = :p AND elsewhere = :n", ONE, unsupported()),
        ("pk > :p", BOTH, unsupported()),
        ("begins_with(pk, :p) AND sk = :n", BOTH, unsupported()),
        ("pk = :n", BOTH, wrong_type()),
        ("pk = :p AND sk = :s", BOTH, wrong_type()),
        ("pk = :p AND begins_with(sk, :s)", BOTH, wrong_type()),
        ("pk = :p AND begins_with(sk, :b)", TEXT, wrong_type()),
        ("pk = :p OR sk = :n", BOTH, operator("OR")),
        ("pk = :p AND NOT sk = :n", BOTH, operator("NOT")),
        ("pk = :p AND sk <> :n", BOTH, operator("<>")),
        ("pk = :p AND sk IN (:n)", BOTH, operator("IN")),
        ("pk = :p AND attribute_exists(sk)", BOTH, operator("attribute_exists")),
        ("pk = :p AND contains(sk, :s)", BOTH, operator("contains")),
        ("pk = :p AND attribute_type(sk, :type)", BOTH, operator("attribute_type")),
        (
            "pk = :p AND size(sk) = :n",
            BOTH,
            words("KeyConditionExpressions cannot contain nested operations"),
        ),
        ("pk.a = :p", BOTH, words("KeyConditionExpressions cannot have conditions on nested attributes")),
        (
            "pk = :p AND sk > :n AND sk < :m",
            BOTH,
            words("KeyConditionExpressions must only contain one condition per key"),
        ),
        ("pk = :p AND sk > :n AND a < :m", BOTH, words("Conditions can be of length 1 or 2 only")),
        (
            "pk = sk",
            BOTH,
            words(
                "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
            ),
        ),
        (":p = :s", BOTH, words("Invalid condition in KeyConditionExpression: No key attribute specified")),
        ("pk = :p AND :n BETWEEN sk AND :m", BOTH, not_first("BETWEEN")),
        ("pk = :p AND begins_with(:s, sk)", TEXT, not_first("begins_with")),
        (
            "pk = :empty",
            BOTH,
            words(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk",
            ),
        ),
        ("", BOTH, words("Invalid KeyConditionExpression: The expression can not be empty;")),
        (
            "pk = :p AND begins_with(sk, :n)",
            BOTH,
            words(
                "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            ),
        ),
    ];
    for (text, schema, expected) in table {
        let mut values = values();
        values[":type"] = json!({"S": "S"});
        let error = parse_with(text, schema, &values).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}
