//! Panels made by hand.
