//! Tests of what reaches the people who are concerned: owners, verdicts, news.

mod news;
mod owners;
mod story;
mod verdict;
