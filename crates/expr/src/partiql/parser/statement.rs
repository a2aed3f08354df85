//! INSERT, UPDATE and DELETE.

use graticule_model::error::{Location, PartiqlError, SyntaxError};

use super::Parser;
use crate::partiql::{
    lexer::TokenKind,
    syntax::{
        ActionSyntax, ChangeSyntax, Clause, Expression, InsertSyntax, Kind, ReturningSyntax, StatementSyntax,
    },
};

impl Parser {
    /// The statement that begins with `word`, the token at hand.
    pub(super) fn statement(&mut self, word: &'static str, at: Location) -> Result<Expression, PartiqlError> {
        let statement = match word {
            "select" => {
                self.advance();
                StatementSyntax::Select(self.deeper(Parser::select)?)
            }
            "insert_into" => StatementSyntax::Insert(self.insert()?),
            "update" => {
                self.advance();
                StatementSyntax::Change(self.change(true)?)
            }
            "delete" => {
                self.advance();
                if !self.take_word("from") {
                    return Err(SyntaxError::FromAfterDelete.into());
                }
                StatementSyntax::Change(self.change(false)?)
            }
            "from" => {
                self.advance();
                let mut other = None;
                self.source(&mut other)?;
                if self.take_word("where") {
                    self.expression(0)?;
                }
                self.actions(&mut other)?;
                self.returning()?;
                return Err(PartiqlError::OperationUnsupported("FROM".to_owned()));
            }
            _ => {
                self.actions(&mut None)?;
                return Err(PartiqlError::OperationUnsupported(word.to_ascii_uppercase()));
            }
        };
        Ok(Expression { kind: Kind::Statement(Box::new(statement)), at })
    }

    fn insert(&mut self) -> Result<InsertSyntax, PartiqlError> {
        self.advance();
        let target = self.simple_path()?;
        let mut other = None;
        if !self.take_word("value") {
            let at = self.head().at;
            let value = self.expression(0)?;
            let other = Some(Clause { name: "VALUES", at });
            return Ok(InsertSyntax { target, value, other, returning: None });
        }
        let value = self.expression(0)?;
        let at = self.head().at;
        if self.take_word("at") {
            self.expression(0)?;
            other = Some(Clause { name: "AT", at });
        }
        let at = self.head().at;
        if self.take_word("on_conflict") {
            if !self.take_word("where") {
                return Err(SyntaxError::OnConflict.into());
            }
            self.expression(0)?;
            if !self.take_word("do_nothing") {
                return Err(SyntaxError::OnConflict.into());
            }
            other.get_or_insert(Clause { name: "ON CONFLICT", at });
        }
        let returning = self.returning()?;
        Ok(InsertSyntax { target, value, other, returning })
    }

    /// An UPDATE or a DELETE, from its table on.
    fn change(&mut self, is_update: bool) -> Result<ChangeSyntax, PartiqlError> {
        let target = self.simple_path()?;
        let mut other = None;
        self.note_alias(&mut other)?;
        let actions = match is_update {
            true => Some(self.actions(&mut other)?),
            false => None,
        };
        let filter = match self.take_word("where") {
            true => Some(self.expression(0)?),
            false => None,
        };
        let returning = self.returning()?;
        Ok(ChangeSyntax { target, actions, filter, returning, other })
    }

    /// One or more clauses of SET and REMOVE.
    fn actions(&mut self, other: &mut Option<Clause>) -> Result<Vec<ActionSyntax>, PartiqlError> {
        let mut actions = Vec::new();
        loop {
            let at = self.head().at;
            match self.word() {
                Some("set") => {
                    self.advance();
                    actions.extend(self.list(|parser| {
                        let path = parser.simple_path()?;
                        if !parser.take_word("=") {
                            return Err(SyntaxError::Assignment.into());
                        }
                        Ok(ActionSyntax { path, value: Some(parser.expression(0)?) })
                    })?);
                }
                Some("remove") => {
                    self.advance();
                    actions.push(ActionSyntax { path: self.simple_path()?, value: None });
                }
                Some("insert_into") => {
                    other.get_or_insert(Clause { name: "INSERT", at });
                    let inserted = self.insert()?;
                    actions.push(ActionSyntax { path: inserted.target, value: Some(inserted.value) });
                }
                _ if actions.is_empty() => return Err(SyntaxError::DataManipulation.into()),
                _ => return Ok(actions),
            }
        }
    }

    fn returning(&mut self) -> Result<Option<ReturningSyntax>, PartiqlError> {
        let at = self.head().at;
        if !self.take_word("returning") {
            return Ok(None);
        }
        let elements = self.list(|parser| {
            let mapping = match parser.word() {
                Some(word @ ("all_old" | "all_new" | "modified_old" | "modified_new")) => word,
                _ => return Err(SyntaxError::Returning.into()),
            };
            parser.advance();
            let is_star = parser.take(&TokenKind::Star);
            if !is_star {
                parser.expression(0)?;
            }
            Ok((mapping, is_star))
        })?;
        let is_plain = matches!(elements.as_slice(), [(_, true)]);
        Ok(elements.first().map(|(mapping, _)| ReturningSyntax { mapping, is_plain, at }))
    }
}
