//! Conditions against a plain evaluator that works on the JSON of the wire and shares nothing with the crate.

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::support::{condition, item};

/// Numbers and ten times their value; several texts for one number.
const NUMBERS: &[(&str, i64)] = &[
    ("0", 0),
    ("-0", 0),
    ("1", 10),
    ("1.0", 10),
    ("10e-1", 10),
    ("-2.5", -25),
    ("10", 100),
    ("1E1", 100),
    ("2", 20),
];
/// Strings, among them some whose order differs between UTF-8 and UTF-16.
const STRINGS: &[&str] = &["", "a", "ab", "b", "é", "\u{ffff}", "😀", "S", "N", "L"];
/// Binaries and their bytes.
const BINARIES: &[(&str, &[u8])] =
    &[("", &[]), ("AA==", &[0]), ("AAE=", &[0, 1]), ("gA==", &[128]), ("/w==", &[255]), ("fw==", &[127])];
const TYPES: &[&str] = &["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];
const NAMES: &[&str] = &["a", "b", "c"];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(STRINGS).prop_map(|text| json!({"S": text})),
        3 => select(NUMBERS).prop_map(|(text, _)| json!({"N": text})),
        2 => select(BINARIES).prop_map(|(text, _)| json!({"B": text})),
        1 => any::<bool>().prop_map(|flag| json!({"BOOL": flag})),
        1 => Just(json!({"NULL": true})),
    ]
}

fn set() -> impl Strategy<Value = Value> {
    // Any order, no duplicates, not empty.
    let shuffled = |elements: &'static [&'static str]| {
        proptest::sample::subsequence(elements, 1..=elements.len()).prop_shuffle()
    };
    prop_oneof![
        shuffled(STRINGS).prop_map(|set| json!({"SS": set})),
        shuffled(&["0", "1.0", "-2.5", "1E1", "2"]).prop_map(|set| json!({"NS": set})),
        shuffled(&["", "AA==", "AAE=", "gA==", "/w=="]).prop_map(|set| json!({"BS": set})),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![3 => scalar(), 1 => set()];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!({"L": list})),
            prop::collection::btree_map(select(NAMES), inner, 0..3).prop_map(|map| json!({"M": map})),
        ]
    })
}

fn stored() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(select(NAMES), value(), 0..=3).prop_map(|map| json!(map))
}

#[derive(Debug, Clone)]
enum Step {
    Name(&'static str),
    Index(usize),
}

#[derive(Debug, Clone)]
enum Operand {
    Path(&'static str, Vec<Step>),
    Value(Value),
    Size(Box<Operand>),
}

#[derive(Debug, Clone)]
enum Condition {
    Compare(&'static str, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Operand),
    NotExists(Operand),
    HasType(Operand, &'static str),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

fn path() -> impl Strategy<Value = Operand> {
    let step = prop_oneof![select(NAMES).prop_map(Step::Name), (0..3usize).prop_map(Step::Index)];
    (select(NAMES), prop::collection::vec(step, 0..3)).prop_map(|(top, steps)| Operand::Path(top, steps))
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        3 => path(),
        3 => value().prop_map(Operand::Value),
        1 => path().prop_map(|path| Operand::Size(Box::new(path))),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let comparator = select(&["=", "<>", "<", "<=", ">", ">="][..]);
    let ordered = || prop_oneof![2 => path(), 2 => scalar().prop_map(Operand::Value)];
    let leaf = prop_oneof![
        4 => (comparator, operand(), operand()).prop_map(|(symbol, left, right)| Condition::Compare(symbol, left, right)),
        2 => (ordered(), ordered(), ordered()).prop_map(|(operand, lower, upper)| Condition::Between(operand, lower, upper)),
        2 => (operand(), prop::collection::vec(operand(), 1..4)).prop_map(|(operand, list)| Condition::In(operand, list)),
        1 => path().prop_map(Condition::Exists),
        1 => path().prop_map(Condition::NotExists),
        1 => (operand(), select(TYPES)).prop_map(|(operand, name)| Condition::HasType(operand, name)),
        2 => (ordered(), ordered()).prop_map(|(operand, prefix)| Condition::BeginsWith(operand, prefix)),
        3 => (operand(), operand()).prop_map(|(container, part)| Condition::Contains(container, part)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            prop::collection::vec(inner, 2..4).prop_map(Condition::Or),
        ]
    })
}

/// The text of a condition, and the placeholders that it needs.
#[derive(Default)]
struct Writer {
    values: Map<String, Value>,
}

impl Writer {
    fn value(&mut self, value: &Value) -> String {
        let token = format!(":v{}", self.values.len());
        self.values.insert(token.clone(), value.clone());
        token
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Path(top, steps) => steps.iter().fold((*top).to_owned(), |text, step| match step {
                Step::Name(name) => format!("{text}.{name}"),
                Step::Index(index) => format!("{text}[{index}]"),
            }),
            Operand::Value(value) => self.value(value),
            Operand::Size(inner) => format!("size({})", self.operand(inner)),
        }
    }

    fn call(&mut self, name: &str, operands: &[&Operand]) -> String {
        let operands: Vec<String> = operands.iter().map(|operand| self.operand(operand)).collect();
        format!("{name}({})", operands.join(", "))
    }

    /// Groups get parentheses, so that the text means the tree.
    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Compare(symbol, left, right) => {
                format!("{} {symbol} {}", self.operand(left), self.operand(right))
            }
            Condition::Between(operand, lower, upper) => {
                format!(
                    "{} BETWEEN {} AND {}",
                    self.operand(operand),
                    self.operand(lower),
                    self.operand(upper)
                )
            }
            Condition::In(operand, list) => {
                let operand = self.operand(operand);
                self.call(&format!("{operand} IN "), &list.iter().collect::<Vec<&Operand>>())
            }
            Condition::Exists(path) => self.call("attribute_exists", &[path]),
            Condition::NotExists(path) => self.call("attribute_not_exists", &[path]),
            Condition::HasType(operand, name) => {
                let name = Operand::Value(json!({"S": name}));
                self.call("attribute_type", &[operand, &name])
            }
            Condition::BeginsWith(operand, prefix) => self.call("begins_with", &[operand, prefix]),
            Condition::Contains(container, part) => self.call("contains", &[container, part]),
            Condition::Not(inner) => format!("NOT {}", self.group(inner)),
            Condition::And(parts) => self.groups(parts, " AND "),
            Condition::Or(parts) => self.groups(parts, " OR "),
        }
    }

    fn group(&mut self, condition: &Condition) -> String {
        format!("({})", self.condition(condition))
    }

    fn groups(&mut self, parts: &[Condition], operator: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.group(part)).collect();
        parts.join(operator)
    }
}

/// The one type of a value and what it holds.
fn typed(value: &Value) -> (&str, &Value) {
    let (kind, held) = value.as_object().and_then(|map| map.iter().next()).expect("a value has a type");
    (kind, held)
}

fn number(text: &Value) -> i64 {
    let text = text.as_str().expect("a number is text");
    NUMBERS.iter().find(|(known, _)| *known == text).expect("one of the known numbers").1
}

fn bytes(text: &Value) -> &'static [u8] {
    let text = text.as_str().expect("a binary is text");
    BINARIES.iter().find(|(known, _)| *known == text).expect("one of the known binaries").1
}

fn resolve(operand: &Operand, item: &Value) -> Option<Value> {
    match operand {
        Operand::Value(value) => Some(value.clone()),
        Operand::Path(top, steps) => {
            let follow = |value: &Value, step: &Step| match step {
                Step::Name(name) => value.get("M")?.get(name).cloned(),
                Step::Index(index) => value.get("L")?.get(index).cloned(),
            };
            steps.iter().try_fold(item.get(top)?.clone(), |value, step| follow(&value, step))
        }
        Operand::Size(inner) => size(&resolve(inner, item)?).map(|size| json!({"size": size})),
    }
}

fn size(value: &Value) -> Option<usize> {
    let (kind, held) = typed(value);
    match kind {
        "S" => Some(held.as_str()?.encode_utf16().count()),
        "B" => Some(bytes(held).len()),
        "SS" | "NS" | "BS" | "L" => Some(held.as_array()?.len()),
        "M" => Some(held.as_object()?.len()),
        _ => None,
    }
}

/// Ten times the value of a number or a size.
fn numeric(value: &Value) -> Option<i64> {
    match typed(value) {
        ("N", text) => Some(number(text)),
        ("size", size) => Some(10 * size.as_i64()?),
        _ => None,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    if let (Some(left), Some(right)) = (numeric(left), numeric(right)) {
        return left == right;
    }
    let ((kind, left), (other_kind, right)) = (typed(left), typed(right));
    if kind != other_kind {
        return false;
    }
    let same_elements = |kind: &str| {
        let (left, right) = (left.as_array().expect("a set"), right.as_array().expect("a set"));
        let element = |value: &Value| Map::from_iter([(kind.to_owned(), value.clone())]).into();
        left.len() == right.len()
            && left.iter().all(|one| right.iter().any(|other| equal(&element(one), &element(other))))
    };
    match kind {
        "SS" => same_elements("S"),
        "NS" => same_elements("N"),
        "BS" => same_elements("B"),
        "L" => {
            let (left, right) = (left.as_array().expect("a list"), right.as_array().expect("a list"));
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        "M" => {
            let (left, right) = (left.as_object().expect("a map"), right.as_object().expect("a map"));
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    if let (Some(left), Some(right)) = (numeric(left), numeric(right)) {
        return Some(left.cmp(&right));
    }
    match (typed(left), typed(right)) {
        (("S", left), ("S", right)) => Some(left.as_str()?.as_bytes().cmp(right.as_str()?.as_bytes())),
        (("B", left), ("B", right)) => Some(bytes(left).cmp(bytes(right))),
        _ => None,
    }
}

fn compare(symbol: &str, left: Option<&Value>, right: Option<&Value>) -> bool {
    let order = left.zip(right).and_then(|(left, right)| order(left, right));
    let equal = left.zip(right).is_some_and(|(left, right)| equal(left, right));
    match symbol {
        "=" => equal,
        "<>" => !equal,
        "<" => order.is_some_and(|order| order.is_lt()),
        "<=" => order.is_some_and(|order| order.is_le()),
        ">" => order.is_some_and(|order| order.is_gt()),
        _ => order.is_some_and(|order| order.is_ge()),
    }
}

fn contains(container: &Value, part: &Value) -> bool {
    let is_element = |kind: &str| {
        let (part_kind, _) = typed(part);
        let element = |value: &Value| Value::from(Map::from_iter([(kind.to_owned(), value.clone())]));
        let elements = typed(container).1.as_array().expect("a set");
        (part_kind == kind || (kind == "N" && part_kind == "size"))
            && elements.iter().any(|value| equal(&element(value), part))
    };
    match (typed(container), typed(part)) {
        (("S", text), ("S", part)) => text.as_str().unwrap().contains(part.as_str().unwrap()),
        (("B", whole), ("B", part)) => {
            let (whole, part) = (bytes(whole), bytes(part));
            (0..=whole.len()).any(|start| whole[start..].starts_with(part))
        }
        (("SS", _), _) => is_element("S"),
        (("NS", _), _) => is_element("N"),
        (("BS", _), _) => is_element("B"),
        (("L", list), _) => list.as_array().unwrap().iter().any(|element| equal(element, part)),
        _ => false,
    }
}

fn begins_with(value: &Value, prefix: &Value) -> bool {
    match (typed(value), typed(prefix)) {
        (("S", text), ("S", prefix)) => text.as_str().unwrap().starts_with(prefix.as_str().unwrap()),
        (("B", whole), ("B", prefix)) => bytes(whole).starts_with(bytes(prefix)),
        _ => false,
    }
}

fn holds(condition: &Condition, item: &Value) -> bool {
    let get = |operand: &Operand| resolve(operand, item);
    let both = |first: &Operand, second: &Operand, test: fn(&Value, &Value) -> bool| {
        get(first).zip(get(second)).is_some_and(|(first, second)| test(&first, &second))
    };
    match condition {
        Condition::Compare(symbol, left, right) => compare(symbol, get(left).as_ref(), get(right).as_ref()),
        Condition::Between(operand, lower, upper) => {
            compare(">=", get(operand).as_ref(), get(lower).as_ref())
                && compare("<=", get(operand).as_ref(), get(upper).as_ref())
        }
        Condition::In(operand, list) => list.iter().any(|candidate| both(operand, candidate, equal)),
        Condition::Exists(path) => get(path).is_some(),
        Condition::NotExists(path) => get(path).is_none(),
        Condition::HasType(operand, name) => get(operand).is_some_and(|value| {
            let (kind, _) = typed(&value);
            kind == *name || (kind == "size" && *name == "N")
        }),
        Condition::BeginsWith(operand, prefix) => both(operand, prefix, begins_with),
        Condition::Contains(container, part) => both(container, part, contains),
        Condition::Not(inner) => !holds(inner, item),
        Condition::And(parts) => parts.iter().all(|part| holds(part, item)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, item)),
    }
}

/// The reasons for which a well-formed condition of ours may be refused.
const REFUSALS: &[&str] =
    &["Incorrect operand type", "The first operand must be distinct", "The BETWEEN operator requires"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conditions_mean_what_a_plain_reading_says(tree in conditions(), items in prop::collection::vec(stored(), 1..6)) {
        let mut writer = Writer::default();
        let text = writer.condition(&tree);
        match condition(&text, &writer.values.into()) {
            Ok(parsed) => for stored in items {
                prop_assert_eq!(parsed.matches(&item(stored.clone())), holds(&tree, &stored), "{} on {}", &text, stored);
            },
            Err(error) => {
                let message = error.to_string();
                prop_assert!(REFUSALS.iter().any(|words| message.contains(words)), "{}: {}", text, message);
            }
        }
    }
}
