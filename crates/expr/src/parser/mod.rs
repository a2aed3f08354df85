//! Descends over the tokens of one expression, one file per area of the grammar.
//!
//! Invariant: the depth of recursion is bounded by [`CALL_DEPTH_MAX`], whatever the text, and so is the depth of what
//! comes out, by the number of operators. What a well-formed expression
//! may not say (reserved words, operand types, …) is not decided here.

mod condition;
mod operand;
mod update;

use graticule_model::{
    error::ExpressionError,
    limits::{EXPRESSION_BYTES_MAX, EXPRESSION_OPERATORS_MAX},
};

use crate::{
    lexer::{Token, TokenKind, tokens},
    syntax::{ActionSyntax, ConditionSyntax, PathSyntax},
};

/// Functions inside functions, each of which counts as an operator.
const CALL_DEPTH_MAX: usize = EXPRESSION_OPERATORS_MAX;

/// Parses a condition, filter or key condition.
pub(crate) fn parse_condition(text: &str) -> Result<ConditionSyntax<'_>, ExpressionError> {
    parse(text, Parser::condition)
}

/// Parses a projection.
pub(crate) fn parse_projection(text: &str) -> Result<Vec<PathSyntax<'_>>, ExpressionError> {
    parse(text, Parser::paths)
}

/// Parses an update.
pub(crate) fn parse_update(text: &str) -> Result<Vec<ActionSyntax<'_>>, ExpressionError> {
    parse(text, Parser::update)
}

fn parse<'t, T>(
    text: &'t str,
    rule: impl FnOnce(&mut Parser<'t>) -> Result<T, ExpressionError>,
) -> Result<T, ExpressionError> {
    if text.trim().is_empty() {
        return Err(ExpressionError::Empty);
    }
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(ExpressionError::TooLong(text.len()));
    }
    let mut parser = Parser {
        text,
        tokens: tokens(text),
        position: 0,
        call_depth: 0,
        operators: 0,
        redundant_parentheses: false,
    };
    let parsed = rule(&mut parser)?;
    parser.expect(TokenKind::End)?;
    if parser.redundant_parentheses {
        return Err(ExpressionError::RedundantParentheses);
    }
    if parser.operators > EXPRESSION_OPERATORS_MAX {
        return Err(ExpressionError::TooManyOperators(parser.operators));
    }
    Ok(parsed)
}

/// A place in the tokens of one expression.
struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    position: usize,
    call_depth: usize,
    operators: usize,
    redundant_parentheses: bool,
}

impl<'t> Parser<'t> {
    /// The token at hand; [`TokenKind::End`] for ever at the end.
    fn token(&self) -> Token {
        self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn kind_after(&self) -> TokenKind {
        self.tokens[(self.position + 1).min(self.tokens.len() - 1)].kind
    }

    /// Steps over the token at hand and gives its text.
    fn advance(&mut self) -> &'t str {
        let token = self.token();
        self.position += 1;
        &self.text[token.start..token.end]
    }

    /// Steps over the token at hand if it is of this kind.
    fn take(&mut self, kind: TokenKind) -> bool {
        let taken = self.kind() == kind;
        if taken {
            self.position += 1;
        }
        taken
    }

    fn expect(&mut self, kind: TokenKind) -> Result<&'t str, ExpressionError> {
        if self.kind() == kind { Ok(self.advance()) } else { Err(self.syntax_error()) }
    }

    /// The token at hand does not belong here.
    fn syntax_error(&self) -> ExpressionError {
        let position = self.position.min(self.tokens.len() - 1);
        let token = self.tokens[position];
        let shown = if token.kind == TokenKind::End { "<EOF>" } else { &self.text[token.start..token.end] };
        let first = self.tokens[position.saturating_sub(1)];
        let last = self.tokens[(position + 1).min(self.tokens.len() - 1)];
        ExpressionError::Syntax {
            token: shown.to_owned(),
            near: self.text[first.start..last.end].trim_end().to_owned(),
        }
    }

    /// Counts one operator or function.
    fn count_operator(&mut self) {
        self.operators += 1;
    }
}
