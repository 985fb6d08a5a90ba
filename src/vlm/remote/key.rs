//! The key to a server: sent to the one address, and never shown.

/// A server's key: what shows it shows dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Takes a key in.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key as a header's value, `before` it what the header wants there; nothing where it holds
    /// what no header can. Marked, so that no library writes it into its log.
    pub(super) fn header(&self, before: &str) -> Option<reqwest::header::HeaderValue> {
        let text = format!("{before}{}", self.0);
        let mut value = reqwest::header::HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A text without the key, should a server repeat it.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "…") }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new("sk-secret");
        assert!(!format!("{key:?} {:?}", key.header("Bearer ")).contains("secret"));
        assert_eq!(key.hidden_in("no key sk-secret here"), "no key … here");
        assert_eq!(Key::new("a\nb").header(""), None);
    }
}
