//! SELECT: what to read, in which order, and what to show of it.

use std::cmp::Ordering;

use graticule_model::{
    AttributeValue, Error, Item,
    error::{ExpressionKind, PartiqlError},
    limits::PARTIQL_KEYS_MAX,
};

use super::{
    conditions::condition,
    keys::{attributes, check_value, joined, take_alternatives, take_equality, take_range, terms},
    refuse_clause, source,
    syntax::{Expression, SelectSyntax},
    values::{Parameters, required_path},
};
use crate::{
    condition::{Condition, Node},
    key_condition::{KeyCondition, KeySchemaRef, SortCondition},
    path::{Path, Step},
    projection::Projection,
};

/// A SELECT with its parameters in place.
#[derive(Debug, Clone)]
pub struct Select {
    /// The table, as written.
    pub table: String,
    /// The index, if one is named.
    pub index: Option<String>,
    /// What to show of each item; all of it if there is none.
    pub projection: Option<Projection>,
    filter: Option<Node>,
    order: Vec<OrderKey>,
}

#[derive(Debug, Clone)]
struct OrderKey {
    name: String,
    descending: bool,
}

/// How to read what a SELECT wants.
#[derive(Debug, Clone)]
pub struct ReadPlan {
    /// The ranges to read, one after the other; `None` for the whole table or index.
    pub ranges: Option<Vec<KeyCondition>>,
    /// What else must hold.
    pub filter: Option<Condition>,
    /// Whether ranges are read backwards.
    pub descending: bool,
}

impl Select {
    pub(super) fn resolve(syntax: SelectSyntax, parameters: &Parameters<'_>) -> Result<Select, Error> {
        refuse_clause(syntax.other)?;
        let (table, index) = source(&syntax.from)?;
        let columns = syntax.columns.map(|columns| columns.iter().map(column).collect::<Result<Vec<_>, _>>());
        let projection = columns.transpose()?.map(Projection::from_columns);
        let filter = syntax.filter.map(|filter| condition(&filter, parameters, ExpressionKind::Filter));
        let filter = filter.transpose()?;
        let order = syntax.order.iter().map(|order| {
            let name = required_path(&order.key)?;
            if !name.steps.is_empty() {
                return Err(PartiqlError::PathUnexpected(order.key.at));
            }
            Ok(OrderKey { name: name.top, descending: order.descending })
        });
        let order = order.collect::<Result<Vec<OrderKey>, PartiqlError>>()?;
        Ok(Select { table, index, projection, filter, order })
    }

    /// How to read the table or index with this key.
    ///
    /// # Errors
    /// If a key's value does not fit, or the order cannot be had.
    pub fn plan(&self, schema: KeySchemaRef<'_>) -> Result<ReadPlan, Error> {
        if !self.order.is_empty() && self.filter.is_none() {
            return Err(PartiqlError::OrderWithoutWhere.into());
        }
        let is_key = |name: &str| attributes(schema).any(|attribute| attribute.name == name);
        if let Some(order) = self.order.iter().find(|order| !is_key(&order.name)) {
            return Err(PartiqlError::OrderNotKey(order.name.clone()).into());
        }
        let all_terms = terms(self.filter.clone());
        let mut terms = all_terms.clone();
        let Some(mut partitions) = partitions(schema, &mut terms)? else {
            if !self.order.is_empty() {
                return Err(PartiqlError::OrderWithoutPartition.into());
            }
            return Ok(ReadPlan { ranges: None, filter: filter(all_terms), descending: false });
        };
        let mut sorts = sorts(schema, &mut terms)?;
        let range_count = partitions.len() * sorts.len();
        if range_count > PARTIQL_KEYS_MAX {
            return Err(PartiqlError::TooManyKeys(range_count).into());
        }
        let descending = self.arrange(schema, &mut partitions, &mut sorts)?;
        let ranges = partitions.iter().flat_map(|partition| {
            sorts.iter().map(|sort| KeyCondition { partition: partition.clone(), sort: sort.clone() })
        });
        Ok(ReadPlan { ranges: Some(ranges.collect()), filter: filter(terms), descending })
    }

    /// Brings the ranges into the order that was asked for; says whether each is read backwards.
    fn arrange(
        &self,
        schema: KeySchemaRef<'_>,
        partitions: &mut [Values],
        sorts: &mut [Tests],
    ) -> Result<bool, PartiqlError> {
        // What has one value only orders nothing.
        let order: Vec<&OrderKey> =
            self.order.iter().filter(|key| !is_fixed(&key.name, partitions, sorts)).collect();
        let is_partition =
            |key: &&&OrderKey| schema.partition.iter().any(|attribute| attribute.name == key.name);
        let of_partitions: Vec<&OrderKey> = order.iter().take_while(is_partition).copied().collect();
        let of_items = &order[of_partitions.len()..];
        let ordered = |name: &str| of_partitions.iter().any(|key| key.name == name);
        let varying = schema.partition.iter().filter(|it| !is_fixed(&it.name, partitions, sorts));
        if !self.order.is_empty() && !of_items.is_empty() && !varying.clone().all(|it| ordered(&it.name)) {
            return Err(PartiqlError::OrderOfPartitions);
        }
        let free = schema.sort.iter().filter(|it| !is_fixed(&it.name, partitions, sorts));
        let is_read_so = of_items.len() <= free.clone().count()
            && free.zip(of_items).all(|(attribute, key)| attribute.name == key.name)
            && of_items.iter().all(|key| key.descending == of_items[0].descending);
        if !is_read_so {
            return Err(PartiqlError::OrderUnsupported);
        }
        partitions.sort_by(|a, b| {
            let value = |values: &'_ Values, name: &str| values.iter().position(|(own, _)| own == name);
            let compare = |key: &&OrderKey| {
                let (a, b) = (&a[value(a, &key.name)?].1, &b[value(b, &key.name)?].1);
                a.compare(b).map(|order| if key.descending { order.reverse() } else { order })
            };
            first_difference(of_partitions.iter().map(compare))
        });
        let Some(descending) = of_items.first().map(|key| key.descending) else { return Ok(false) };
        sorts.sort_by(|a, b| {
            let pairs = a.iter().zip(b).map(|((_, a), (_, b))| match (a, b) {
                (SortCondition::Equal(a), SortCondition::Equal(b)) => a.compare(b),
                _ => None,
            });
            let order = first_difference(pairs);
            if descending { order.reverse() } else { order }
        });
        Ok(descending)
    }

    /// The key of the one item that is read and what else must hold of it; `None` if it is not by key alone.
    ///
    /// # Errors
    /// If a key's value does not fit.
    pub fn key(&self, schema: KeySchemaRef<'_>) -> Result<Option<(Item, Option<Condition>)>, Error> {
        let mut terms = terms(self.filter.clone());
        let mut key = Item::new();
        for attribute in attributes(schema) {
            let Some(value) = take_equality(&mut terms, &attribute.name) else { return Ok(None) };
            check_value(attribute, &value)?;
            key.insert(attribute.name.clone(), value);
        }
        Ok(Some((key, filter(terms))))
    }

    /// Whether an order was asked for.
    pub fn is_ordered(&self) -> bool {
        !self.order.is_empty()
    }
}

/// Values of all HASH attributes.
type Values = Vec<(String, AttributeValue)>;
/// Tests on the first RANGE attributes, all but the last of them equalities.
type Tests = Vec<(String, SortCondition)>;

/// Whether a key attribute has the same value in everything that is read.
fn is_fixed(name: &str, partitions: &[Values], sorts: &[Tests]) -> bool {
    let same = |values: &[Option<&AttributeValue>]| {
        values.first().is_some_and(|first| first.is_some() && values.iter().all(|other| other == first))
    };
    let of = |values: &Values| values.iter().position(|(own, _)| own == name);
    let in_partitions: Vec<_> = partitions.iter().map(|values| of(values).map(|at| &values[at].1)).collect();
    let equal = |tests: &Tests| {
        tests.iter().position(|(own, test)| own == name && matches!(test, SortCondition::Equal(_)))
    };
    let in_sorts: Vec<_> = sorts
        .iter()
        .map(|tests| match equal(tests).map(|at| &tests[at].1) {
            Some(SortCondition::Equal(value)) => Some(value),
            _ => None,
        })
        .collect();
    same(&in_partitions) || same(&in_sorts)
}

fn first_difference(pairs: impl Iterator<Item = Option<Ordering>>) -> Ordering {
    pairs.map(|order| order.unwrap_or(Ordering::Equal)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn filter(terms: Vec<Node>) -> Option<Condition> {
    joined(terms).map(Condition::from_node)
}

/// The partitions to read; `None` unless every HASH attribute has a value.
fn partitions(schema: KeySchemaRef<'_>, terms: &mut Vec<Node>) -> Result<Option<Vec<Values>>, Error> {
    let mut partitions = vec![Values::new()];
    for attribute in schema.partition {
        let Some(values) = take_alternatives(terms, &attribute.name) else { return Ok(None) };
        values.iter().try_for_each(|value| check_value(attribute, value))?;
        partitions = product(&partitions, &attribute.name, &values)?;
    }
    Ok(Some(partitions))
}

/// The tests on the sort key, at least one set of them; each makes a range.
fn sorts(schema: KeySchemaRef<'_>, terms: &mut Vec<Node>) -> Result<Vec<Tests>, Error> {
    let mut sorts = vec![Tests::new()];
    for attribute in schema.sort {
        let (tests, goes_on): (Vec<SortCondition>, bool) = match take_alternatives(terms, &attribute.name) {
            Some(values) => (values.into_iter().map(SortCondition::Equal).collect(), true),
            None => (take_range(terms, &attribute.name).into_iter().collect(), false),
        };
        for value in tests.iter().flat_map(SortCondition::values) {
            check_value(attribute, value)?;
        }
        if goes_on || !tests.is_empty() {
            sorts = product(&sorts, &attribute.name, &tests)?;
        }
        if !goes_on {
            break;
        }
    }
    Ok(sorts)
}

/// Every one of `firsts` with every one of `seconds` added to it.
fn product<T: Clone>(
    firsts: &[Vec<(String, T)>],
    name: &str,
    seconds: &[T],
) -> Result<Vec<Vec<(String, T)>>, PartiqlError> {
    let count = firsts.len() * seconds.len();
    if count > PARTIQL_KEYS_MAX {
        return Err(PartiqlError::TooManyKeys(count));
    }
    let with = |first: &Vec<(String, T)>, second: &T| {
        let mut both = first.clone();
        both.push((name.to_owned(), second.clone()));
        both
    };
    Ok(firsts.iter().flat_map(|first| seconds.iter().map(move |second| with(first, second))).collect())
}

/// A column's name in the answer, and where its value lies. The name is the last one on the way and what follows it.
fn column(expression: &Expression) -> Result<(String, Path), PartiqlError> {
    let path = match &expression.kind {
        super::syntax::Kind::Call(function, _) => {
            let function = function.clone();
            return Err(PartiqlError::FunctionUnsupported { function, at: expression.at });
        }
        _ => required_path(expression)?,
    };
    let last_name = path.steps.iter().rposition(|step| matches!(step, Step::Name(_)));
    let mut name = match last_name.map(|position| &path.steps[position]) {
        Some(Step::Name(name)) => name.clone(),
        _ => path.top.clone(),
    };
    for step in &path.steps[last_name.map_or(0, |position| position + 1)..] {
        if let Step::Index(index) = step {
            name.push_str(&format!("[{index}]"));
        }
    }
    Ok((name, path))
}
