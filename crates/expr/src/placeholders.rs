//! `ExpressionAttributeNames` and `ExpressionAttributeValues` of one request.
//!
//! Remembers what the request's expressions have used, since each entry must be used by at least one of them.

use std::collections::{BTreeMap, BTreeSet};

use graticule_model::{
    AttributeValue, Error,
    error::ExpressionError,
    limits::{ATTRIBUTE_NAME_BYTES_MAX, EXPRESSION_VARIABLES_BYTES_MAX, PLACEHOLDER_BYTES_MAX},
    value::Item,
};

use crate::lexer::is_word_character;

/// What `#x` and `:v` stand for, and which of them have been used.
#[derive(Debug, Clone, Default)]
pub struct Placeholders {
    names: BTreeMap<String, String>,
    values: Item,
    used: BTreeSet<String>,
}

impl Placeholders {
    /// The placeholders of a request; `None` where it has no such parameter.
    ///
    /// # Errors
    /// If a map is empty, a key is no placeholder, or a name is empty.
    pub fn new(names: Option<BTreeMap<String, String>>, values: Option<Item>) -> Result<Placeholders, Error> {
        let values =
            values.map(|values| values.into_iter().map(|(token, value)| (token, Ok(value))).collect());
        Placeholders::read(names, values)
    }

    /// As [`Placeholders::new`], with values that may turn out not to be any: the keys are looked at first.
    ///
    /// # Errors
    /// As [`Placeholders::new`], and for the first value that is none.
    pub fn read(
        names: Option<BTreeMap<String, String>>,
        values: Option<BTreeMap<String, Result<AttributeValue, Error>>>,
    ) -> Result<Placeholders, Error> {
        if let Some(names) = &names {
            check_names(names)?;
        }
        let values = values.map(check_values).transpose()?;
        Ok(Placeholders {
            names: names.unwrap_or_default(),
            values: values.unwrap_or_default(),
            used: BTreeSet::new(),
        })
    }

    /// To be called once every expression of the request has been parsed.
    ///
    /// # Errors
    /// If an entry was not used by any of them.
    pub fn finish(&self) -> Result<(), Error> {
        let unused = |token: &&String| !self.used.contains(*token);
        let names: Vec<String> = self.names.keys().filter(unused).cloned().collect();
        if !names.is_empty() {
            return Err(validation(ExpressionError::NamesUnused(names)));
        }
        let values: Vec<String> = self.values.keys().filter(unused).cloned().collect();
        if !values.is_empty() {
            return Err(validation(ExpressionError::ValuesUnused(values)));
        }
        Ok(())
    }

    /// The attribute name that `token` (`#x`) stands for.
    pub(crate) fn name(&mut self, token: &str) -> Result<String, ExpressionError> {
        let name = self.names.get(token).ok_or_else(|| ExpressionError::NameUndefined(token.to_owned()))?;
        self.used.insert(token.to_owned());
        Ok(name.clone())
    }

    /// The value that `token` (`:v`) stands for.
    pub(crate) fn value(&mut self, token: &str) -> Result<AttributeValue, ExpressionError> {
        let value =
            self.values.get(token).ok_or_else(|| ExpressionError::ValueUndefined(token.to_owned()))?;
        self.used.insert(token.to_owned());
        Ok(value.clone())
    }
}

fn validation(error: ExpressionError) -> Error {
    Error::Validation(error.to_string())
}

fn check_names(names: &BTreeMap<String, String>) -> Result<(), Error> {
    if names.is_empty() {
        return Err(validation(ExpressionError::NamesEmpty));
    }
    for (token, name) in names {
        if token.len() > PLACEHOLDER_BYTES_MAX {
            return Err(validation(ExpressionError::NameKeyTooLong(token.len())));
        }
        if !is_token(token, '#') {
            return Err(validation(ExpressionError::NameKeyInvalid(token.clone())));
        }
        if name.is_empty() {
            return Err(validation(ExpressionError::NameEmpty(token.clone())));
        }
        if name.len() > ATTRIBUTE_NAME_BYTES_MAX {
            return Err(Error::AttributeNameTooLong);
        }
    }
    let size_bytes: usize = names.iter().map(|(token, name)| token.len() + name.len()).sum();
    if size_bytes > EXPRESSION_VARIABLES_BYTES_MAX {
        return Err(validation(ExpressionError::NamesTooLarge));
    }
    Ok(())
}

fn check_values(values: BTreeMap<String, Result<AttributeValue, Error>>) -> Result<Item, Error> {
    if values.is_empty() {
        return Err(validation(ExpressionError::ValuesEmpty));
    }
    for token in values.keys() {
        if token.len() > PLACEHOLDER_BYTES_MAX {
            return Err(validation(ExpressionError::ValueKeyTooLong(token.len())));
        }
        if !is_token(token, ':') {
            return Err(validation(ExpressionError::ValueKeyInvalid(token.clone())));
        }
    }
    let value = |(token, value): (String, Result<AttributeValue, Error>)| match value {
        Ok(value) => Ok((token, value)),
        // What holds for a whole item says nothing of where in the request it was found.
        Err(error @ (Error::Serialization(_) | Error::NestingTooDeep | Error::AttributeNameTooLong)) => {
            Err(error)
        }
        Err(cause) => Err(Error::PlaceholderValueInvalid { token, cause: Box::new(cause) }),
    };
    let values = values.into_iter().map(value).collect::<Result<Item, Error>>()?;
    let size_bytes: usize = values.iter().map(|(token, value)| token.len() + value.size_bytes()).sum();
    if size_bytes > EXPRESSION_VARIABLES_BYTES_MAX {
        return Err(validation(ExpressionError::ValuesTooLarge));
    }
    Ok(values)
}

fn is_token(token: &str, mark: char) -> bool {
    token.strip_prefix(mark).is_some_and(|word| !word.is_empty() && word.chars().all(is_word_character))
}
