//! Cuts an expression into tokens.
//!
//! Never fails: a character that begins no token is a token of its own, [`TokenKind::Unknown`], which no grammar rule
//! takes. Tokens carry byte positions, always on character boundaries. Knows nothing of which tokens may follow which.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Identifier,
    NamePlaceholder,
    ValuePlaceholder,
    Index,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Dot,
    Comma,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    In,
    Between,
    Not,
    And,
    Or,
    Set,
    Add,
    Delete,
    Remove,
    Unknown,
    End,
}

/// A token and its place in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The tokens of `text`, the last of which is [`TokenKind::End`].
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        if matches!(first, ' ' | '\t' | '\n' | '\r') {
            start += 1;
            continue;
        }
        let (kind, length) = token_at(&text[start..], first);
        tokens.push(Token { kind, start, end: start + length });
        start += length;
    }
    tokens.push(Token { kind: TokenKind::End, start, end: start });
    tokens
}

/// Whether `character` may stand in an identifier or a placeholder.
pub(crate) fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn token_at(rest: &str, first: char) -> (TokenKind, usize) {
    let word_length = |skipped: usize| {
        rest[skipped..].find(|character| !is_word_character(character)).unwrap_or(rest.len() - skipped)
    };
    match first {
        '#' | ':' if word_length(1) > 0 => {
            let kind = if first == '#' { TokenKind::NamePlaceholder } else { TokenKind::ValuePlaceholder };
            (kind, 1 + word_length(1))
        }
        'a'..='z' | 'A'..='Z' => {
            let length = word_length(0);
            (keyword(&rest[..length]).unwrap_or(TokenKind::Identifier), length)
        }
        '0' => (TokenKind::Index, 1),
        '1'..='9' => {
            let length = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            (TokenKind::Index, length)
        }
        _ => symbol(rest, first),
    }
}

fn keyword(word: &str) -> Option<TokenKind> {
    let keywords = [
        ("IN", TokenKind::In),
        ("BETWEEN", TokenKind::Between),
        ("NOT", TokenKind::Not),
        ("AND", TokenKind::And),
        ("OR", TokenKind::Or),
        ("SET", TokenKind::Set),
        ("ADD", TokenKind::Add),
        ("DELETE", TokenKind::Delete),
        ("REMOVE", TokenKind::Remove),
    ];
    keywords.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}

fn symbol(rest: &str, first: char) -> (TokenKind, usize) {
    let two =
        [("<>", TokenKind::NotEqual), ("<=", TokenKind::LessOrEqual), (">=", TokenKind::GreaterOrEqual)];
    if let Some((_, kind)) = two.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
        return (*kind, 2);
    }
    let kind = match first {
        '=' => TokenKind::Equal,
        '<' => TokenKind::Less,
        '>' => TokenKind::Greater,
        '+' => TokenKind::Plus,
        '-' => TokenKind::Minus,
        '.' => TokenKind::Dot,
        ',' => TokenKind::Comma,
        '(' => TokenKind::OpenParenthesis,
        ')' => TokenKind::CloseParenthesis,
        '[' => TokenKind::OpenBracket,
        ']' => TokenKind::CloseBracket,
        _ => TokenKind::Unknown,
    };
    (kind, first.len_utf8())
}
