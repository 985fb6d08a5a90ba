//! Where a server is: checked before anything is sent, and whether that is this machine.

use super::RemoteError;

/// The address of one of a server's methods, below its own.
pub(super) fn endpoint(
    address: &str,
    path: &str,
    query: &[(String, String)],
) -> Result<reqwest::Url, RemoteError> {
    let wrong = |detail: &dyn std::fmt::Display| RemoteError::Address {
        address: address.to_owned(),
        detail: detail.to_string(),
    };
    let base = reqwest::Url::parse(address).map_err(|error| wrong(&error))?;
    if !base.username().is_empty() || base.password().is_some() {
        // It is shown in errors and kept in manifests.
        let detail = "an address holds no user and no password; a key goes into a variable";
        return Err(RemoteError::Address { address: "…".to_owned(), detail: detail.to_owned() });
    }
    if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
        return Err(wrong(&"it has to begin with `http://` or `https://`"));
    }
    let whole = format!("{}/{path}", address.trim_end_matches('/'));
    let mut url = reqwest::Url::parse(&whole).map_err(|error| wrong(&error))?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// Whether an address is one of this machine, so that what is sent there does not leave it.
///
/// A name other than `localhost` is not looked up: who gives it an address of this machine today may
/// give it another tomorrow.
///
/// ```
/// use praetor::vlm::remote::is_this_machine;
/// assert!(is_this_machine("http://127.0.0.1:8080/v1")? && is_this_machine("http://[::1]:1")?);
/// assert!(!is_this_machine("https://api.openai.com/v1")?);
/// # Ok::<(), praetor::vlm::remote::RemoteError>(())
/// ```
///
/// # Errors
/// [`RemoteError::Address`] when it is none.
pub fn is_this_machine(address: &str) -> Result<bool, RemoteError> {
    endpoint(address, "", &[]).map(|url| is_here(&url))
}

/// A proxy has no business between two programs of one machine.
pub(super) fn is_here(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        let url =
            |address: &str| endpoint(address, "chat/completions", &[]).map(|url| url.to_string());
        assert_eq!(url("http://a:1/v1/").unwrap(), "http://a:1/v1/chat/completions");
        for bad in ["", "localhost:8080/v1", "ftp://a/v1", "http://"] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let version = [("api-version".to_owned(), "2024-10-21".to_owned())];
        let azure = endpoint("https://a/openai/deployments/d", "chat/completions", &version);
        assert!(azure.unwrap().as_str().ends_with("/chat/completions?api-version=2024-10-21"));
    }

    #[test]
    fn what_looks_like_this_machine_and_is_not() {
        for there in
            ["http://localhost.evil.example/v1", "http://127.0.0.1.example", "http://0.0.0.0"]
        {
            assert!(!is_this_machine(there).unwrap(), "{there}");
        }
        for here in ["http://localhost:1/v1", "http://LOCALHOST/v1", "http://127.9.9.9/v1"] {
            assert!(is_this_machine(here).unwrap(), "{here}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_without_being_shown() {
        let error = endpoint("https://me:secret@a/v1", "x", &[]).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
