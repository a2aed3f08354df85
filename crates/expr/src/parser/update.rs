//! Update expressions: the four sections, their actions, and arithmetic.

use graticule_model::error::ExpressionError;

use super::Parser;
use crate::{
    lexer::TokenKind,
    syntax::{ActionSyntax, OperandSyntax, SetValueSyntax, VerbSyntax},
};

const SECTIONS: [(TokenKind, &str); 4] = [
    (TokenKind::Set, "SET"),
    (TokenKind::Remove, "REMOVE"),
    (TokenKind::Add, "ADD"),
    (TokenKind::Delete, "DELETE"),
];

impl<'t> Parser<'t> {
    /// One or more sections in any order, each once.
    pub(super) fn update(&mut self) -> Result<Vec<ActionSyntax<'t>>, ExpressionError> {
        let mut seen = [false; SECTIONS.len()];
        let mut repeated = None;
        let mut actions = Vec::new();
        loop {
            let Some(section) = SECTIONS.iter().position(|(kind, _)| *kind == self.kind()) else {
                return Err(self.syntax_error());
            };
            self.advance();
            if seen[section] {
                repeated = repeated.or(Some(SECTIONS[section].1));
            }
            seen[section] = true;
            actions.extend(self.list(|parser| parser.action(SECTIONS[section].0))?);
            if self.kind() == TokenKind::End {
                break;
            }
        }
        repeated.map_or(Ok(actions), |section| Err(ExpressionError::SectionRepeated(section)))
    }

    fn action(&mut self, section: TokenKind) -> Result<ActionSyntax<'t>, ExpressionError> {
        let path = self.path()?;
        let verb = match section {
            TokenKind::Set => {
                self.expect(TokenKind::Equal)?;
                VerbSyntax::Set(self.set_value()?)
            }
            TokenKind::Add => VerbSyntax::Add(self.expect(TokenKind::ValuePlaceholder)?),
            TokenKind::Delete => VerbSyntax::Delete(self.expect(TokenKind::ValuePlaceholder)?),
            _ => VerbSyntax::Remove,
        };
        Ok(ActionSyntax { path, verb })
    }

    /// An operand, a sum or a difference, in parentheses or not.
    fn set_value(&mut self) -> Result<SetValueSyntax<'t>, ExpressionError> {
        let opened = self.open_parentheses();
        let left = self.plain_operand()?;
        let mut closed = 0;
        while closed < opened && self.take(TokenKind::CloseParenthesis) {
            closed += 1;
        }
        let arithmetic: fn(OperandSyntax<'t>, OperandSyntax<'t>) -> SetValueSyntax<'t> = match self.kind() {
            TokenKind::Plus => SetValueSyntax::Plus,
            TokenKind::Minus => SetValueSyntax::Minus,
            _ if closed < opened => return Err(self.syntax_error()),
            _ => {
                self.redundant_parentheses |= closed > 1;
                return Ok(SetValueSyntax::Operand(left));
            }
        };
        self.advance();
        self.count_operator();
        let right = self.operand()?;
        for _ in closed..opened {
            self.expect(TokenKind::CloseParenthesis)?;
        }
        self.redundant_parentheses |= closed > 1 || opened - closed > 1;
        Ok(arithmetic(left, right))
    }
}
