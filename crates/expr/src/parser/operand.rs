//! Paths, values, function calls, and parentheses around them.

use graticule_model::error::ExpressionError;

use super::{CALL_DEPTH_MAX, Parser};
use crate::{
    lexer::TokenKind,
    syntax::{CallSyntax, OperandSyntax, PathElement, PathSyntax},
};

impl<'t> Parser<'t> {
    /// One or more paths, separated by commas.
    pub(super) fn paths(&mut self) -> Result<Vec<PathSyntax<'t>>, ExpressionError> {
        self.list(Parser::path)
    }

    /// One or more of something, separated by commas.
    pub(super) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<Vec<T>, ExpressionError> {
        let mut elements = vec![element(self)?];
        while self.take(TokenKind::Comma) {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    pub(super) fn path(&mut self) -> Result<PathSyntax<'t>, ExpressionError> {
        let mut path = vec![self.name()?];
        loop {
            if self.take(TokenKind::Dot) {
                path.push(self.name()?);
            } else if self.take(TokenKind::OpenBracket) {
                path.push(PathElement::Index(self.expect(TokenKind::Index)?));
                self.expect(TokenKind::CloseBracket)?;
            } else {
                return Ok(path);
            }
        }
    }

    fn name(&mut self) -> Result<PathElement<'t>, ExpressionError> {
        match self.kind() {
            TokenKind::Identifier => Ok(PathElement::Name(self.advance())),
            TokenKind::NamePlaceholder => Ok(PathElement::Placeholder(self.advance())),
            _ => Err(self.syntax_error()),
        }
    }

    /// An operand, in parentheses or not.
    pub(super) fn operand(&mut self) -> Result<OperandSyntax<'t>, ExpressionError> {
        let opened = self.open_parentheses();
        let operand = self.plain_operand()?;
        for _ in 0..opened {
            self.expect(TokenKind::CloseParenthesis)?;
        }
        self.redundant_parentheses |= opened > 1;
        Ok(operand)
    }

    /// Steps over opening parentheses and counts them.
    pub(super) fn open_parentheses(&mut self) -> usize {
        let mut opened = 0;
        while self.take(TokenKind::OpenParenthesis) {
            opened += 1;
        }
        opened
    }

    /// An operand that does not begin with a parenthesis.
    pub(super) fn plain_operand(&mut self) -> Result<OperandSyntax<'t>, ExpressionError> {
        match (self.kind(), self.kind_after()) {
            (TokenKind::ValuePlaceholder, _) => Ok(OperandSyntax::Value(self.advance())),
            (TokenKind::Identifier, TokenKind::OpenParenthesis) => self.call().map(OperandSyntax::Call),
            _ => self.path().map(OperandSyntax::Path),
        }
    }

    /// The one rule that calls itself.
    fn call(&mut self) -> Result<CallSyntax<'t>, ExpressionError> {
        self.count_operator();
        if self.call_depth == CALL_DEPTH_MAX {
            return Err(ExpressionError::TooManyOperators(self.operators));
        }
        self.call_depth += 1;
        let name = self.expect(TokenKind::Identifier)?;
        self.expect(TokenKind::OpenParenthesis)?;
        let operands = self.list(Parser::operand)?;
        self.expect(TokenKind::CloseParenthesis)?;
        self.call_depth -= 1;
        Ok(CallSyntax { name, operands })
    }
}
