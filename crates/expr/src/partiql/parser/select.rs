//! SELECT and its clauses.

use graticule_model::error::{PartiqlError, SyntaxError};

use super::Parser;
use crate::partiql::{
    keywords::CLAUSE_PRECEDENCE,
    lexer::TokenKind,
    syntax::{Clause, Expression, Kind, OrderSyntax, PathStep, SelectSyntax},
};

impl Parser {
    /// A SELECT whose keyword has been read.
    pub(super) fn select(&mut self) -> Result<SelectSyntax, PartiqlError> {
        let mut other = None;
        self.note_clause("distinct", "DISTINCT", &mut other);
        self.take_word("all");
        let columns = if self.note_clause("value", "VALUE", &mut other) {
            Some(vec![self.expression(0)?])
        } else {
            self.columns(&mut other)?
        };
        if !self.take_word("from") {
            return Err(SyntaxError::FromAfterSelect.into());
        }
        let from = self.source(&mut other)?;
        if self.note_clause("let", "LET", &mut other) {
            self.list(|parser| {
                parser.expression(0)?;
                parser.alias(true)
            })?;
        }
        let filter = match self.take_word("where") {
            true => Some(self.expression(CLAUSE_PRECEDENCE)?),
            false => None,
        };
        let order = self.order()?;
        if self.note_clause("group", "GROUP BY", &mut other) {
            self.take_word("partial");
            if !self.take_word("by") {
                return Err(SyntaxError::Expected("BY").into());
            }
            self.list(|parser| {
                parser.expression(CLAUSE_PRECEDENCE)?;
                parser.alias(false)
            })?;
        }
        for (word, name) in [("having", "HAVING"), ("limit", "LIMIT")] {
            if self.note_clause(word, name, &mut other) {
                self.expression(CLAUSE_PRECEDENCE)?;
            }
        }
        Ok(SelectSyntax { columns, from, filter, order, other })
    }

    /// Steps over a clause's keyword, and notes that DynamoDB does not know the clause.
    fn note_clause(&mut self, word: &str, name: &'static str, other: &mut Option<Clause>) -> bool {
        let at = self.head().at;
        let taken = self.take_word(word);
        if taken {
            other.get_or_insert(Clause { name, at });
        }
        taken
    }

    /// The columns; `None` for `*`.
    fn columns(&mut self, other: &mut Option<Clause>) -> Result<Option<Vec<Expression>>, PartiqlError> {
        let columns = self.list(|parser| {
            if parser.take(&TokenKind::Star) {
                return Ok(None);
            }
            let column = parser.expression(0)?;
            if let Kind::Path(path) = &column.kind {
                let last = path.steps.len().saturating_sub(1);
                let stars = path.steps.iter().enumerate().filter(|(_, step)| matches!(step, PathStep::All));
                if stars.into_iter().any(|(index, _)| index < last) {
                    return Err(SyntaxError::AsteriskInPath.into());
                }
            }
            parser.note_alias(other)?;
            Ok(Some(column))
        })?;
        if columns.len() > 1 && columns.iter().any(Option::is_none) {
            return Err(SyntaxError::AsteriskNotAlone.into());
        }
        Ok(columns.into_iter().collect())
    }

    /// Steps over `AS name`, `name`, `AT name` and `BY name`, and notes that DynamoDB has no aliases.
    pub(super) fn note_alias(&mut self, other: &mut Option<Clause>) -> Result<(), PartiqlError> {
        let at = self.head().at;
        if self.alias(false)? {
            other.get_or_insert(Clause { name: "AS", at });
        }
        for (word, name) in [("at", "AT"), ("by", "BY")] {
            if self.note_clause(word, name, other) {
                self.alias_name(name)?;
            }
        }
        Ok(())
    }

    /// Steps over `AS name`; without `is_required` also over a name alone, or nothing.
    fn alias(&mut self, is_required: bool) -> Result<bool, PartiqlError> {
        if self.take_word("as") {
            self.alias_name("AS")?;
            return Ok(true);
        }
        if is_required {
            return Err(SyntaxError::Expected("AS following LET expr").into());
        }
        let is_name = matches!(self.head().kind, TokenKind::Name(_) | TokenKind::QuotedName(_));
        if is_name {
            self.advance();
        }
        Ok(is_name)
    }

    fn alias_name(&mut self, keyword: &'static str) -> Result<(), PartiqlError> {
        match self.head().kind {
            TokenKind::Name(_) | TokenKind::QuotedName(_) => {
                self.advance();
                Ok(())
            }
            _ => Err(SyntaxError::Alias(keyword).into()),
        }
    }

    /// The table, and whatever it is joined with.
    pub(super) fn source(&mut self, other: &mut Option<Clause>) -> Result<Expression, PartiqlError> {
        self.note_clause("unpivot", "UNPIVOT", other);
        let from = self.expression(CLAUSE_PRECEDENCE)?;
        self.note_alias(other)?;
        loop {
            let at = self.head().at;
            let is_join = self.take_word("join");
            if !is_join && !self.take(&TokenKind::Comma) {
                return Ok(from);
            }
            other.get_or_insert(Clause { name: "JOIN", at });
            self.expression(CLAUSE_PRECEDENCE)?;
            self.note_alias(other)?;
            if is_join && self.take_word("on") {
                self.expression(CLAUSE_PRECEDENCE)?;
            }
        }
    }

    fn order(&mut self) -> Result<Vec<OrderSyntax>, PartiqlError> {
        if !self.take_word("order") {
            return Ok(Vec::new());
        }
        if !self.take_word("by") {
            return Err(SyntaxError::Expected("BY").into());
        }
        self.list(|parser| {
            let key = parser.expression(0)?;
            let descending = parser.take_word("desc");
            if !descending {
                parser.take_word("asc");
            }
            Ok(OrderSyntax { key, descending })
        })
    }
}
