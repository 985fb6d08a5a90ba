//! praetor judges images by a constitution.
pub mod ids;
pub mod imaging;
pub mod units;
pub mod verdict;
