//! Files on servers that are not registries.

use std::io::{self, Read};

use kit_core::oci::{Content, ContentError};
use kit_core::registry::{AccessKeys, ContainerKeys, Error, FileHead, KeySources, ObjectStore, Settings, WebFile};

use crate::support::{bytes, client, settings};
use kit_testkit::registry::{FakeRegistry, Fault};

const SIZE: usize = 300_000;

fn server(content: &[u8]) -> FakeRegistry {
    let server = FakeRegistry::start();
    server.add_file("/data/train.csv", content);
    server
}

fn file(server: &FakeRegistry) -> WebFile {
    client(settings()).web_file(&format!("http://{}/data/train.csv", server.host())).unwrap()
}

fn read(file: &WebFile, head: &FileHead) -> Result<Vec<u8>, ContentError> {
    let mut read = Vec::new();
    file.content(head, None).open_at(0)?.read_to_end(&mut read).map_err(ContentError::from)?;
    Ok(read)
}

#[test]
fn the_size_is_known_before_anything_is_read() {
    let content = bytes(SIZE);
    for (content, ranges) in [(&content[..], true), (&content, false), (&[], true), (&[], false)] {
        let server = server(content);
        server.configure(|options| options.ranges = ranges);
        let head = file(&server).look().unwrap();
        assert_eq!((head.size, head.tag.is_some()), (content.len() as u64, !content.is_empty() || !ranges));
        assert_eq!(read(&file(&server), &head).unwrap(), content);
    }
}

#[test]
fn a_connection_that_breaks_is_continued_at_its_byte() {
    let content = bytes(SIZE);
    let server = server(&content);
    let head = file(&server).look().unwrap();
    server.forget_requests();
    server.fail("GET", "/train.csv", Fault::DropAnswerAfter(100_000));
    assert!(read(&file(&server), &head).unwrap() == content);
    let sent: u64 = server.requests().iter().map(|request| request.answer_bytes).sum();
    assert!(sent <= SIZE as u64, "{sent}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_mixed_with_the_other_one() {
    let server = server(&bytes(SIZE));
    let head = file(&server).look().unwrap();
    server.add_file("/data/train.csv", &bytes(SIZE + 1)[1..]);
    let error = read(&file(&server), &head).unwrap_err();
    assert!(io::Error::from(error).to_string().contains("answered 412"));
}

#[test]
fn an_object_is_asked_for_with_a_right_in_the_url() {
    let server = server(b"a,b\n");
    let keys = AccessKeys { id: "ada".to_owned(), secret: "s3cret".to_owned(), session_token: None };
    let endpoint = Some(format!("http://{}", server.host()));
    let keys = KeySources { given: Some(keys), ..KeySources::default() };
    let object_store = ObjectStore { endpoint, keys, ..ObjectStore::default() };
    let file = client(Settings { object_store, ..settings() }).web_file("s3://data/train.csv").unwrap();
    let head = file.look().unwrap();
    assert_eq!(read(&file, &head).unwrap(), b"a,b\n");
    for request in server.requests() {
        assert!(request.target.contains("X-Amz-Credential=ada%2F"), "{}", request.target);
        assert_eq!(request.header("authorization"), None);
    }
    server.fail("GET", "/train.csv", Fault::Status(403, Vec::new()));
    let error = file.look().unwrap_err();
    assert!(matches!(error, Error::Denied { .. }));
    assert!(!format!("{error:?}").contains("Signature"), "{error:?}");
}

#[test]
fn a_container_is_given_its_keys_once() {
    let server = server(b"a,b\n");
    server.add_file("/keys", br#"{"AccessKeyId":"ada","SecretAccessKey":"s3cret","Token":"t0ken"}"#);
    let url = format!("http://{}/keys", server.host());
    let container = ContainerKeys { url, token: Some("pr00f".to_owned()), token_file: None };
    let keys = KeySources { container: Some(container), ..KeySources::default() };
    let endpoint = Some(format!("http://{}", server.host()));
    let object_store = ObjectStore { endpoint, region: Some("eu-west-1".to_owned()), keys };
    let client = client(Settings { object_store, ..settings() });
    for _ in 0..2 {
        client.web_file("s3://data/train.csv").unwrap().look().unwrap();
    }
    let [question] = &server.requests_of("GET", "/keys")[..] else { panic!("{:?}", server.log()) };
    assert_eq!(question.header("authorization"), Some("pr00f"));
    for request in server.requests_of("GET", "/train.csv") {
        let target = &request.target;
        assert!(target.contains("%2Feu-west-1%2F") && target.contains("X-Amz-Security-Token=t0ken"), "{target}");
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn addresses_contain_no_passwords() {
    for address in ["https://ada:s3cret@data.example/a", "ftp://s3cret.example", "s3cret", "s3://", "http://"] {
        let error = client(settings()).web_file(address).err().unwrap();
        assert!(matches!(error, Error::Setting(_)));
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
