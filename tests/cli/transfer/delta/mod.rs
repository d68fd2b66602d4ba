//! `pull` of a newer version: what the older one has is not fetched again, and nothing goes wrong if that is not as it
//! should be.

mod faults;
mod savings;
mod scene;
