//! Conditions: comparisons, BETWEEN, IN, functions, AND, OR, NOT and groups.
//!
//! Groups are kept on a stack of [`Level`]s and not by recursion: condition builders put a pair of parentheses around
//! every operator, so expressions nest as deep as they have operators. What stands between parentheses may turn out
//! to be a condition or an operand; [`Node`] keeps that open until the token behind them.

use graticule_model::error::ExpressionError;

use super::Parser;
use crate::{
    lexer::TokenKind,
    syntax::{Comparator, ConditionSyntax, OperandSyntax},
};

/// Something whose nature the next token decides.
enum Node<'t> {
    Operand(OperandSyntax<'t>),
    Condition(ConditionSyntax<'t>),
}

/// What has been read of a group, or of the whole expression, before the node at hand.
#[derive(Default)]
struct Level<'t> {
    alternatives: Vec<ConditionSyntax<'t>>,
    terms: Vec<ConditionSyntax<'t>>,
    /// Whether an odd number of NOTs stands before the node at hand; two are none.
    is_negated: bool,
    /// Whether any operator has been read, so that the node at hand is not all there is.
    has_operators: bool,
}

impl<'t> Level<'t> {
    /// `condition` is a term; AND or OR follows, or the end of the level.
    fn push_term(&mut self, condition: ConditionSyntax<'t>) {
        let is_negated = std::mem::take(&mut self.is_negated);
        self.terms.push(if is_negated { ConditionSyntax::Not(Box::new(condition)) } else { condition });
    }

    /// The terms so far are one alternative; OR follows, or the end of the level.
    fn push_alternative(&mut self) {
        let terms = std::mem::take(&mut self.terms);
        self.alternatives.push(joined(terms, ConditionSyntax::And));
    }

    /// The condition that ends with `last`.
    fn finish(mut self, last: ConditionSyntax<'t>) -> ConditionSyntax<'t> {
        self.push_term(last);
        self.push_alternative();
        joined(self.alternatives, ConditionSyntax::Or)
    }
}

fn joined<'t>(
    mut parts: Vec<ConditionSyntax<'t>>,
    operator: fn(Vec<ConditionSyntax<'t>>) -> ConditionSyntax<'t>,
) -> ConditionSyntax<'t> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            operator(parts)
        }
    }
}

impl<'t> Parser<'t> {
    pub(super) fn condition(&mut self) -> Result<ConditionSyntax<'t>, ExpressionError> {
        let mut outer = Vec::new();
        let mut level = Level::default();
        loop {
            while self.take(TokenKind::Not) {
                self.count_operator();
                level.is_negated = !level.is_negated;
                level.has_operators = true;
            }
            if self.take(TokenKind::OpenParenthesis) {
                outer.push(std::mem::take(&mut level));
                continue;
            }
            let first = Node::Operand(self.plain_operand()?);
            let node = self.close_groups(first, &mut level, &mut outer)?;
            // What follows the node: AND, OR, or the end of everything.
            let condition = self.as_condition(node)?;
            match self.kind() {
                TokenKind::And => level.push_term(condition),
                TokenKind::Or => {
                    level.push_term(condition);
                    level.push_alternative();
                }
                _ if outer.is_empty() => return Ok(level.finish(condition)),
                _ => return Err(self.syntax_error()),
            }
            self.advance();
            self.count_operator();
            level.has_operators = true;
        }
    }

    /// Completes `node` with a comparison if one follows, and then every group that ends behind it.
    fn close_groups(
        &mut self,
        mut node: Node<'t>,
        level: &mut Level<'t>,
        outer: &mut Vec<Level<'t>>,
    ) -> Result<Node<'t>, ExpressionError> {
        let mut is_in_parentheses = false;
        loop {
            node = match node {
                Node::Operand(operand) if self.comparison_follows() => {
                    is_in_parentheses = false;
                    Node::Condition(self.comparison(operand)?)
                }
                node => node,
            };
            if self.kind() != TokenKind::CloseParenthesis || outer.is_empty() {
                return Ok(node);
            }
            if level.has_operators {
                let last = self.as_condition(node)?;
                node = Node::Condition(std::mem::take(level).finish(last));
            } else {
                self.redundant_parentheses |= is_in_parentheses;
            }
            self.advance();
            is_in_parentheses = true;
            *level = outer.pop().unwrap_or_default();
        }
    }

    fn comparison_follows(&self) -> bool {
        comparator(self.kind()).is_some() || matches!(self.kind(), TokenKind::Between | TokenKind::In)
    }

    /// The comparison of `operand` with what follows.
    fn comparison(&mut self, operand: OperandSyntax<'t>) -> Result<ConditionSyntax<'t>, ExpressionError> {
        self.count_operator();
        if let Some(comparator) = comparator(self.kind()) {
            self.advance();
            return Ok(ConditionSyntax::Comparison(comparator, operand, self.operand()?));
        }
        if self.take(TokenKind::Between) {
            let lower = self.operand()?;
            self.expect(TokenKind::And)?;
            return Ok(ConditionSyntax::Between(operand, lower, self.operand()?));
        }
        self.expect(TokenKind::In)?;
        self.expect(TokenKind::OpenParenthesis)?;
        let candidates = self.list(Parser::operand)?;
        self.expect(TokenKind::CloseParenthesis)?;
        Ok(ConditionSyntax::In(operand, candidates))
    }

    /// A function may stand as a condition; another operand lacks the operator that the token at hand is not.
    fn as_condition(&self, node: Node<'t>) -> Result<ConditionSyntax<'t>, ExpressionError> {
        match node {
            Node::Condition(condition) => Ok(condition),
            Node::Operand(OperandSyntax::Call(call)) => Ok(ConditionSyntax::Call(call)),
            Node::Operand(_) => Err(self.syntax_error()),
        }
    }
}

fn comparator(kind: TokenKind) -> Option<Comparator> {
    match kind {
        TokenKind::Equal => Some(Comparator::Equal),
        TokenKind::NotEqual => Some(Comparator::NotEqual),
        TokenKind::Less => Some(Comparator::Less),
        TokenKind::LessOrEqual => Some(Comparator::LessOrEqual),
        TokenKind::Greater => Some(Comparator::Greater),
        TokenKind::GreaterOrEqual => Some(Comparator::GreaterOrEqual),
        _ => None,
    }
}
