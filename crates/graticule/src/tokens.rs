//! The token that demands and gives authority over a server, read from a file.

use std::{fs, io, path::PathBuf};

use graticule_server::{ADMIN_TOKEN_BYTES_MIN, AdminToken};

/// Why a token cannot be used. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token file {} cannot be read: {source}; give a readable file with {flag}", path.display())]
    File { path: PathBuf, flag: &'static str, source: io::Error },
    #[error(
        "the token in {} has fewer than {ADMIN_TOKEN_BYTES_MIN} bytes; make one with: head -c 32 /dev/urandom | base64",
        .0.display()
    )]
    Short(PathBuf),
    #[error("the token in {} is not one line of text; make one with: head -c 32 /dev/urandom | base64", .0.display())]
    Unprintable(PathBuf),
}

/// The token in a file, without the blanks around it. `flag` is what named the file.
pub(crate) fn read(path: &PathBuf, flag: &'static str) -> Result<String, TokenError> {
    let bytes = fs::read(path).map_err(|source| TokenError::File { path: path.clone(), flag, source })?;
    let token = bytes.trim_ascii();
    if token.len() < ADMIN_TOKEN_BYTES_MIN {
        return Err(TokenError::Short(path.clone()));
    }
    // It has to travel in a header.
    let text =
        std::str::from_utf8(token).ok().filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    text.map(str::to_owned).ok_or_else(|| TokenError::Unprintable(path.clone()))
}

/// What the server compares with.
pub(crate) fn read_for_server(path: &PathBuf) -> Result<AdminToken, TokenError> {
    let token = read(path, "--admin-token-file")?;
    AdminToken::new(token.as_bytes()).ok_or_else(|| TokenError::Short(path.clone()))
}
