//! What the hub says about a repository.

use serde::Deserialize;

use super::Cause;
use super::cache::{is_commit, is_sha256};

/// A repository's files at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The commit that the revision stands for.
    pub commit: String,
    /// The licence that the repository's card names.
    pub licence: Option<String>,
    /// Its files, by name.
    pub files: Vec<Listed>,
}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name, with `/` between folders.
    pub file: String,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its SHA-256, which the hub tells of large files.
    pub sha256: Option<String>,
    /// What its content is kept by in the cache: the SHA-256, or git's own hash.
    pub(super) tag: Option<String>,
}

impl Listing {
    /// A file by its name.
    pub fn get(&self, file: &str) -> Option<&Listed> {
        self.files.iter().find(|listed| listed.file == file)
    }
}

#[derive(Deserialize)]
struct Info {
    sha: Option<String>,
    #[serde(default, rename = "cardData")]
    card: Option<serde_json::Value>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    // The model's information says `sha256`, the tree says `oid`; mirrors mix them.
    #[serde(alias = "oid")]
    sha256: Option<String>,
    size: Option<u64>,
}

/// Reads what the hub answers to `/api/models/OWNER/NAME/revision/REVISION?blobs=true`.
pub(super) fn listing(body: &[u8]) -> Result<Listing, Cause> {
    let malformed = |detail: String| Cause::Malformed { detail };
    let info: Info = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let commit = info.sha.filter(|sha| is_commit(sha));
    let commit = commit.ok_or_else(|| malformed("it names no commit".to_owned()))?;
    let licence = info.card.as_ref().and_then(|card| card["license"].as_str()).map(str::to_owned);
    // What could lead out of the cache is no file for us.
    let mut files: Vec<Listed> =
        info.siblings.into_iter().map(listed).filter(|listed| is_inside(&listed.file)).collect();
    files.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(Listing { commit, licence, files })
}

fn listed(sibling: Sibling) -> Listed {
    let (sha256, lfs_size) = match sibling.lfs {
        Some(lfs) => (lfs.sha256.filter(|sha256| is_sha256(sha256)), lfs.size),
        None => (None, None),
    };
    Listed {
        file: sibling.rfilename,
        size: lfs_size.or(sibling.size),
        tag: sha256.clone().or(sibling.blob_id.filter(|id| is_tag(id))),
        sha256,
    }
}

/// Whether a file's name stays in its folder.
fn is_inside(file: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part != "." && part != "..";
    !file.contains(['\\', ':', '\0']) && file.split('/').all(is_name)
}

/// Whether a tag is fit to name a file.
pub(super) fn is_tag(tag: &str) -> bool {
    (8..=128).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_hashes_are_those_of_the_content_and_not_of_its_pointer() {
        let sha = "a".repeat(64);
        let body = format!(
            r#"{{"sha": "{commit}", "cardData": {{"license": "gemma"}}, "siblings": [
                {{"rfilename": "z.gguf", "size": 9, "blobId": "{blob}",
                  "lfs": {{"sha256": "{sha}", "size": 9, "pointerSize": 133}}}},
                {{"rfilename": "README.md", "size": 4, "blobId": "{blob}"}},
                {{"rfilename": "../../evil", "size": 4}}, {{"rfilename": "/etc/passwd"}}]}}"#,
            commit = "0".repeat(40),
            blob = "b".repeat(40),
        );
        let listing = listing(body.as_bytes()).unwrap();
        assert_eq!(listing.licence.as_deref(), Some("gemma"));
        let names: Vec<&str> = listing.files.iter().map(|listed| listed.file.as_str()).collect();
        assert_eq!(names, ["README.md", "z.gguf"]);
        let model = listing.get("z.gguf").unwrap();
        assert_eq!((model.size, model.sha256.as_deref()), (Some(9), Some(sha.as_str())));
        let readme = listing.get("README.md").unwrap();
        assert_eq!(
            (readme.sha256.as_deref(), readme.tag.as_deref()),
            (None, Some(&*"b".repeat(40)))
        );
    }

    #[test]
    fn an_answer_without_a_commit_is_none() {
        for body in ["", "<html>", "{}", r#"{"sha": "main"}"#] {
            assert!(matches!(listing(body.as_bytes()), Err(Cause::Malformed { .. })), "{body}");
        }
    }
}
