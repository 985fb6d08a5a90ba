//! The Hugging Face hub: names of repositories, how it is reached, and the cache that its own tools
//! share.
//!
//! Files are fetched into the standard cache and found there by every other tool:
//!
//! ```text
//! models--OWNER--NAME/blobs/ETAG               the content; for large files ETAG is its SHA-256
//! models--OWNER--NAME/blobs/ETAG.incomplete    what has come so far of it
//! models--OWNER--NAME/snapshots/COMMIT/FILE    a link to the content
//! models--OWNER--NAME/refs/REVISION            the commit that a branch or tag stood for
//! ```
//!
//! [`Cached`] reads that and needs no network. `Client` (with the feature `hub`) asks the hub and
//! fetches: a download that broke off goes on where it stopped, and what has come is compared with
//! the size and the SHA-256 that the hub tells. It speaks to the hub itself, since `hf-hub` 1.0
//! begins every download anew and compares nothing.
//!
//! The room reads no variables: [`Hub::from_variables`] is handed them.

mod cache;
#[cfg(feature = "hub")]
mod client;
#[cfg(feature = "hub")]
mod download;
mod error;
mod repository;
mod settings;
#[cfg(feature = "hub")]
mod wire;

pub use cache::{Cached, Stored};
#[cfg(feature = "hub")]
pub use client::Client;
#[cfg(feature = "hub")]
pub use download::Step;
#[cfg(feature = "candle")]
pub(crate) use error::first_line;
pub use error::{Cause, HubError};
pub use repository::Repository;
pub use settings::Hub;
#[cfg(feature = "hub")]
pub use wire::{Listed, Listing};
