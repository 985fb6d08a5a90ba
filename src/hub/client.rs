//! Asking the hub: one client, its token, and what its refusals mean.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Method, Response, StatusCode, Url};
use tokio::runtime::Runtime;

use super::error::shown;
use super::wire::{Listed, Listing, is_tag, listing};
use super::{Cause, Hub, HubError, Repository};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_mins(1);
/// How often something is asked when the network fails, and how long to wait before the first time.
pub(super) const TRIES: u32 = 4;
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(400);
/// What a repository may say about itself.
const MOST_BYTES: u64 = 64 << 20;

/// A connection to the hub.
#[derive(Debug)]
pub struct Client {
    pub(super) hub: Hub,
    pub(super) runtime: Runtime,
    /// Whether files that are there are read and compared, too.
    pub(super) compares: bool,
    endpoint: Url,
    /// Follows the hub to where it keeps the content; a token stays behind.
    following: reqwest::Client,
    /// Reads what the hub itself says before it sends us elsewhere.
    staying: reqwest::Client,
}

impl Client {
    /// Makes a client; nothing is asked yet.
    ///
    /// # Errors
    /// [`HubError`] when the endpoint is no address.
    pub fn new(hub: &Hub) -> Result<Self, HubError> {
        let wrong = |detail: String| HubError::new(&hub.endpoint, Cause::Unreachable { detail });
        let endpoint = Url::parse(hub.endpoint.trim_end_matches('/'))
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
            .ok_or_else(|| wrong("HF_ENDPOINT is not the address of a server".to_owned()))?;
        let build = |policy: Policy| {
            let client = reqwest::Client::builder()
                .user_agent(concat!("praetor/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .read_timeout(SILENCE)
                .redirect(policy);
            client.build().map_err(|error| wrong(error.to_string()))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| wrong(error.to_string()))?,
            following: build(Policy::limited(10))?,
            staying: build(Policy::custom(|attempt| {
                let same = attempt.previous().last().is_some_and(|from| {
                    (from.host_str(), from.port())
                        == (attempt.url().host_str(), attempt.url().port())
                });
                // A renamed repository is still the hub; where the content lies is elsewhere.
                if same && attempt.previous().len() < 10 {
                    attempt.follow()
                } else {
                    attempt.stop()
                }
            }))?,
            hub: hub.clone(),
            compares: false,
            endpoint,
        })
    }

    /// The same, which also reads files that are there and compares them with their hashes; else
    /// those are believed if their size is right.
    #[must_use]
    pub fn comparing(self) -> Self {
        Self { compares: true, ..self }
    }

    /// How it reaches the hub.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What a repository holds at its revision.
    ///
    /// # Errors
    /// [`HubError`] when the hub does not tell.
    pub fn listing(&self, repository: &Repository) -> Result<Listing, HubError> {
        let failed = |cause| HubError::new(repository, cause);
        let Repository { owner, name, .. } = repository;
        let parts = ["api", "models", owner, name, "revision", repository.revision()];
        let mut url = self.url(&parts, "").map_err(failed)?;
        url.set_query(Some("blobs=true"));
        self.runtime
            .block_on(async {
                let response = self.send(Method::GET, url, None).await?;
                let response = accepted(response, None)?;
                listing(&body(response).await?)
            })
            .map_err(failed)
    }

    /// A file's size and tag, which some mirrors leave out of their listings.
    pub(super) fn told(
        &self,
        repository: &Repository,
        commit: &str,
        listed: &Listed,
    ) -> Result<(u64, String), Cause> {
        if let (Some(size), Some(tag)) = (listed.size, &listed.tag) {
            return Ok((size, tag.clone()));
        }
        let url = self.file_url(repository, commit, &listed.file)?;
        let response = self.runtime.block_on(self.send(Method::HEAD, url, None))?;
        let redirected = response.status().is_redirection();
        let response = if redirected { response } else { accepted(response, Some(&listed.file))? };
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.trim_start_matches("W/").trim_matches('"').to_owned())
        };
        let size = header("x-linked-size").or_else(|| header("content-length"));
        let tag = header("x-linked-etag").or_else(|| header("etag")).filter(|tag| is_tag(tag));
        match (size.and_then(|size| size.parse().ok()), tag) {
            (Some(size), Some(tag)) => Ok((size, tag)),
            _ => Err(Cause::Malformed {
                detail: format!("it tells no size or no tag of `{}`", shown(&listed.file)),
            }),
        }
    }

    pub(super) fn file_url(
        &self,
        repository: &Repository,
        commit: &str,
        file: &str,
    ) -> Result<Url, Cause> {
        self.url(&[&repository.owner, &repository.name, "resolve", commit], file)
    }

    /// Below the endpoint, with every part escaped.
    fn url(&self, parts: &[&str], file: &str) -> Result<Url, Cause> {
        let mut url = self.endpoint.clone();
        let files = file.split('/').filter(|part| !part.is_empty());
        url.path_segments_mut()
            .map_err(|()| Cause::Unreachable { detail: "HF_ENDPOINT has no paths".to_owned() })?
            .pop_if_empty()
            .extend(parts.iter().copied().chain(files));
        Ok(url)
    }

    /// Sends one request, again while the network or the hub fails; `from` is the byte to begin
    /// with.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        from: Option<u64>,
    ) -> Result<Response, Cause> {
        let client = if method == Method::HEAD { &self.staying } else { &self.following };
        let mut wait = FIRST_WAIT;
        for tried in 1.. {
            let mut request = client.request(method.clone(), url.clone());
            if let Some(token) = &self.hub.token {
                request = request.bearer_auth(token);
            }
            if let Some(from) = from.filter(|from| *from > 0) {
                request = request.header(reqwest::header::RANGE, format!("bytes={from}-"));
            }
            let cause = match request.send().await {
                Ok(response) if response.status().is_server_error() => {
                    Cause::Unreachable { detail: format!("it answers {}", response.status()) }
                }
                Ok(response) => return Ok(response),
                Err(error) => unreachable_by(&error),
            };
            if tried == TRIES {
                return Err(cause);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(Cause::Busy)
    }
}

/// A response that says yes, or what its refusal means.
pub(super) fn accepted(response: Response, file: Option<&str>) -> Result<Response, Cause> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
    Err(match (code, status, file) {
        (Some("RevisionNotFound"), ..) => Cause::NoRevision,
        (Some("EntryNotFound"), _, Some(file)) => Cause::NoFile { file: shown(file) },
        (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (Some("GatedRepo"), ..) => {
            Cause::NotAllowed
        }
        (Some("RepoNotFound"), ..) | (_, StatusCode::NOT_FOUND, None) => Cause::NoRepository,
        (_, StatusCode::NOT_FOUND, Some(file)) => Cause::NoFile { file: shown(file) },
        (_, StatusCode::TOO_MANY_REQUESTS, _) => Cause::Busy,
        _ => Cause::Unreachable { detail: format!("it answers {status}") },
    })
}

async fn body(mut response: Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable_by(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > MOST_BYTES {
            return Err(Cause::Malformed { detail: "it does not end".to_owned() });
        }
    }
    Ok(body)
}

/// What went wrong on the way, without the address, which may hold a signature.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut source = std::error::Error::source(error);
    let mut said = "the connection failed".to_owned();
    while let Some(inner) = source {
        said = inner.to_string();
        source = inner.source();
    }
    shown(&said)
}

fn unreachable_by(error: &reqwest::Error) -> Cause {
    Cause::Unreachable { detail: words(error) }
}
