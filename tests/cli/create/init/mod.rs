//! `kit init`: drafts of a Kitfile for a folder and for a repository of a hub.

mod defaults;
mod drafts;
mod hub_cache;
mod model_folders;
mod secrets;
