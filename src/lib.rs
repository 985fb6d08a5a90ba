//! praetor judges images by a constitution.
pub mod constitution;
pub mod ids;
pub mod units;
pub mod verdict;
