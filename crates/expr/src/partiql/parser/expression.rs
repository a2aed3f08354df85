//! Expressions: operators by their precedence, paths, literals and function calls.

use graticule_model::error::{Location, PartiqlError, SyntaxError};

use super::{DEPTH_MAX, Parser};
use crate::{
    partiql::{
        keywords::{NOT_PRECEDENCE, infix_precedence},
        lexer::TokenKind,
        syntax::{Expression, Kind, PathExpression, PathStep},
    },
    syntax::Comparator,
};

/// The functions whose names are reserved words.
const FUNCTION_KEYWORDS: &[&str] = &[
    "avg",
    "bag",
    "bit_length",
    "char_length",
    "character_length",
    "count",
    "exists",
    "list",
    "lower",
    "max",
    "min",
    "octet_length",
    "sexp",
    "size",
    "sum",
    "upper",
];

/// The types that `IS` can ask for, with their other names.
#[rustfmt::skip]
const TYPES: &[&str] = &[
    "any", "bag", "bigint", "blob", "bool", "boolean", "char", "character", "clob", "date", "dec", "decimal",
    "float", "int", "int2", "int4", "int8", "integer", "integer2", "integer4", "integer8", "list", "missing",
    "null", "numeric", "real", "sexp", "smallint", "string", "struct", "symbol", "time", "timestamp", "tuple",
    "varchar",
];

fn boxed(expression: Expression) -> Box<Expression> {
    Box::new(expression)
}

impl Parser {
    /// An expression whose operators bind tighter than `precedence`.
    pub(super) fn expression(&mut self, precedence: u8) -> Result<Expression, PartiqlError> {
        self.deeper(|parser| {
            let mut left = parser.unary()?;
            let mut chained = 0;
            loop {
                let operator = match &parser.head().kind {
                    TokenKind::Operator(operator) => *operator,
                    TokenKind::Star => "*",
                    _ => return Ok(left),
                };
                let binds = infix_precedence(operator);
                if binds <= precedence {
                    return Ok(left);
                }
                // A chain of AND or OR is flat; one of anything else is as deep as it is long.
                chained += usize::from(!matches!(operator, "and" | "or"));
                if parser.depth + chained > DEPTH_MAX {
                    return Err(SyntaxError::TooDeep.into());
                }
                left = parser.infix(left, operator, binds)?;
            }
        })
    }

    /// What an operator behind `left` makes of it.
    fn infix(
        &mut self,
        left: Expression,
        operator: &'static str,
        binds: u8,
    ) -> Result<Expression, PartiqlError> {
        let at = left.at;
        if self.ahead(1).kind == TokenKind::End && !matches!(operator, "is" | "is_not") {
            return Err(SyntaxError::RightSideMissing.into());
        }
        let sign = self.advance().at;
        let kind = match operator {
            "is" => Kind::Is(boxed(left), self.type_name()?),
            "is_not" => {
                let kind = Kind::Is(boxed(left), self.type_name()?);
                Kind::Not(boxed(Expression { kind, at }))
            }
            "in" => Kind::In(boxed(left), boxed(self.candidates(binds)?)),
            "not_in" => {
                let kind = Kind::In(boxed(left), boxed(self.candidates(binds)?));
                Kind::Not(boxed(Expression { kind, at }))
            }
            "between" => self.between(left, binds)?,
            "not_between" => {
                let kind = self.between(left, binds)?;
                Kind::Not(boxed(Expression { kind, at }))
            }
            _ => {
                let right = self.expression(binds)?;
                binary(operator, left, right)
            }
        };
        // An operator that DynamoDB does not know is found by its own place.
        let at = if matches!(kind, Kind::Other(_)) { sign } else { at };
        Ok(Expression { kind, at })
    }

    fn between(&mut self, operand: Expression, binds: u8) -> Result<Kind, PartiqlError> {
        let lower = self.expression(binds)?;
        if !self.take_word("and") {
            return Err(SyntaxError::ExpectedKeyword("AND").into());
        }
        if self.head().kind == TokenKind::End {
            return Err(SyntaxError::ExpressionAfterAnd.into());
        }
        let upper = self.expression(binds)?;
        Ok(Kind::Between(boxed(operand), boxed(lower), boxed(upper)))
    }

    /// What stands behind `IN`: a list in parentheses, or any expression.
    fn candidates(&mut self, binds: u8) -> Result<Expression, PartiqlError> {
        let at = self.head().at;
        let is_query = matches!(self.ahead(1).word(), Some("select" | "values"));
        if self.head().kind == TokenKind::OpenParenthesis && !is_query {
            self.advance();
            let elements = self.list(|parser| parser.expression(0))?;
            self.expect(&TokenKind::CloseParenthesis, "RIGHT_PAREN")?;
            return Ok(Expression { kind: Kind::List(elements), at });
        }
        self.expression(binds)
    }

    fn type_name(&mut self) -> Result<&'static str, PartiqlError> {
        let found = self.word().filter(|word| TYPES.contains(word));
        let name = found.ok_or(SyntaxError::TypeName)?;
        self.advance();
        Ok(name)
    }

    fn unary(&mut self) -> Result<Expression, PartiqlError> {
        let at = self.head().at;
        match self.head().kind {
            TokenKind::Operator("not") => {
                self.advance();
                let operand = self.expression(NOT_PRECEDENCE)?;
                Ok(Expression { kind: Kind::Not(boxed(operand)), at })
            }
            TokenKind::Operator(sign @ ("+" | "-")) => {
                self.advance();
                let operand = self.deeper(Parser::unary)?;
                let kind = match operand.kind {
                    Kind::Number(digits) if sign == "+" => Kind::Number(digits),
                    Kind::Number(digits) => Kind::Number(negated(&digits)),
                    _ => Kind::Other(sign.to_owned()),
                };
                Ok(Expression { kind, at })
            }
            _ => self.path_or_term(),
        }
    }

    fn path_or_term(&mut self) -> Result<Expression, PartiqlError> {
        let term = self.term()?;
        if !matches!(self.head().kind, TokenKind::Dot | TokenKind::OpenBracket) {
            return Ok(term);
        }
        let (at, is_path) = (term.at, matches!(term.kind, Kind::Path(_)));
        let mut path = match term.kind {
            Kind::Path(path) => path,
            // A step into a literal is read to its end, and refused where the path is used.
            _ => PathExpression { root: String::new(), steps: Vec::new() },
        };
        self.steps(&mut path.steps, false)?;
        let kind = if is_path { Kind::Path(path) } else { Kind::Other("path".to_owned()) };
        Ok(Expression { kind, at })
    }

    /// A path that begins with a name and whose steps are not computed: a table or a target.
    pub(super) fn simple_path(&mut self) -> Result<Expression, PartiqlError> {
        let at = self.head().at;
        let root = match &self.head().kind {
            TokenKind::Name(name) | TokenKind::QuotedName(name) => name.clone(),
            _ => return Err(SyntaxError::PathStart.into()),
        };
        self.advance();
        let mut path = PathExpression { root, steps: Vec::new() };
        self.steps(&mut path.steps, true)?;
        Ok(Expression { kind: Kind::Path(path), at })
    }

    fn steps(&mut self, steps: &mut Vec<PathStep>, is_simple: bool) -> Result<(), PartiqlError> {
        loop {
            if self.take(&TokenKind::Dot) {
                steps.push(match &self.head().kind {
                    TokenKind::Name(name) | TokenKind::QuotedName(name) => PathStep::Name(name.clone()),
                    TokenKind::Star if is_simple => return Err(SyntaxError::PathDotSimple.into()),
                    TokenKind::Star => PathStep::All,
                    _ => return Err(SyntaxError::PathDot.into()),
                });
                self.advance();
            } else if self.take(&TokenKind::OpenBracket) {
                let step = if self.take(&TokenKind::Star) {
                    PathStep::All
                } else {
                    PathStep::Element(self.expression(0)?)
                };
                self.expect(&TokenKind::CloseBracket, "RIGHT_BRACKET")?;
                let is_literal = matches!(
                    &step,
                    PathStep::Element(Expression { kind: Kind::Number(_) | Kind::Text(_), .. })
                );
                if is_simple && !is_literal {
                    return Err(SyntaxError::PathComponent.into());
                }
                steps.push(step);
            } else {
                return Ok(());
            }
        }
    }

    fn term(&mut self) -> Result<Expression, PartiqlError> {
        let token = self.head().clone();
        let at = token.at;
        let literal = |parser: &mut Parser, kind: Kind| {
            parser.advance();
            Ok(Expression { kind, at })
        };
        match token.kind {
            TokenKind::Keyword(word) => self.keyword(word, at),
            TokenKind::Operator(_) => Err(SyntaxError::Operator.into()),
            TokenKind::Name(name) | TokenKind::QuotedName(name) => {
                if self.ahead(1).kind == TokenKind::OpenParenthesis {
                    self.advance();
                    return self.call(name.to_ascii_lowercase(), at);
                }
                literal(self, Kind::Path(PathExpression { root: name, steps: Vec::new() }))
            }
            TokenKind::Text(text) => literal(self, Kind::Text(text)),
            TokenKind::Number(digits) => literal(self, Kind::Number(digits)),
            TokenKind::Boolean(value) => literal(self, Kind::Boolean(value)),
            TokenKind::Null => literal(self, Kind::Null),
            TokenKind::Missing => literal(self, Kind::Missing),
            TokenKind::Parameter(index) => literal(self, Kind::Parameter(index)),
            TokenKind::Ion => literal(self, Kind::Other("ion".to_owned())),
            TokenKind::OpenParenthesis => self.group(at),
            TokenKind::OpenBracket => {
                let elements = self.elements(&TokenKind::CloseBracket, "RIGHT_BRACKET")?;
                Ok(Expression { kind: Kind::List(elements), at })
            }
            TokenKind::OpenBag => {
                let elements = self.elements(&TokenKind::CloseBag, "RIGHT_DOUBLE_ANGLE_BRACKET")?;
                Ok(Expression { kind: Kind::Bag(elements), at })
            }
            TokenKind::OpenBrace => self.structure(at),
            _ => Err(SyntaxError::Term.into()),
        }
    }

    fn keyword(&mut self, word: &'static str, at: Location) -> Result<Expression, PartiqlError> {
        match word {
            "select" | "insert_into" | "set" | "remove" | "update" | "delete" | "from" => {
                self.statement(word, at)
            }
            "values" => {
                self.advance();
                self.list(|parser| {
                    if parser.head().kind != TokenKind::OpenParenthesis {
                        return Err(SyntaxError::RowConstructor.into());
                    }
                    parser.elements(&TokenKind::CloseParenthesis, "RIGHT_PAREN")
                })?;
                Ok(Expression { kind: Kind::Other("VALUES".to_owned()), at })
            }
            // The types of tokens that stand between other things.
            "as" | "asc" | "at" | "by" | "desc" | "for" => Err(SyntaxError::Term.into()),
            _ if FUNCTION_KEYWORDS.contains(&word) && self.ahead(1).kind == TokenKind::OpenParenthesis => {
                self.advance();
                self.call(word.to_owned(), at)
            }
            // What else PartiQL knows DynamoDB refuses, whatever follows.
            "create" | "drop" | "exec" | "pivot" | "case" | "cast" | "substring" | "trim" | "extract"
            | "date_add" | "date_diff" | "date" | "time" => {
                Err(PartiqlError::OperationUnsupported(word.to_ascii_uppercase()))
            }
            _ => Err(SyntaxError::Keyword.into()),
        }
    }

    /// The arguments of a function whose name has been read.
    fn call(&mut self, name: String, at: Location) -> Result<Expression, PartiqlError> {
        self.advance();
        if self.take(&TokenKind::CloseParenthesis) {
            return Ok(Expression { kind: Kind::Call(name, Vec::new()), at });
        }
        if self.head().kind == TokenKind::Star {
            if name != "count" {
                return Err(SyntaxError::AsteriskArgument(name).into());
            }
            self.advance();
            self.expect(&TokenKind::CloseParenthesis, "RIGHT_PAREN")?;
            return Ok(Expression { kind: Kind::Call(name, Vec::new()), at });
        }
        let arguments = self.list(|parser| parser.expression(0))?;
        self.expect(&TokenKind::CloseParenthesis, "RIGHT_PAREN")?;
        Ok(Expression { kind: Kind::Call(name, arguments), at })
    }

    /// An expression in parentheses, or a list of several.
    fn group(&mut self, at: Location) -> Result<Expression, PartiqlError> {
        self.advance();
        if self.head().kind == TokenKind::CloseParenthesis {
            return Err(SyntaxError::Term.into());
        }
        let mut elements = self.list(|parser| parser.expression(0))?;
        self.expect(&TokenKind::CloseParenthesis, "RIGHT_PAREN")?;
        match elements.pop() {
            Some(only) if elements.is_empty() => Ok(only),
            last => {
                elements.extend(last);
                Ok(Expression { kind: Kind::List(elements), at })
            }
        }
    }

    /// The elements of a list or a set, between the token at hand and `close`.
    fn elements(&mut self, close: &TokenKind, name: &'static str) -> Result<Vec<Expression>, PartiqlError> {
        self.advance();
        if self.take(close) {
            return Ok(Vec::new());
        }
        let elements = self.list(|parser| parser.expression(0))?;
        self.expect(close, name)?;
        Ok(elements)
    }

    fn structure(&mut self, at: Location) -> Result<Expression, PartiqlError> {
        self.advance();
        if self.take(&TokenKind::CloseBrace) {
            return Ok(Expression { kind: Kind::Struct(Vec::new()), at });
        }
        let members = self.list(|parser| {
            let name = parser.expression(0)?;
            parser.expect(&TokenKind::Colon, "COLON")?;
            Ok((name, parser.expression(0)?))
        })?;
        self.expect(&TokenKind::CloseBrace, "RIGHT_CURLY")?;
        Ok(Expression { kind: Kind::Struct(members), at })
    }
}

fn negated(digits: &str) -> String {
    match digits.strip_prefix('-') {
        Some(digits) => digits.to_owned(),
        None => format!("-{digits}"),
    }
}

/// Two operands and the operator between them.
fn binary(operator: &'static str, left: Expression, right: Expression) -> Kind {
    let comparison = |comparator, left, right| Kind::Comparison(comparator, boxed(left), boxed(right));
    match operator {
        "and" => match left.kind {
            Kind::And(mut terms) => {
                terms.push(right);
                Kind::And(terms)
            }
            kind => Kind::And(vec![Expression { kind, at: left.at }, right]),
        },
        "or" => match left.kind {
            Kind::Or(mut alternatives) => {
                alternatives.push(right);
                Kind::Or(alternatives)
            }
            kind => Kind::Or(vec![Expression { kind, at: left.at }, right]),
        },
        "=" => comparison(Comparator::Equal, left, right),
        "<>" => comparison(Comparator::NotEqual, left, right),
        "<" => comparison(Comparator::Less, left, right),
        "<=" => comparison(Comparator::LessOrEqual, left, right),
        ">" => comparison(Comparator::Greater, left, right),
        ">=" => comparison(Comparator::GreaterOrEqual, left, right),
        "+" => Kind::Plus(boxed(left), boxed(right)),
        "-" => Kind::Minus(boxed(left), boxed(right)),
        operator => Kind::Other(operator.to_ascii_uppercase().replace('_', " ")),
    }
}
