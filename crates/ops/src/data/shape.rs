//! The constraints of the service model on requests for items, whose members may lie deep inside lists.

use graticule_model::{Error, TableName};

use crate::{Context, constraints::Constraints};

/// An enumeration of the service model.
pub(crate) trait Choice: Copy + 'static {
    /// The values and what they stand for, in the order in which the service lists them.
    const VALUES: &'static [(&'static str, Self)];
}

/// What a request breaks, collected member by member.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    path: String,
    constraints: Constraints,
    /// Wrong in another way than the service model says; reported if nothing else is.
    refused: Option<Error>,
}

impl Shape {
    /// Says where in the request the members that are checked next lie, as in `transactItems.1.member.put.`.
    pub(crate) fn enter(&mut self, path: String) {
        self.path = path;
    }

    fn member(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// A member that must be there.
    pub(crate) fn required<T>(&mut self, name: &str, given: Option<T>) -> Option<T> {
        if given.is_none() { self.constraints.required(given, &self.member(name)) } else { given }
    }

    /// The name or ARN of a table.
    pub(crate) fn table_name(&mut self, context: &Context, given: Option<&str>) -> Option<TableName> {
        let text = self.required("tableName", given)?;
        match context.table_name(text) {
            Ok(name) => Some(name),
            Err(Error::Constraints(_)) => {
                self.constraints.name(text, &self.member("tableName"));
                None
            }
            Err(error) => {
                self.refuse(error);
                None
            }
        }
    }

    /// The name of an index, if there is one.
    pub(crate) fn index_name(&mut self, given: Option<&str>) {
        if let Some(text) = given {
            self.constraints.name(text, &self.member("indexName"));
        }
    }

    /// A member with a fixed set of values.
    pub(crate) fn choice<T: Choice>(&mut self, name: &str, given: Option<&str>) -> Option<T> {
        let text = given?;
        let found = T::VALUES.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = T::VALUES.iter().map(|(word, _)| *word).collect();
            self.constraints.one_of(Some(text), &self.member(name), &words);
        }
        found
    }

    /// A number within bounds.
    pub(crate) fn number(&mut self, name: &str, given: Option<i64>, min: i64, max: i64) {
        self.constraints.range(given, &self.member(name), min, max);
    }

    /// A text with a length within bounds.
    pub(crate) fn text(&mut self, name: &str, given: Option<&str>, bounds: std::ops::RangeInclusive<usize>) {
        if let Some(text) = given {
            self.constraints.text(text, &self.member(name), bounds);
        }
    }

    /// A list or map with a length within bounds. Its elements are not shown.
    pub(crate) fn list(&mut self, name: &str, length: usize, bounds: std::ops::RangeInclusive<usize>) {
        let shown = if length == 0 { "[]" } else { "[...]" };
        self.constraints.length(length, shown, &self.member(name), bounds);
    }

    /// A map of lists with lengths within bounds. Their elements are not shown.
    pub(crate) fn map_of_lists<'k>(
        &mut self,
        name: &str,
        lists: impl Iterator<Item = (&'k str, usize)> + Clone,
        bounds: std::ops::RangeInclusive<usize>,
    ) {
        if lists.clone().all(|(_, length)| bounds.contains(&length)) {
            return;
        }
        let list =
            |(key, length): (&str, usize)| format!("{key}={}", if length == 0 { "[]" } else { "[...]" });
        let shown = format!("{{{}}}", lists.map(list).collect::<Vec<String>>().join(", "));
        let (min, max) = bounds.into_inner();
        let rule = format!(
            "Map value must satisfy constraint: [Member must have length less than or equal to {max}, Member must have length greater than or equal to {min}]"
        );
        self.constraints.broken(shown, &self.member(name), rule);
    }

    /// Notes that the request is wrong in another way.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }

    /// Ends the checks. `required` holds the members that must be there; it is `None` only if one of them was found
    /// missing or wrong.
    ///
    /// # Errors
    /// What the request breaks.
    pub(crate) fn finish<T>(self, required: Option<T>) -> Result<T, Error> {
        match self.refused {
            Some(error) => self.constraints.check().and(Err(error)),
            None => self.constraints.checked(required),
        }
    }
}
