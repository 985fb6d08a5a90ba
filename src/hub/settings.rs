//! How the hub is reached, as Hugging Face's own tools are told.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Where the hub is unless another place is named.
const ENDPOINT: &str = "https://huggingface.co";

/// How the hub is reached.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "settings, filled in by who chooses them")]
pub struct Hub {
    /// Where it is, such as `https://huggingface.co` or a mirror of it.
    pub endpoint: String,
    /// The cache folder, laid out as Hugging Face's own tools do.
    pub cache: PathBuf,
    /// The token of a user, for models that are private or gated. It goes to the endpoint and to
    /// nobody else.
    pub token: Option<String>,
    /// Take files from the cache alone.
    pub offline: bool,
}

impl Hub {
    /// The hub as the variables of Hugging Face's own tools say: `HF_ENDPOINT`, `HF_HUB_CACHE`,
    /// `HF_HOME`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_DISABLE_IMPLICIT_TOKEN` and `HF_HUB_OFFLINE`.
    /// `variable` looks one up.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| named(name).and_then(|value| value.into_string().ok());
        let home = named("HF_HOME").map(PathBuf::from);
        let home = home.unwrap_or_else(|| {
            let user = named("HOME").or_else(|| named("USERPROFILE")).map(PathBuf::from);
            let caches = named("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| user.map(|user| user.join(".cache")));
            caches.unwrap_or_else(std::env::temp_dir).join("huggingface")
        });
        let cache = named("HF_HUB_CACHE").or_else(|| named("HUGGINGFACE_HUB_CACHE"));
        let token_file = named("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let stored = || fs_err::read_to_string(token_file).ok();
        let token = match named("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            Some(_) => None,
            None => text("HF_TOKEN").or_else(stored),
        };
        Self {
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned()),
            cache: cache.map_or_else(|| home.join("hub"), PathBuf::from),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline: text("HF_HUB_OFFLINE").is_some_and(|value| {
                !["0", "false", "no", "off"].contains(&value.to_ascii_lowercase().as_str())
            }),
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "(set)"))
            .field("offline", &self.offline)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Hub {
        Hub::from_variables(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_variables_of_the_hub_s_own_tools_are_honoured() {
        let plain = hub(&[("HOME", "/home/ann")]);
        assert_eq!(plain.endpoint, ENDPOINT);
        assert_eq!(plain.cache, PathBuf::from("/home/ann/.cache/huggingface/hub"));
        assert_eq!((plain.token, plain.offline), (None, false));
        assert_eq!(hub(&[("HF_HOME", "/hf")]).cache, PathBuf::from("/hf/hub"));
        let chosen = hub(&[
            ("HF_HOME", "/hf"),
            ("HF_HUB_CACHE", "/models"),
            ("HF_ENDPOINT", "https://mirror.example"),
            ("HF_TOKEN", " hf_secret\n"),
            ("HF_HUB_OFFLINE", "1"),
        ]);
        assert_eq!(chosen.cache, PathBuf::from("/models"));
        assert_eq!(chosen.endpoint, "https://mirror.example");
        assert_eq!(chosen.token.as_deref(), Some("hf_secret"));
        assert!(chosen.offline);
        assert!(!hub(&[("HF_HUB_OFFLINE", "0")]).offline);
    }

    #[test]
    fn a_stored_token_is_found_unless_that_is_forbidden_and_is_never_shown() {
        let home = tempfile::tempdir().unwrap();
        fs_err::write(home.path().join("token"), "hf_stored\n").unwrap();
        let home = home.path().to_str().unwrap();
        let found = hub(&[("HF_HOME", home)]);
        assert_eq!(found.token.as_deref(), Some("hf_stored"));
        assert!(!format!("{found:?}").contains("hf_stored"));
        let without = hub(&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]);
        assert_eq!(without.token, None);
    }
}
