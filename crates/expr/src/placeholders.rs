//! `ExpressionAttributeNames` and `ExpressionAttributeValues` of one request.
//!
//! Remembers what the request's expressions have used, since each entry must be used by at least one of them.

use std::collections::{BTreeMap, BTreeSet};

use graticule_model::{AttributeValue, Error, error::ExpressionError, value::Item};

use crate::lexer::is_word_character;

/// Longest `#x` or `:v`, in bytes `[D]`.
const TOKEN_BYTES_MAX: usize = 255;

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
        let checked = check_names(names.as_ref()).and_then(|()| check_values(values.as_ref()));
        checked.map_err(validation)?;
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

fn check_names(names: Option<&BTreeMap<String, String>>) -> Result<(), ExpressionError> {
    let Some(names) = names else { return Ok(()) };
    if names.is_empty() {
        return Err(ExpressionError::NamesEmpty);
    }
    for (token, name) in names {
        if !is_token(token, '#') {
            return Err(ExpressionError::NameKeyInvalid(token.clone()));
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(ExpressionError::NameKeyTooLong(token.len()));
        }
        if name.is_empty() {
            return Err(ExpressionError::NameEmpty(token.clone()));
        }
    }
    Ok(())
}

fn check_values(values: Option<&Item>) -> Result<(), ExpressionError> {
    let Some(values) = values else { return Ok(()) };
    if values.is_empty() {
        return Err(ExpressionError::ValuesEmpty);
    }
    for token in values.keys() {
        if !is_token(token, ':') {
            return Err(ExpressionError::ValueKeyInvalid(token.clone()));
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(ExpressionError::ValueKeyTooLong(token.len()));
        }
    }
    Ok(())
}

fn is_token(token: &str, mark: char) -> bool {
    token.strip_prefix(mark).is_some_and(|word| !word.is_empty() && word.chars().all(is_word_character))
}
