//! Paths, values, function calls, and parentheses around them.

use graticule_model::error::ExpressionError;

use super::Parser;
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
        self.operand_and_parentheses().map(|(operand, _)| operand)
    }

    fn operand_and_parentheses(&mut self) -> Result<(OperandSyntax<'t>, bool), ExpressionError> {
        if !self.take(TokenKind::OpenParenthesis) {
            return Ok((self.plain_operand()?, false));
        }
        let (operand, in_parentheses) = self.nested(Parser::operand_and_parentheses)?;
        self.expect(TokenKind::CloseParenthesis)?;
        self.redundant_parentheses |= in_parentheses;
        Ok((operand, true))
    }

    /// An operand that does not begin with a parenthesis.
    pub(super) fn plain_operand(&mut self) -> Result<OperandSyntax<'t>, ExpressionError> {
        match (self.kind(), self.kind_after()) {
            (TokenKind::ValuePlaceholder, _) => Ok(OperandSyntax::Value(self.advance())),
            (TokenKind::Identifier, TokenKind::OpenParenthesis) => {
                self.nested(Parser::call).map(OperandSyntax::Call)
            }
            _ => self.path().map(OperandSyntax::Path),
        }
    }

    fn call(&mut self) -> Result<CallSyntax<'t>, ExpressionError> {
        self.count_operator();
        let name = self.expect(TokenKind::Identifier)?;
        self.expect(TokenKind::OpenParenthesis)?;
        let operands = self.list(Parser::operand)?;
        self.expect(TokenKind::CloseParenthesis)?;
        Ok(CallSyntax { name, operands })
    }
}
