//! Recursive descent over the tokens of one expression, one file per area of the grammar.
//!
//! Invariant: the depth of recursion is bounded by [`DEPTH_MAX`], whatever the text. What a well-formed expression
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

/// Deeper than any expression can go that neither has too many operators nor redundant parentheses.
const DEPTH_MAX: usize = EXPRESSION_OPERATORS_MAX + 2;

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
        depth: 0,
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
    depth: usize,
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

    /// Runs `rule` one level down.
    fn nested<T>(
        &mut self,
        rule: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        if self.depth == DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let parsed = rule(self);
        self.depth -= 1;
        parsed
    }

    fn too_deep(&self) -> ExpressionError {
        let before = |back: usize| self.position.checked_sub(back).map(|at| self.tokens[at].kind);
        if before(1) == Some(TokenKind::OpenParenthesis) && before(2) == Some(TokenKind::OpenParenthesis) {
            ExpressionError::RedundantParentheses
        } else {
            ExpressionError::TooManyOperators(self.operators.max(EXPRESSION_OPERATORS_MAX + 1))
        }
    }
}
