//! A Hub token that cannot be printed by accident.

use std::fmt;

/// An access token (`hf_…`). `Debug` and `Display` show that there is one, never which.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// Takes the text without surrounding white space, as copied tokens often have it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The secret itself, for storing it encrypted or sending it on.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_printed() {
        let token = Token::new(" hf_canary\n");
        assert_eq!(token.expose(), "hf_canary");
        assert!(!format!("{token} {token:?} {:?}", Some(&token)).contains("canary"));
    }
}
