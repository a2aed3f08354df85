//! Splits a statement into tokens.
//!
//! Keywords are told from names here, whatever their case, and words that count as one are merged. Numbers keep their
//! digits: whether DynamoDB takes them is decided where they become values.

use graticule_model::error::{Location, PartiqlError, SyntaxError};

use super::keywords::{MERGED_WORDS_MAX, is_operator, keyword, merged};

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A word that PartiQL reserves, in small letters.
    Keyword(&'static str),
    /// An operator, in words or signs.
    Operator(&'static str),
    /// A name as it stands.
    Name(String),
    /// A name between double quotes.
    QuotedName(String),
    /// A string between single quotes.
    Text(String),
    /// Digits with point and exponent.
    Number(String),
    Boolean(bool),
    Null,
    Missing,
    /// `?`, counted from 0.
    Parameter(usize),
    /// Something between backticks.
    Ion,
    Comma,
    Colon,
    Dot,
    Star,
    Semicolon,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    /// `<<`
    OpenBag,
    /// `>>`
    CloseBag,
    End,
}

/// A token and its place.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: Location,
}

impl Token {
    /// The word or sign of a keyword or an operator, and of what else can be one.
    pub(super) fn word(&self) -> Option<&'static str> {
        match self.kind {
            TokenKind::Keyword(word) | TokenKind::Operator(word) => Some(word),
            TokenKind::Null => Some("null"),
            TokenKind::Missing => Some("missing"),
            _ => None,
        }
    }
}

/// The tokens of a statement, an [`TokenKind::End`] last.
pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, PartiqlError> {
    let mut lexer = Lexer { text, at: 0, line: 1, column: 1, parameters: 0 };
    let mut tokens: Vec<Token> = Vec::new();
    while let Some(token) = lexer.next()? {
        push(&mut tokens, token);
    }
    let at = Location { line: lexer.line, column: lexer.column, length: 0 };
    tokens.push(Token { kind: TokenKind::End, at });
    Ok(tokens)
}

/// Adds a token, together with those before it that it makes one word with.
fn push(tokens: &mut Vec<Token>, token: Token) {
    for count in (2..=MERGED_WORDS_MAX).rev() {
        let Some(first) = (tokens.len() + 1).checked_sub(count) else { continue };
        let mut words: Vec<&str> = tokens[first..].iter().filter_map(Token::word).collect();
        words.extend(token.word());
        if words.len() == count
            && let Some((is_operator, name)) = merged(&words)
        {
            let at = tokens[first].at;
            tokens.truncate(first);
            let kind = if is_operator { TokenKind::Operator(name) } else { TokenKind::Keyword(name) };
            tokens.push(Token { kind, at });
            return;
        }
    }
    tokens.push(token);
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
    parameters: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        if next == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(next)
    }

    fn invalid(&self) -> PartiqlError {
        SyntaxError::Character { line: self.line, column: self.column }.into()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&belongs) {
            self.bump();
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let taken = self.rest().starts_with(sign);
        if taken {
            for _ in sign.chars() {
                self.bump();
            }
        }
        taken
    }

    /// Steps over blanks and comments.
    fn skip(&mut self) -> Result<(), PartiqlError> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.take("--") {
                self.take_while(|c| c != '\n');
            } else if self.take("/*") {
                while !self.take("*/") {
                    if self.bump().is_none() {
                        return Err(self.invalid());
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Option<Token>, PartiqlError> {
        self.skip()?;
        let (line, column, start) = (self.line, self.column, self.at);
        let Some(first) = self.peek() else { return Ok(None) };
        let kind = match first {
            'a'..='z' | 'A'..='Z' | '_' | '$' => self.word(),
            '0'..='9' => self.number()?,
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            '\'' => TokenKind::Text(self.quoted('\'')?),
            '"' => TokenKind::QuotedName(self.quoted('"')?),
            '`' => {
                self.quoted('`')?;
                TokenKind::Ion
            }
            _ => self.sign().ok_or_else(|| self.invalid())?,
        };
        let length = self.text[start..self.at].chars().count();
        Ok(Some(Token { kind, at: Location { line, column, length } }))
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
        let word = &self.text[start..self.at];
        match keyword(word) {
            Some("null") => TokenKind::Null,
            Some("missing") => TokenKind::Missing,
            Some("true") => TokenKind::Boolean(true),
            Some("false") => TokenKind::Boolean(false),
            Some(word) if is_operator(word) => TokenKind::Operator(word),
            Some(word) => TokenKind::Keyword(word),
            None => TokenKind::Name(word.to_owned()),
        }
    }

    fn number(&mut self) -> Result<TokenKind, PartiqlError> {
        let start = self.at;
        let digit = |c: char| c.is_ascii_digit();
        self.take_while(digit);
        if self.take(".") {
            self.take_while(digit);
        }
        if self.take("e") || self.take("E") {
            let _ = self.take("+") || self.take("-");
            if !self.peek().is_some_and(digit) {
                return Err(self.invalid());
            }
            self.take_while(digit);
        }
        Ok(TokenKind::Number(self.text[start..self.at].to_owned()))
    }

    /// What stands between quotes; a doubled quote is one of its characters.
    fn quoted(&mut self, quote: char) -> Result<String, PartiqlError> {
        self.bump();
        let mut content = String::new();
        loop {
            match self.bump() {
                Some(next) if next == quote => {
                    if self.peek() != Some(quote) {
                        return Ok(content);
                    }
                    self.bump();
                    content.push(quote);
                }
                Some(next) => content.push(next),
                None => return Err(self.invalid()),
            }
        }
    }

    fn sign(&mut self) -> Option<TokenKind> {
        #[rustfmt::skip]
        const SIGNS: &[(&str, TokenKind)] = &[
            ("<<", TokenKind::OpenBag), (">>", TokenKind::CloseBag),
            ("<=", TokenKind::Operator("<=")), (">=", TokenKind::Operator(">=")),
            ("<>", TokenKind::Operator("<>")), ("!=", TokenKind::Operator("<>")),
            ("||", TokenKind::Operator("||")), ("<", TokenKind::Operator("<")),
            (">", TokenKind::Operator(">")), ("=", TokenKind::Operator("=")),
            ("+", TokenKind::Operator("+")), ("-", TokenKind::Operator("-")),
            ("/", TokenKind::Operator("/")), ("%", TokenKind::Operator("%")),
            ("@", TokenKind::Operator("@")), ("~", TokenKind::Operator("~")),
            ("*", TokenKind::Star), (",", TokenKind::Comma), (":", TokenKind::Colon),
            (".", TokenKind::Dot), (";", TokenKind::Semicolon),
            ("(", TokenKind::OpenParenthesis), (")", TokenKind::CloseParenthesis),
            ("[", TokenKind::OpenBracket), ("]", TokenKind::CloseBracket),
            ("{", TokenKind::OpenBrace), ("}", TokenKind::CloseBrace),
        ];
        if self.take("?") {
            self.parameters += 1;
            return Some(TokenKind::Parameter(self.parameters - 1));
        }
        let found = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign));
        let (sign, kind) = found?;
        self.take(sign);
        Some(kind.clone())
    }
}
