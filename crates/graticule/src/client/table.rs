//! Columns of text.

use std::fmt::Write as _;

/// Rows under a head, each column as wide as its widest cell; those that `right` says are flush right.
pub(super) fn table(head: &[&str], right: &[bool], rows: &[Vec<String>]) -> String {
    let cells =
        |column: usize| rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.chars().count());
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, name)| cells(column).max().unwrap_or(0).max(name.len()))
        .collect();
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(&widths).zip(right) {
            // Writing to a string cannot fail.
            let _ = if *right { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [vec!["a".to_owned(), "1000".to_owned()], vec!["long".to_owned(), "7".to_owned()]];
        let text = table(&["REGION", "N"], &[false, true], &rows);
        assert_eq!(text, "REGION     N\na       1000\nlong       7\n");
    }
}
