//! PartiQL: what statements mean for keys, conditions, updates and columns, and what is no statement.

use graticule_expr::{
    KeyCondition, KeySchemaRef, SortCondition,
    partiql::{Change, Select, Statement},
};
use graticule_model::{AttributeValue, Error, KeyAttribute, KeyType, codec::value_from_json};
use proptest::{prelude::*, sample::select};
use serde_json::json;

use crate::support::{item, string};

fn keys() -> [KeyAttribute; 2] {
    [("pk", KeyType::S), ("sk", KeyType::N)].map(|(name, kind)| KeyAttribute { name: name.to_owned(), kind })
}

fn parse(text: &str) -> Result<Statement, Error> {
    Statement::parse(text, &[])
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn detail(text: &str) -> String {
    let message = refused(text);
    let detail = message.strip_prefix("Statement wasn't well formed, can't be processed: ");
    detail.unwrap_or_else(|| panic!("{text}: {message}")).to_owned()
}

fn query(text: &str) -> Select {
    match parse(text).unwrap() {
        Statement::Select(select) => select,
        other => panic!("{other:?}"),
    }
}

fn change(text: &str) -> Change {
    match parse(text).unwrap() {
        Statement::Update(change) | Statement::Delete(change) => change,
        other => panic!("{other:?}"),
    }
}

/// The ranges that a WHERE clause asks for, and whether more is left to look at.
fn plan(condition: &str) -> (Option<Vec<KeyCondition>>, bool) {
    let [partition, sort] = keys();
    let schema = KeySchemaRef { partition: &[partition], sort: &[sort] };
    let plan = query(&format!("SELECT * FROM t WHERE {condition}")).plan(schema).unwrap();
    (plan.ranges, plan.filter.is_some())
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.parse().unwrap())
}

fn range(partition: &str, sort: Option<SortCondition>) -> KeyCondition {
    KeyCondition {
        partition: vec![("pk".to_owned(), string(partition))],
        sort: sort.into_iter().map(|test| ("sk".to_owned(), test)).collect(),
    }
}

#[test]
fn conditions_on_keys_become_ranges() {
    use SortCondition::{Between, Equal, GreaterOrEqual, Less};
    for (condition, ranges, is_filtered) in [
        ("pk = 'a'", vec![range("a", None)], false),
        ("'a' = pk AND v = 1", vec![range("a", None)], true),
        ("pk = 'a' AND sk = 1", vec![range("a", Some(Equal(number("1"))))], false),
        ("pk = 'a' AND 5 > sk", vec![range("a", Some(Less(number("5"))))], false),
        ("(pk = 'a') AND (sk >= 1 AND sk <= 3)", vec![range("a", Some(GreaterOrEqual(number("1"))))], true),
        ("pk = 'a' AND sk BETWEEN 1 AND 3", vec![range("a", Some(Between(number("1"), number("3"))))], false),
        ("pk = 'a' AND sk <> 3", vec![range("a", None)], true),
        ("pk = 'a' AND pk = 'b'", vec![range("a", None)], true),
        ("pk IN ['b', 'a', 'b']", vec![range("b", None), range("a", None)], false),
        ("pk = 'a' OR pk = 'b'", vec![range("a", None), range("b", None)], false),
        ("pk IN []", vec![], false),
        (
            "pk IN ('a', 'b') AND sk IN (2, 1)",
            ["a", "b"]
                .iter()
                .flat_map(|pk| ["2", "1"].map(|sk| range(pk, Some(Equal(number(sk))))))
                .collect(),
            false,
        ),
    ] {
        assert_eq!(plan(condition), (Some(ranges), is_filtered), "{condition}");
    }
}

#[test]
fn other_conditions_read_everything() {
    for condition in
        ["v = 1", "pk = 'a' OR v = 1", "pk > 'a'", "NOT pk = 'a'", "sk = 1", "pk.x = 'a'", "pk = v"]
    {
        assert_eq!(plan(condition), (None, true), "{condition}");
    }
}

#[test]
fn what_is_left_of_a_condition_is_evaluated() {
    let [partition, sort] = keys();
    let schema = KeySchemaRef { partition: &[partition], sort: &[sort] };
    let found = item(
        json!({"pk": {"S": "a"}, "sk": {"N": "1"}, "v": {"S": "abc"}, "e": {"NULL": true}, "l": {"L": [{"N": "1"}]}}),
    );
    for (condition, holds) in [
        ("begins_with(v, 'ab')", true),
        ("BEGINS_WITH(v, 'b')", false),
        ("contains(l, 1) AND size(l) = 1", true),
        ("attribute_type(v, 'N')", false),
        ("e IS NULL AND v IS NOT NULL AND v IS STRING", true),
        ("x IS MISSING AND NOT (v IS MISSING)", true),
        ("x IS NOT MISSING", false),
        ("v IN ['x', 'abc']", true),
        ("v NOT IN ('x', 'abc')", false),
        ("l[0] NOT BETWEEN 2 AND 3", true),
        ("l[0] = 1 OR v = 'q' AND x = 1", true),
        ("v != 'abc'", false),
        ("l = [1]", true),
    ] {
        let plan = query(&format!("SELECT * FROM t WHERE {condition}")).plan(schema).unwrap();
        assert_eq!(plan.filter.unwrap().matches(&found), holds, "{condition}");
    }
}

#[test]
fn columns_are_called_by_their_last_name() {
    let projection = query(r#"SELECT a, m.b, m."c d"[1], l[0], m['e'] FROM "t""#).projection.unwrap();
    let shown = projection.apply(&item(json!({
        "a": {"N": "1"},
        "m": {"M": {"b": {"N": "2"}, "c d": {"L": [{"N": "3"}, {"N": "4"}]}}},
        "l": {"L": [{"N": "5"}]},
    })));
    let expected = json!({"a": {"N": "1"}, "b": {"N": "2"}, "c d[1]": {"N": "4"}, "l[0]": {"N": "5"}});
    assert_eq!(shown, item(expected));
    assert!(query("SELECT * FROM t").projection.is_none());
}

#[test]
fn writes_name_their_key() {
    let [partition, sort] = keys();
    let schema = KeySchemaRef { partition: &[partition], sort: &[sort] };
    let (key, condition) = change("DELETE FROM t WHERE sk = 1 AND pk = 'a' AND v = 2").key(schema).unwrap();
    assert_eq!(key, item(json!({"pk": {"S": "a"}, "sk": {"N": "1"}})));
    let condition = condition.unwrap();
    // What is not there may be deleted.
    assert!(condition.matches(&item(json!({}))));
    assert!(condition.matches(&item(json!({"pk": {"S": "a"}, "v": {"N": "2"}}))));
    assert!(!condition.matches(&item(json!({"pk": {"S": "a"}, "v": {"N": "3"}}))));
    let (_, condition) = change("UPDATE t SET v = 1 WHERE sk = 1 AND pk = 'a'").key(schema).unwrap();
    assert!(!condition.unwrap().matches(&item(json!({}))));
    let incomplete = change("UPDATE t SET v = 1 WHERE pk = 'a'").key(schema).unwrap_err();
    assert_eq!(
        incomplete.to_string(),
        "Where clause does not contain a mandatory equality on all key attributes"
    );
}

#[test]
fn assignments_are_done_to_the_item() {
    let update = change(
        "UPDATE t SET n = n + 1, m.x = [TRUE, null] SET l = list_append(l, [-2.50]) SET s = set_add(s, <<'b'>>) \
         SET i = if_not_exists(i, 1e2) REMOVE r WHERE pk = 'a'",
    );
    let before =
        item(json!({"n": {"N": "1"}, "m": {"M": {}}, "l": {"L": []}, "s": {"SS": ["a"]}, "r": {"N": "1"}}));
    let after = update.update.unwrap().apply(&before).unwrap();
    let expected = json!({
        "n": {"N": "2"},
        "m": {"M": {"x": {"L": [{"BOOL": true}, {"NULL": true}]}}},
        "l": {"L": [{"N": "-2.5"}]},
        "s": {"SS": ["a", "b"]},
        "i": {"N": "100"},
    });
    assert_eq!(after, item(expected));
}

#[test]
fn parameters_stand_in_order() {
    let values = [value_from_json(r#"{"S": "x"}"#).unwrap(), value_from_json(r#"{"BS": ["AQ=="]}"#).unwrap()];
    let text = "INSERT INTO t VALUE {'pk': 'what''s ?', 'a': ?, 'b': [?]} -- ?";
    let Statement::Insert(insert) = Statement::parse(text, &values).unwrap() else { panic!() };
    let expected = json!({"pk": {"S": "what's ?"}, "a": {"S": "x"}, "b": {"L": [{"BS": ["AQ=="]}]}});
    assert_eq!(insert.item, item(expected));
    let message = "Number of parameters in request and statement don't match.";
    assert_eq!(Statement::parse(text, &values[..1]).unwrap_err().to_string(), message);
}

#[test]
fn the_grammar_has_its_own_words() {
    for (text, expected) in [
        ("", "Unexpected term"),
        ("SELECT", "Unexpected term"),
        ("SELECT a b c FROM t", "Expected FROM after SELECT list"),
        ("SELECT a. FROM t", "Invalid path dot component"),
        ("SELECT a[1 FROM t", "Expected RIGHT_BRACKET"),
        ("SELECT a.*.b FROM t", "Invalid use of * in select list"),
        ("SELECT * FROM t ORDER pk", "Expected BY"),
        ("SELECT * FROM t WHERE (a = 1", "Expected RIGHT_PAREN"),
        ("SELECT * FROM t WHERE a BETWEEN 1 OR 2", "Expected AND keyword"),
        ("SELECT * FROM t WHERE a BETWEEN 1 AND", "Expected expression after AND"),
        ("SELECT * FROM t WHERE a IS good", "Expected type name"),
        ("SELECT * FROM t WHERE a = key", "Unexpected keyword"),
        ("SELECT * FROM t WHERE a = = 1", "Unexpected operator"),
        ("SELECT * FROM t WHERE size(*) = 1", "size(*) is not allowed"),
        ("INSERT INTO 't' VALUE {}", "Expected identifier for simple path"),
        ("INSERT INTO t VALUE {'a' 1}", "Expected COLON"),
        ("INSERT INTO t VALUE <<1", "Expected RIGHT_DOUBLE_ANGLE_BRACKET"),
        ("INSERT t VALUE {}", "Unexpected keyword"),
        ("INSERT INTO t VALUES {'a': 1}", "Expected LEFT_PAREN for row value constructor"),
        ("UPDATE t SET a", "Expected '='"),
        ("UPDATE t REMOVE a, b WHERE pk = 1", "Unexpected token after expression"),
        ("DELETE t", "Expected FROM after DELETE"),
        ("SELECT * FROM t WHERE a = 'x", "Invalid character at 1:29"),
        ("SELECT * FROM t WHERE a = #b", "Invalid character at 1:27"),
    ] {
        assert_eq!(detail(text), expected, "{text}");
    }
}

#[test]
fn dynamodb_knows_less_than_partiql() {
    for (text, expected) in [
        ("SELECT DISTINCT a FROM t", "Unsupported clause: DISTINCT at 1:8:8"),
        ("SELECT VALUE a FROM t", "Unsupported clause: VALUE at 1:8:5"),
        ("SELECT a AS b FROM t", "Unsupported clause: AS at 1:10:2"),
        ("SELECT * FROM t, u", "Unsupported clause: JOIN at 1:16:1"),
        ("SELECT * FROM t LEFT JOIN u ON a = b", "Unsupported clause: JOIN at 1:17:4"),
        ("SELECT a\nFROM t\nHAVING a", "Unsupported clause: HAVING at 3:1:6"),
        ("SELECT * FROM t WHERE a || b = 'c'", "Unsupported operator: || at 1:25:2"),
        ("SELECT * FROM t WHERE a + 1 = 2", "Unsupported operator: + at 1:23:1"),
        ("SELECT * FROM t WHERE a", "Unexpected expression at 1:23:1"),
        ("SELECT a.* FROM t", "Unexpected path component at 1:8:1"),
        ("SELECT * FROM 't'", "Unexpected from source at 1:15:3"),
        ("SELECT upper(a) FROM t", "Unsupported function: upper at 1:8:5"),
        (
            "SELECT * FROM t WHERE begins_with(a)",
            "Invalid number of arguments for function begins_with at 1:23:11",
        ),
        ("INSERT INTO t VALUE 'a'", "Unsupported value at 1:21:3"),
        ("INSERT INTO t VALUE {'a': b}", "Unsupported value at 1:27:1"),
        (
            "INSERT INTO t VALUE {'a': <<1, 'b'>>}",
            "Elements of a set must be all strings, all numbers or all binaries at 1:27:2",
        ),
        ("CREATE TABLE t", "Unsupported operation: CREATE"),
        ("1 + 1", "Unexpected expression at 1:1:1"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{'a': ", "}"), ("NOT ", ""), ("- ", ""), ("size(", ")")] {
        let text = format!("SELECT * FROM t WHERE a = {}1{}", open.repeat(2000), close.repeat(2000));
        assert_eq!(detail(&text), "Expression is nested too deeply", "{open}");
    }
    let chain = format!("SELECT * FROM t WHERE a = 1{}", " + 1".repeat(1900));
    assert_eq!(detail(&chain), "Expression is nested too deeply");
    let flat = format!("SELECT * FROM t WHERE pk = 'a'{}", " AND v = 1".repeat(700));
    query(&flat);
}

/// Pieces of which nonsense that nearly parses is made.
const PIECES: &[&str] = &[
    "SELECT ",
    "* ",
    "FROM ",
    "t ",
    "WHERE ",
    "pk",
    " = ",
    "'a'",
    "sk",
    " AND ",
    " OR ",
    "NOT ",
    " IN ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<<",
    ">>",
    ",",
    ":",
    "?",
    "1",
    "-",
    "+",
    ".",
    "\"",
    "'",
    "INSERT INTO ",
    "VALUE ",
    "UPDATE ",
    "SET ",
    "REMOVE ",
    "DELETE ",
    "RETURNING ALL OLD *",
    "ORDER BY ",
    " IS ",
    "MISSING",
    "NULL",
    "BETWEEN ",
    "size",
    "exists",
    "contains",
    "set_add",
    "é",
    "--",
    "/*",
    "`",
    ";",
    "\n",
    " ",
    "LIMIT ",
    "*",
    "AS ",
    "\u{0}",
];

proptest! {
    #[test]
    fn nonsense_is_refused_in_words(pieces in prop::collection::vec(select(PIECES), 0..40)) {
        let text = pieces.concat();
        let [partition, sort] = keys();
        let schema = KeySchemaRef { partition: &[partition], sort: &[sort] };
        match parse(&text) {
            Ok(Statement::Select(select) | Statement::Exists(select)) => {
                let _ = (select.plan(schema), select.key(schema));
            }
            Ok(Statement::Update(change) | Statement::Delete(change)) => drop(change.key(schema)),
            Ok(Statement::Insert(insert)) => drop(insert.condition(schema)),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_text_is_read(text in ".{0,200}") {
        let _ = parse(&text);
    }
}
