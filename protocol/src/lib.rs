//! The decisions of Oncegate.
