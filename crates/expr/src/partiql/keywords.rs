//! The words that PartiQL reserves, and the pairs and triples of them that count as one.
//!
//! Invariant: every list is ascending. An attribute or a table with one of these names must be quoted.

/// The keyword that `word` is, in whatever case, in small letters.
pub(super) fn keyword(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let found = KEYWORDS.binary_search(&lower.as_str()).ok()?;
    Some(KEYWORDS[found])
}

/// Whether words and signs are an operator: those that follow a first operand, and those that precede one.
pub(super) fn is_operator(text: &str) -> bool {
    infix_precedence(text) > 0 || matches!(text, "not" | "@" | "~" | "except" | "union" | "intersect")
}

/// How tightly an operator between two operands binds; 0 for what is none.
pub(super) fn infix_precedence(operator: &str) -> u8 {
    match operator {
        "union" | "union_all" | "union_distinct" | "intersect" | "intersect_all" | "intersect_distinct"
        | "except" | "except_all" | "except_distinct" => 5,
        "or" => 10,
        "and" => 20,
        "=" | "<>" | "is" | "is_not" | "in" | "not_in" => 40,
        "<" | "<=" | ">" | ">=" | "between" | "not_between" | "like" | "not_like" => 50,
        "+" | "-" | "||" => 60,
        "*" | "/" | "%" => 70,
        _ => 0,
    }
}

/// How tightly `NOT` binds.
pub(super) const NOT_PRECEDENCE: u8 = 30;
/// Everything that a clause of SELECT can hold binds tighter than this.
pub(super) const CLAUSE_PRECEDENCE: u8 = 6;

/// Words that count as one, whether it is an operator, and their name together.
#[rustfmt::skip]
const MERGED: &[(&[&str], bool, &str)] = &[
    (&["not", "in"], true, "not_in"),
    (&["is", "not"], true, "is_not"),
    (&["not", "between"], true, "not_between"),
    (&["not", "like"], true, "not_like"),
    (&["union", "all"], true, "union_all"),
    (&["union", "distinct"], true, "union_distinct"),
    (&["intersect", "all"], true, "intersect_all"),
    (&["intersect", "distinct"], true, "intersect_distinct"),
    (&["except", "all"], true, "except_all"),
    (&["except", "distinct"], true, "except_distinct"),
    (&["cross", "join"], false, "join"),
    (&["inner", "join"], false, "join"),
    (&["inner", "cross", "join"], false, "join"),
    (&["left", "join"], false, "join"),
    (&["left", "outer", "join"], false, "join"),
    (&["left", "cross", "join"], false, "join"),
    (&["right", "join"], false, "join"),
    (&["right", "outer", "join"], false, "join"),
    (&["right", "cross", "join"], false, "join"),
    (&["full", "join"], false, "join"),
    (&["outer", "join"], false, "join"),
    (&["full", "outer", "join"], false, "join"),
    (&["full", "cross", "join"], false, "join"),
    (&["insert", "into"], false, "insert_into"),
    (&["on", "conflict"], false, "on_conflict"),
    (&["do", "nothing"], false, "do_nothing"),
    (&["modified", "old"], false, "modified_old"),
    (&["modified", "new"], false, "modified_new"),
    (&["all", "old"], false, "all_old"),
    (&["all", "new"], false, "all_new"),
];

/// Most words that count as one.
pub(super) const MERGED_WORDS_MAX: usize = 3;

/// What `words` count as together: whether it is an operator, and its name.
pub(super) fn merged(words: &[&str]) -> Option<(bool, &'static str)> {
    let found = MERGED.iter().find(|(parts, _, _)| *parts == words)?;
    Some((found.1, found.2))
}

#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "absolute", "action", "add", "all", "allocate", "alter", "and", "any", "are", "as", "asc", "assertion",
    "at", "authorization", "avg", "bag", "begin", "between", "bigint", "bit", "bit_length", "blob", "bool",
    "boolean", "by", "can_cast", "can_lossless_cast", "cascade", "cascaded", "case", "cast", "catalog",
    "char", "char_length", "character", "character_length", "check", "clob", "close", "coalesce", "collate",
    "collation", "column", "commit", "conflict", "connect", "connection", "constraint", "constraints",
    "continue", "convert", "corresponding", "count", "create", "cross", "current", "current_date",
    "current_time", "current_timestamp", "current_user", "cursor", "date", "date_add", "date_diff",
    "deallocate", "dec", "decimal", "declare", "default", "deferrable", "deferred", "delete", "desc",
    "describe", "descriptor", "diagnostics", "disconnect", "distinct", "do", "domain", "double", "drop",
    "else", "end", "escape", "except", "exception", "exec", "execute", "exists", "external", "extract",
    "false", "fetch", "first", "float", "for", "foreign", "found", "from", "full", "get", "global", "go",
    "goto", "grant", "group", "having", "identity", "immediate", "in", "index", "indicator", "initially",
    "inner", "input", "insensitive", "insert", "int", "int2", "int4", "int8", "integer", "integer2",
    "integer4", "integer8", "intersect", "interval", "into", "is", "isolation", "join", "key", "language",
    "last", "left", "let", "level", "like", "limit", "list", "local", "lower", "match", "max", "min",
    "missing", "modified", "module", "names", "national", "natural", "nchar", "new", "next", "no", "not",
    "nothing", "null", "nullif", "numeric", "octet_length", "of", "offset", "old", "on", "only", "open",
    "option", "or", "order", "outer", "output", "overlaps", "pad", "partial", "pivot", "position",
    "precision", "prepare", "preserve", "primary", "prior", "privileges", "procedure", "public", "read",
    "real", "references", "relative", "remove", "restrict", "returning", "revoke", "right", "rollback",
    "rows", "schema", "scroll", "section", "select", "session", "session_user", "set", "sexp", "size",
    "smallint", "some", "space", "sql", "sqlcode", "sqlerror", "sqlstate", "string", "struct", "substring",
    "sum", "symbol", "system_user", "table", "temporary", "then", "time", "timestamp", "to", "transaction",
    "translate", "translation", "trim", "true", "tuple", "union", "unique", "unknown", "unpivot", "update",
    "upper", "usage", "user", "using", "value", "values", "varchar", "varying", "view", "when", "whenever",
    "where", "with", "work", "write", "zone",
];

#[cfg(test)]
mod tests {
    use super::KEYWORDS;

    #[test]
    fn keywords_are_ascending() {
        assert!(KEYWORDS.is_sorted());
    }
}
