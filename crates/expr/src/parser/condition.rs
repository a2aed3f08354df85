//! Conditions: comparisons, BETWEEN, IN, functions, AND, OR, NOT and groups.
//!
//! What stands after a parenthesis may turn out to be a condition or an operand; [`Node`] keeps that open until the
//! closing one. A lone operand is only ever returned just before a closing parenthesis.

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

/// A node, and whether it stands in parentheses.
type Parsed<'t> = (Node<'t>, bool);

impl<'t> Parser<'t> {
    pub(super) fn condition(&mut self) -> Result<ConditionSyntax<'t>, ExpressionError> {
        let (node, _) = self.disjunction(false)?;
        self.as_condition(node)
    }

    fn disjunction(&mut self, operand_allowed: bool) -> Result<Parsed<'t>, ExpressionError> {
        let first = self.conjunction(operand_allowed)?;
        if self.kind() != TokenKind::Or {
            return Ok(first);
        }
        let mut alternatives = vec![self.as_condition(first.0)?];
        while self.take(TokenKind::Or) {
            self.count_operator();
            let (next, _) = self.conjunction(false)?;
            alternatives.push(self.as_condition(next)?);
        }
        Ok((Node::Condition(ConditionSyntax::Or(alternatives)), false))
    }

    fn conjunction(&mut self, operand_allowed: bool) -> Result<Parsed<'t>, ExpressionError> {
        let first = self.negation(operand_allowed)?;
        if self.kind() != TokenKind::And {
            return Ok(first);
        }
        let mut terms = vec![self.as_condition(first.0)?];
        while self.take(TokenKind::And) {
            self.count_operator();
            let (next, _) = self.negation(false)?;
            terms.push(self.as_condition(next)?);
        }
        Ok((Node::Condition(ConditionSyntax::And(terms)), false))
    }

    /// A chain of NOTs is read in a loop, so that only parentheses and functions nest.
    fn negation(&mut self, operand_allowed: bool) -> Result<Parsed<'t>, ExpressionError> {
        let mut negations = 0;
        while self.take(TokenKind::Not) {
            self.count_operator();
            negations += 1;
        }
        if negations == 0 {
            return self.term(operand_allowed);
        }
        let (inner, _) = self.term(false)?;
        let inner = self.as_condition(inner)?;
        // Two NOTs are none.
        let node = if negations % 2 == 0 { inner } else { ConditionSyntax::Not(Box::new(inner)) };
        Ok((Node::Condition(node), false))
    }

    fn term(&mut self, operand_allowed: bool) -> Result<Parsed<'t>, ExpressionError> {
        let (node, in_parentheses) = self.group_or_operand()?;
        let left = match node {
            Node::Condition(_) => return Ok((node, in_parentheses)),
            Node::Operand(operand) => operand,
        };
        if let Some(comparator) = comparator(self.kind()) {
            self.advance();
            self.count_operator();
            let right = self.operand()?;
            return Ok((Node::Condition(ConditionSyntax::Comparison(comparator, left, right)), false));
        }
        match self.kind() {
            TokenKind::Between => self.between(left),
            TokenKind::In => self.membership(left),
            TokenKind::CloseParenthesis if operand_allowed => Ok((Node::Operand(left), in_parentheses)),
            _ => Ok((Node::Condition(self.as_condition(Node::Operand(left))?), in_parentheses)),
        }
    }

    fn between(&mut self, operand: OperandSyntax<'t>) -> Result<Parsed<'t>, ExpressionError> {
        self.expect(TokenKind::Between)?;
        self.count_operator();
        let lower = self.operand()?;
        self.expect(TokenKind::And)?;
        let upper = self.operand()?;
        Ok((Node::Condition(ConditionSyntax::Between(operand, lower, upper)), false))
    }

    fn membership(&mut self, operand: OperandSyntax<'t>) -> Result<Parsed<'t>, ExpressionError> {
        self.expect(TokenKind::In)?;
        self.count_operator();
        self.expect(TokenKind::OpenParenthesis)?;
        let candidates = self.list(Parser::operand)?;
        self.expect(TokenKind::CloseParenthesis)?;
        Ok((Node::Condition(ConditionSyntax::In(operand, candidates)), false))
    }

    fn group_or_operand(&mut self) -> Result<Parsed<'t>, ExpressionError> {
        if !self.take(TokenKind::OpenParenthesis) {
            return Ok((Node::Operand(self.plain_operand()?), false));
        }
        let (inner, in_parentheses) = self.nested(|parser| parser.disjunction(true))?;
        self.expect(TokenKind::CloseParenthesis)?;
        self.redundant_parentheses |= in_parentheses;
        Ok((inner, true))
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
