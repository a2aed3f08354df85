//! What the parsers refuse, and in which words.

use graticule_expr::{Condition, ExpressionKind, Placeholders};
use serde_json::{Value, json};

use crate::support::{condition, placeholders, projection, update};

fn values() -> Value {
    json!({
        "#n": "n", "#a": "a",
        ":n": {"N": "10"}, ":five": {"N": "5"}, ":s": {"S": "x"}, ":b": {"B": "AQ=="}, ":t": {"BOOL": true},
        ":null": {"NULL": true}, ":l": {"L": []}, ":m": {"M": {}}, ":ss": {"SS": ["a"]}, ":ns": {"NS": ["1"]},
        ":type": {"S": "S"}
    })
}

/// The message of a refused expression, without the words that name the parameter.
fn refusal<T>(parameter: &str, text: &str, result: Result<T, graticule_model::Error>) -> String {
    let Err(error) = result else { panic!("accepted: {text}") };
    let prefix = format!("Invalid {parameter}: ");
    error.to_string().strip_prefix(&prefix).unwrap_or_else(|| panic!("{text}: {error}")).to_owned()
}

fn check_conditions(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(refusal("ConditionExpression", text, condition(text, &values())), *expected, "{text}");
    }
}

fn check_updates(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(refusal("UpdateExpression", text, update(text, &values())), *expected, "{text}");
    }
}

#[test]
fn syntax() {
    check_conditions(&[
        ("", "The expression can not be empty;"),
        ("a", "Syntax error; token: \"<EOF>\", near: \"a\""),
        ("a =", "Syntax error; token: \"<EOF>\", near: \"=\""),
        ("a = = :n", "Syntax error; token: \"=\", near: \"= = :n\""),
        ("a : n", "Syntax error; token: \":\", near: \"a : n\""),
        ("a = :n b", "Syntax error; token: \"b\", near: \":n b\""),
        ("(a = :n", "Syntax error; token: \"<EOF>\", near: \":n\""),
        ("a = :n)", "Syntax error; token: \")\", near: \":n)\""),
        ("(a) AND b = :n", "Syntax error; token: \"AND\", near: \") AND b\""),
        ("NOT (a)", "Syntax error; token: \"<EOF>\", near: \")\""),
        ("a[-1] = :n", "Syntax error; token: \"-\", near: \"[-1\""),
        ("a[01] = :n", "Syntax error; token: \"1\", near: \"01]\""),
        ("a[b] = :n", "Syntax error; token: \"b\", near: \"[b]\""),
        ("a..b = :n", "Syntax error; token: \".\", near: \"..b\""),
        ("_a = :n", "Syntax error; token: \"_\", near: \"_a\""),
        ("a-b = :n", "Syntax error; token: \"-\", near: \"a-b\""),
        ("a IN :n", "Syntax error; token: \":n\", near: \"IN :n\""),
        ("a IN ()", "Syntax error; token: \")\", near: \"()\""),
        ("a BETWEEN :five OR :n", "Syntax error; token: \"OR\", near: \":five OR :n\""),
        ("a = 'x'", "Syntax error; token: \"'\", near: \"= 'x\""),
        ("contains()", "Syntax error; token: \")\", near: \"()\""),
        ("é = :n", "Syntax error; token: \"é\", near: \"é =\""),
        ("(a = b) = :n", "Syntax error; token: \"=\", near: \") = :n\""),
    ]);
    check_updates(&[
        ("INVALID SYNTAX HERE", "Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\""),
        ("ADD hits : incr", "Syntax error; token: \":\", near: \"hits : incr\""),
        ("SET a = :n,", "Syntax error; token: \"<EOF>\", near: \",\""),
        ("SET a = :n, REMOVE b", "Syntax error; token: \"REMOVE\", near: \", REMOVE b\""),
        ("SET a :n", "Syntax error; token: \":n\", near: \"a :n\""),
        ("SET a = :n + :n + :n", "Syntax error; token: \"+\", near: \":n + :n\""),
        ("SET a = (:n + :n) - :n", "Syntax error; token: \"-\", near: \") - :n\""),
        ("ADD a b", "Syntax error; token: \"b\", near: \"a b\""),
        ("SET set = :n", "Syntax error; token: \"set\", near: \"SET set =\""),
    ]);
    assert_eq!(
        refusal("ProjectionExpression", "a,", projection("a,", &values())),
        "Syntax error; token: \"<EOF>\", near: \",\""
    );
}

#[test]
fn redundant_parentheses() {
    let expected = "The expression has redundant parentheses;";
    check_conditions(&[
        ("((a = :n))", expected),
        ("((a)) = :n", expected),
        ("a = ((:n))", expected),
        ("((contains(a, :n)))", expected),
        ("b = :n AND ((a = :n) )", expected),
        ("a IN (((:n)))", expected),
        // As users of the live service have reported them.
        ("(a = :n AND b = :n) AND ((attribute_not_exists(c) OR d <= :n))", expected),
        ("(a = :n) AND ((b IN (:n, :five)))", expected),
        ("((:n = :n AND :n = :n))", expected),
    ]);
    check_updates(&[("SET a = ((b + :n))", expected), ("SET a = ((b))", expected)]);
    for text in [
        "((a = :n) AND b = :n)",
        "(a) = (:n)",
        "(NOT (a = :n))",
        "(contains(a, :s))",
        "a IN ((:n))",
        "((:n = :n AND :n = :n) AND :n = :n)",
        "((a = :n) AND (b = :n))",
        "(a = :n AND b = :n) OR (a = :five AND b = :n)",
        "(a = :n) AND (b = :five)",
    ] {
        condition(text, &values()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for text in ["SET a = (b + :n)", "SET a = (b) + (:n)", "SET a = (b)"] {
        update(text, &values()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn reserved_words() {
    check_conditions(&[
        ("name = :n", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a.Status = :n", "Attribute name is a reserved keyword; reserved keyword: Status"),
        ("attribute_exists(ZONE)", "Attribute name is a reserved keyword; reserved keyword: ZONE"),
        ("size = :n", "Attribute name is a reserved keyword; reserved keyword: size"),
        ("abort = :n", "Attribute name is a reserved keyword; reserved keyword: abort"),
    ]);
    check_updates(&[("SET ttl = :n", "Attribute name is a reserved keyword; reserved keyword: ttl")]);
    assert_eq!(
        refusal("ProjectionExpression", "a, data", projection("a, data", &values())),
        "Attribute name is a reserved keyword; reserved keyword: data"
    );
}

#[test]
fn undefined_placeholders() {
    check_conditions(&[
        (
            "#x = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "a.#x = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        ("a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
    ]);
    check_updates(&[
        (
            "SET a = :x",
            "An expression attribute value used in expression is not defined; attribute value: :x",
        ),
        ("ADD a :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
    ]);
}

#[test]
fn functions() {
    check_conditions(&[
        ("foo(a)", "Invalid function name; function: foo"),
        ("Contains(a, :s)", "Invalid function name; function: Contains"),
        ("foo(a) = :n", "Invalid function name; function: foo"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "a = contains(b, :s)",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        (
            "list_append(a, :l)",
            "The function is not allowed in a condition expression; function: list_append",
        ),
        (
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
        ),
        (
            "contains(a)",
            "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
        ),
        (
            "attribute_exists(:s)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "attribute_not_exists(size(a))",
            "Operator or function requires a document path; operator or function: attribute_not_exists",
        ),
    ]);
    check_updates(&[
        ("SET a = foo(b)", "Invalid function name; function: foo"),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
        (
            "SET a = list_append(list_append(b, :l), :l)",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = list_append(b, :l) + :n",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = if_not_exists(b)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
        ),
        (
            "SET a = if_not_exists(:n, :n)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
    ]);
}

#[test]
fn operand_types() {
    let wrong = |operator: &str, actual: &str| {
        format!(
            "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {actual}"
        )
    };
    let conditions = [
        ("a < :t", wrong("<", "BOOL")),
        (":l >= a", wrong(">=", "L")),
        ("a BETWEEN :m AND :n", wrong("BETWEEN", "M")),
        ("begins_with(a, :n)", wrong("begins_with", "N")),
        ("begins_with(size(a), :s)", wrong("begins_with", "N")),
        ("begins_with(:ss, :s)", wrong("begins_with", "SS")),
        ("contains(:n, a)", wrong("contains", "N")),
        ("size(:null) = :n", wrong("size", "NULL")),
        ("size(size(a)) = :n", wrong("size", "N")),
        ("attribute_type(a, :n)", wrong("attribute_type", "N")),
        ("attribute_type(a, b)", wrong("attribute_type", "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}")),
        (
            "attribute_type(a, :s)",
            "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
                .to_owned(),
        ),
    ];
    check_conditions(&conditions.each_ref().map(|(text, expected)| (*text, expected.as_str())));
    let updates = [
        ("SET a = b + :s", wrong("+", "S")),
        ("SET a = :l - b", wrong("-", "L")),
        ("SET a = list_append(b, :s)", wrong("list_append", "S")),
        (
            "ADD a :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND".to_owned(),
        ),
        (
            "ADD a :l",
            "Incorrect operand type for operator or function; operator: ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND".to_owned(),
        ),
        (
            "DELETE a :n",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND".to_owned(),
        ),
    ];
    check_updates(&updates.each_ref().map(|(text, expected)| (*text, expected.as_str())));
}

#[test]
fn distinct_operands_and_bounds() {
    let same =
        "The first operand must be distinct from the remaining operands for this operator or function; ";
    let conditions = [
        ("a = a", format!("{same}operator: =, first operand: [a]")),
        ("a.b[1] < a.b[1]", format!("{same}operator: <, first operand: [a, b, [1]]")),
        ("#a = a", format!("{same}operator: =, first operand: [a]")),
        ("a IN (b, a)", format!("{same}operator: IN, first operand: [a]")),
        ("a BETWEEN b AND a", format!("{same}operator: BETWEEN, first operand: [a]")),
        ("contains(a, a)", format!("{same}operator: contains, first operand: [a]")),
        (
            "a BETWEEN :n AND :five",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:5}".to_owned(),
        ),
        (
            "a BETWEEN :n AND :s",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {S:x}".to_owned(),
        ),
    ];
    check_conditions(&conditions.each_ref().map(|(text, expected)| (*text, expected.as_str())));
}

#[test]
fn sections_and_targets() {
    let overlap = "Two document paths overlap with each other; must remove or rewrite one of these paths; ";
    let conflict = "Two document paths conflict with each other; must remove or rewrite one of these paths; ";
    let updates = [
        (
            "SET a = :n SET b = :n",
            "The \"SET\" section can only be used once in an update expression;".to_owned(),
        ),
        (
            "REMOVE a ADD b :n remove c",
            "The \"REMOVE\" section can only be used once in an update expression;".to_owned(),
        ),
        ("SET a = :n, a = :n", format!("{overlap}path one: [a], path two: [a]")),
        ("SET a = :n, a.b = :n", format!("{overlap}path one: [a], path two: [a, b]")),
        ("SET a.b[1].c = :n REMOVE a.b", format!("{overlap}path one: [a, b, [1], c], path two: [a, b]")),
        ("SET a = :n ADD #a :n", format!("{overlap}path one: [a], path two: [a]")),
        ("SET a.b = :n, a[1] = :n", format!("{conflict}path one: [a, b], path two: [a, [1]]")),
    ];
    check_updates(&updates.each_ref().map(|(text, expected)| (*text, expected.as_str())));
    assert_eq!(
        refusal("ProjectionExpression", "a, b, a[0]", projection("a, b, a[0]", &values())),
        format!("{overlap}path one: [a], path two: [a, [0]]")
    );
}

#[test]
fn limits() {
    let long = format!("a = :n{}", " ".repeat(4096));
    let many_or = |count: usize| vec!["a=:n"; count].join(" OR ");
    let negations = format!("{} a=:n", "NOT ".repeat(300));
    let candidates = vec![":n"; 101].join(",");
    let (parentheses, size) = ("(".repeat(4000), "size(".repeat(700));
    let deep_path = format!("a{}=:n", ".b".repeat(32));
    check_conditions(&[
        (&long, "Expression size has exceeded the maximum allowed size;"),
        (&many_or(151), "The expression contains too many operators; operator count: 301"),
        (&negations, "The expression contains too many operators; operator count: 301"),
        (
            &format!("a IN ({candidates})"),
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        (&parentheses, "Syntax error; token: \"<EOF>\", near: \"(\""),
        (&size, "The expression contains too many operators; operator count: 301"),
        ("a[2147483648] = :n", "List index is not within the allowable range; index: [2147483648]"),
        (
            "a[99999999999999999999999] = :n",
            "List index is not within the allowable range; index: [99999999999999999999999]",
        ),
        (&deep_path, "The document path has too many nesting levels; nesting levels: 33"),
    ]);
    condition(&format!("a IN ({})", vec![":n"; 100].join(",")), &values()).unwrap();
    condition(&format!("a{}=:n", ".b".repeat(31)), &values()).unwrap();
    condition(&many_or(150), &values()).unwrap();
    condition("a[2147483647] = :n", &values()).unwrap();
    // Nested as deep as operators allow.
    let nested = format!("{}a=:n{}", "NOT (".repeat(299), ")".repeat(299));
    assert!(condition(&nested, &values()).is_ok());
    // As condition builders write a chain: a pair of parentheses for every operator.
    let built = (0..149).fold("a=:n".to_owned(), |chain, _| format!("({chain} OR b=:n)"));
    assert!(condition(&built, &values()).is_ok());
    let redundant = format!("{}a=:n{}", "(".repeat(2000), ")".repeat(2000));
    check_conditions(&[(&redundant, "The expression has redundant parentheses;")]);
}

#[test]
fn the_parameter_is_named() {
    for kind in [ExpressionKind::Filter, ExpressionKind::Condition] {
        let error = Condition::parse(kind, "a", &mut Placeholders::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("Invalid {}: Syntax error; token: \"<EOF>\", near: \"a\"", kind.parameter())
        );
    }
    assert!(Condition::parse(ExpressionKind::Filter, "a = :n", &mut placeholders(&values())).is_ok());
    // Only a filter says how long it is.
    let fits = format!("a = :n{}", " ".repeat(4096 - 6));
    assert!(Condition::parse(ExpressionKind::Filter, &fits, &mut placeholders(&values())).is_ok());
    let error =
        Condition::parse(ExpressionKind::Filter, &(fits + " "), &mut placeholders(&values())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"
    );
}
