//! Tests of the module `registry` against the fake registry, and against docker's.
//!
//! # Tests for each fault
//!
//! `matrix` walks all roads: pulls and unpackings in one stream and in pieces, pushes whole and in parts, copies from
//! and to a registry. It asserts that the result is complete, and how many bytes moved twice. `troubled`, `kill` and
//! `secrets` are in `tests/cli`, `token` and `redact` in `src/registry`. A test below checks that every test in these
//! lists exists.
//!
//! - The connection is lost after n bytes:
//!   - from a registry: `matrix::a_connection_that_drops_or_a_body_that_is_truncated_is_continued_at_its_byte`,
//!     `pull_in_pieces::an_interrupted_piece_resumes_where_it_stopped`
//!   - to a registry: `matrix::an_upload_that_drops_sends_no_byte_again_that_arrived`,
//!     `push_in_parts::an_interrupted_part_resumes_within_itself`
//! - The answer is lost:
//!   - from a registry: as above
//!   - to a registry: `matrix::an_upload_that_drops_sends_no_byte_again_that_arrived`,
//!     `push::a_blob_whose_confirmation_is_lost_is_not_sent_again`
//! - The connection stalls:
//!   - from a registry: `matrix::a_download_that_stalls_is_continued_at_its_byte`,
//!     `pull_in_pieces::a_silent_connection_is_replaced`
//!   - to a registry: `matrix::an_upload_that_stalls_sends_no_byte_again_that_arrived`,
//!     `push_in_parts::an_upload_without_progress_ends_after_the_time_limit`
//! - One connection is slow:
//!   - from a registry: `pull_in_pieces::a_connection_far_slower_than_its_peers_is_replaced`,
//!     `matrix::a_slow_connection_costs_no_byte`
//! - The throughput of every connection is limited:
//!   - from a registry: `pull_in_pieces::connections_are_added_while_they_bring_something`,
//!     `matrix::a_slow_connection_costs_no_byte`
//! - 429 with `Retry-After`, 408, 500, 503:
//!   - from a registry: `matrix::a_refused_download_is_asked_for_again`
//!   - to a registry: `matrix::only_the_refused_part_of_an_upload_is_sent_again`, at POST, PATCH and PUT;
//!     `push::retry_after_is_honoured`
//! - The same statuses for manifests:
//!   - from and to a registry: `matrix::documents_are_asked_for_again_too`
//! - The upload session expires:
//!   - to a registry: `matrix::an_expired_session_is_restarted_once`,
//!     `push_in_parts::an_expired_upload_starts_again_once`,
//!     `resume::an_upload_session_without_status_is_started_again`
//! - An answer has a wrong offset:
//!   - from a registry: `matrix::an_answer_with_another_range_is_refused`, `pull::a_range_of_other_bytes_is_refused`
//!   - to a registry: `matrix::a_false_offset_costs_one_part`,
//!     `resume::an_implausible_offset_is_refused`
//! - Tokens expire quickly:
//!   - from a registry: `matrix::a_token_that_is_good_for_one_request_is_renewed_each_time`
//!   - to a registry: `matrix::a_token_that_is_good_for_one_request_is_renewed_each_time`,
//!     `authorization::a_token_that_expires_during_a_long_upload_is_renewed`
//! - Redirects to a second host, with URLs that expire and without Authorization:
//!   - from a registry: `matrix::an_expired_url_is_resolved_again_without_credentials`,
//!     `pull_in_pieces::redirected_pieces_go_straight_to_the_store_until_the_url_expires`
//! - `Range` is ignored:
//!   - from a registry: `matrix::a_registry_that_ignores_ranges_sends_the_whole_blob`,
//!     `pull_in_pieces::a_registry_that_ignores_the_first_range_is_read_as_one_stream`,
//!     `pull_in_pieces::a_registry_that_ignores_a_later_range_costs_only_time`
//! - The body is truncated:
//!   - from a registry: `matrix::a_connection_that_drops_or_a_body_that_is_truncated_is_continued_at_its_byte`
//! - The bytes are wrong:
//!   - from a registry: `matrix::wrong_bytes_are_never_kept`
//!   - to a registry: `push::content_that_is_wrong_is_refused_by_the_registry`,
//!     `resume::a_session_with_other_bytes_is_given_up`
//! - HEAD is not supported:
//!   - from and to a registry: `matrix::a_registry_without_head_is_read_from_and_written_to`
//! - A real registry with cuts (FIN and RST), delays, limits and refusals by a random plan:
//!   - from a registry: `troubled::a_pull_survives_every_fault`,
//!     `troubled::unpacking_from_a_registry_survives_every_fault`,
//!     `troubled::a_copy_to_a_folder_survives_every_fault`, `troubled::a_copy_between_registries_survives_every_fault`
//!   - to a registry: `troubled::a_push_survives_every_fault`
//! - A real registry that stalls:
//!   - from and to a registry: `interoperability::connections_that_stall_are_left`
//! - `kill -9`:
//!   - from a registry: `kill::a_killed_pull_leaves_a_sound_store_and_fetches_little_again`,
//!     `kill::a_killed_copy_to_a_folder_leaves_a_sound_layout_and_fetches_little_again`,
//!     `kill::a_killed_unpack_from_a_registry_leaves_no_half_file_and_can_be_repeated`
//!   - to a registry: `kill::a_killed_push_sends_no_acknowledged_byte_again`,
//!     `kill::a_killed_push_resumes_where_it_stopped`
//!
//! # Security holes of other clients
//!
//! - Authorization is never sent to the target of a redirect: `pull::redirects_are_followed_and_credentials_stay`,
//!   `holes::a_redirect_target_cannot_request_credentials`,
//!   `authorization::a_token_server_does_not_pass_credentials_on`
//! - Authorization is never sent to the location of an upload on another host:
//!   `push::credentials_do_not_follow_an_upload_to_another_place`,
//!   `holes::an_upload_host_cannot_request_credentials`
//! - No redirect leads from https to http: `tls::an_encrypted_way_never_becomes_an_open_one`
//! - Credentials are sent only to a token server that the registry itself names, and never less encrypted:
//!   `authorization::credentials_are_not_sent_to_another_host_in_the_open`,
//!   `token::only_safe_token_servers_get_credentials`
//! - Documents that are read into memory have a size limit: `pull::documents_that_are_too_large_are_not_read`,
//!   `holes::no_answer_fills_the_memory`
//! - Manifests are kept as their raw bytes: all of `matrix`, whose manifest differs from what `kit` would write;
//!   `push::a_manifest_is_published_as_it_is`
//! - Digests are checked before they are used as file names: `holes::a_digest_that_is_a_path_is_invalid`,
//!   `holes::a_digest_in_a_manifest_that_is_a_path_becomes_none`
//! - Sizes are checked against descriptors: `pull::a_blob_of_another_size_is_refused_before_it_is_read`,
//!   `pull::a_manifest_is_checked_against_its_descriptor`
//! - Lists of referrers are not trusted, and have a limit: `referrers::forged_lists_harm_nothing`,
//!   `referrers::a_list_without_an_end_is_read_to_a_limit`, `referrers::a_tag_with_foreign_content_is_left_alone`
//! - No signed query is written to a log or an error: `secrets::no_signed_url_and_no_credential_reaches_a_log`,
//!   `secrets::no_signed_url_and_no_credential_is_in_an_error`, `redact::only_harmless_parameters_keep_their_value`;
//!   only the user may read the journal of an upload: `resume::only_the_user_may_read_a_journal`

#![allow(clippy::unwrap_used, reason = "a test may panic, also outside of the function that is marked as one")]

mod access;
mod ahead;
mod doctor;
mod holes;
mod interoperability;
mod learned;
mod machine;
mod matrix;
mod mirrors;
mod mount;
mod pull;
mod pull_in_pieces;
mod push;
mod push_in_parts;
mod referrers;
mod resume;
mod roads;
mod support;
mod web_files;
mod writes;

#[test]
fn the_tests_in_the_lists_exist() {
    let sources = rust_files();
    let lists = include_str!("main.rs").lines().filter(|line| line.starts_with("//!"));
    for (file, test) in lists.flat_map(|line| line.split('`')).filter_map(|name| name.split_once("::")) {
        let named = sources.iter().filter(|path| path.file_stem().is_some_and(|stem| stem == file));
        let head = format!("fn {test}()");
        let exists = named.into_iter().any(|path| fs_err::read_to_string(path).unwrap().contains(&head));
        assert!(exists, "there is no {file}::{test}");
    }
}

/// The files that may contain a test of the lists.
fn rust_files() -> Vec<std::path::PathBuf> {
    let root = kit_testkit::sandbox::repository();
    let mut folders: Vec<_> = ["tests", "crates/core"].map(|folder| root.join(folder)).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}
