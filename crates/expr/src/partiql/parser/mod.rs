//! Parses statements, with the grammar of PartiQL and the errors of its parser.
//!
//! The grammar is wider than what DynamoDB supports: what it does not support is refused later, in other words. The
//! depth of what is built is bounded, so nothing that walks it can run out of stack.

mod expression;
mod select;
mod statement;

use graticule_model::error::{PartiqlError, SyntaxError};

use super::{
    lexer::{Token, TokenKind, tokenize},
    syntax::Expression,
};

/// Most expressions inside each other; twice as deep as an item can be, and a statement around it.
const DEPTH_MAX: usize = 96;

/// Parses one statement, or one expression; gives it with the number of parameters that it has places for.
///
/// # Errors
/// [`PartiqlError::NotWellFormed`], or what DynamoDB does not have.
pub(super) fn parse(text: &str) -> Result<(Expression, usize), PartiqlError> {
    let mut parser = Parser { tokens: tokenize(text)?, position: 0, depth: 0 };
    let expression = parser.expression(0)?;
    if parser.take(&TokenKind::Semicolon) && parser.head().kind != TokenKind::End {
        return Err(SyntaxError::AfterSemicolon.into());
    }
    if parser.head().kind != TokenKind::End {
        return Err(SyntaxError::AfterExpression.into());
    }
    let is_place = |token: &&Token| matches!(token.kind, TokenKind::Parameter(_));
    let places = parser.tokens.iter().filter(is_place).count();
    Ok((expression, places))
}

/// A place in the tokens of a statement.
struct Parser {
    tokens: Vec<Token>,
    position: usize,
    depth: usize,
}

impl Parser {
    /// The token at hand; [`TokenKind::End`] for ever at the end.
    fn head(&self) -> &Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> &Token {
        &self.tokens[(self.position + count).min(self.tokens.len() - 1)]
    }

    fn word(&self) -> Option<&'static str> {
        self.head().word()
    }

    fn advance(&mut self) -> Token {
        let token = self.head().clone();
        self.position += 1;
        token
    }

    /// Steps over the token at hand if it is this one.
    fn take(&mut self, kind: &TokenKind) -> bool {
        let taken = self.head().kind == *kind;
        self.position += usize::from(taken);
        taken
    }

    /// Steps over the keyword at hand if it is this one.
    fn take_word(&mut self, word: &str) -> bool {
        let taken = self.word() == Some(word);
        self.position += usize::from(taken);
        taken
    }

    fn expect(&mut self, kind: &TokenKind, name: &'static str) -> Result<(), PartiqlError> {
        if self.take(kind) { Ok(()) } else { Err(SyntaxError::Expected(name).into()) }
    }

    /// Parses something that may hold something of its kind.
    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Parser) -> Result<T, PartiqlError>,
    ) -> Result<T, PartiqlError> {
        if self.depth == DEPTH_MAX {
            return Err(SyntaxError::TooDeep.into());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// One or more of something, separated by commas.
    fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Parser) -> Result<T, PartiqlError>,
    ) -> Result<Vec<T>, PartiqlError> {
        let mut elements = vec![element(self)?];
        while self.take(&TokenKind::Comma) {
            elements.push(element(self)?);
        }
        Ok(elements)
    }
}
