//! The constraints of the service model: presence, ranges, lengths and enumerations of members.
//!
//! They are checked for all members of a request before anything else, and what is broken is reported together.

use graticule_model::{
    Error, TableName,
    names::{name_constraints, parse_table_reference},
};

use crate::Context;

/// An enumeration of the service model.
pub(crate) trait Choice: Copy + 'static {
    /// The values and what they stand for, in the order in which the service lists them.
    const VALUES: &'static [(&'static str, Self)];
}

/// What a request breaks, collected member by member.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    path: String,
    broken: Vec<String>,
    /// Wrong in another way than the service model says; reported if nothing else is.
    refused: Option<Error>,
}

impl Shape {
    /// Says where in the request the members that are checked next lie, as in `transactItems.1.member.put.`.
    pub(crate) fn enter(&mut self, path: String) {
        self.path = path;
    }

    /// Notes a broken constraint. `shown` is the value, if it is shown at all.
    fn note(&mut self, shown: Option<&str>, member: &str, constraint: &str) {
        let shown = shown.map(|value| format!(" {value}")).unwrap_or_default();
        let path = &self.path;
        self.broken.push(format!(
            "Value{shown} at '{path}{member}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// A member that must be there.
    pub(crate) fn required<T>(&mut self, member: &str, given: Option<T>) -> Option<T> {
        if given.is_none() {
            self.note(Some("null"), member, "not be null");
        }
        given
    }

    /// The name or ARN of a table.
    pub(crate) fn table_name(&mut self, context: &Context, given: Option<&str>) -> Option<TableName> {
        let text = self.required("tableName", given)?;
        if !text.starts_with("arn:") {
            let broken = name_constraints(text, &format!("{}tableName", self.path));
            if !broken.is_empty() {
                self.broken.extend(broken);
                return None;
            }
        }
        match parse_table_reference(text, context.region.name()) {
            Ok(name) => Some(name),
            Err(error) => {
                self.refused.get_or_insert(error);
                None
            }
        }
    }

    /// The name of an index, if there is one.
    pub(crate) fn index_name(&mut self, given: Option<&str>) {
        let member = format!("{}indexName", self.path);
        self.broken.extend(given.into_iter().flat_map(|text| name_constraints(text, &member)));
    }

    /// A member with a fixed set of values.
    pub(crate) fn choice<T: Choice>(&mut self, member: &str, given: Option<&str>) -> Option<T> {
        let text = given?;
        let found = T::VALUES.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = T::VALUES.iter().map(|(name, _)| *name).collect();
            let constraint = format!("satisfy enum value set: [{}]", names.join(", "));
            self.note(Some(&format!("'{text}'")), member, &constraint);
        }
        found
    }

    /// A number within bounds, which are included.
    pub(crate) fn number(&mut self, member: &str, given: Option<i64>, least: i64, most: i64) {
        let Some(value) = given else { return };
        let shown = format!("'{value}'");
        if value < least {
            self.note(Some(&shown), member, &format!("have value greater than or equal to {least}"));
        }
        if value > most {
            self.note(Some(&shown), member, &format!("have value less than or equal to {most}"));
        }
    }

    /// A text whose length lies within bounds, which are included.
    pub(crate) fn text(&mut self, member: &str, given: Option<&str>, least: usize, most: usize) {
        if let Some(text) = given {
            self.length(member, text.chars().count(), Some(&format!("'{text}'")), (least, most));
        }
    }

    /// A list or map whose length lies within bounds, which are included.
    pub(crate) fn list(&mut self, member: &str, length: usize, least: usize, most: usize) {
        // What is in a list is nobody's business; that it is empty can be shown.
        let shown = (length == 0).then_some("'[]'");
        self.length(member, length, shown, (least, most));
    }

    fn length(&mut self, member: &str, length: usize, shown: Option<&str>, (least, most): (usize, usize)) {
        if length < least {
            self.note(shown, member, &format!("have length greater than or equal to {least}"));
        }
        if length > most {
            self.note(shown, member, &format!("have length less than or equal to {most}"));
        }
    }

    /// Ends the checks. `required` holds the members that must be there, and is only `None` if one of them was found
    /// missing or wrong.
    ///
    /// # Errors
    /// What the request breaks.
    pub(crate) fn finish<T>(self, required: Option<T>) -> Result<T, Error> {
        match (required, self.refused) {
            (Some(required), None) if self.broken.is_empty() => Ok(required),
            (_, Some(error)) if self.broken.is_empty() => Err(error),
            _ => Err(Error::Constraints(self.broken)),
        }
    }
}
