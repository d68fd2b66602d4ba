//! Walks over pickles that are written by hand.

#![allow(clippy::cast_possible_truncation, reason = "the samples are small")]

use std::io::Cursor;

use crate::scan::{Level, Rules, scan_file};

/// Returns the findings in a file, as `rule detail`.
fn found(name: &str, bytes: &[u8]) -> Vec<String> {
    let report = scan_file(&mut Cursor::new(bytes), bytes.len() as u64, name, &Rules::default()).unwrap();
    report.findings.iter().map(|found| format!("{} {}", found.rule, found.detail)).collect()
}

const SYSTEM: &str = "pickle-global os.system";

#[test]
fn names_are_followed_through_the_stack_and_the_memo() {
    for pickle in [
        &b"\x80\x04\x8c\x02os\x8c\x06system\x93."[..],
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94NNh\x00h\x01\x93.",
        b"\x80\x04\x8c\x06system\x94\x8c\x02osh\x00\x93.",
        b"\x80\x04\x8c\x02osq\x07\x8c\x06systemq\x06h\x07h\x06\x93.",
        b"\x80\x04\x8c\x02osr\xff\xff\xff\x7f0\x8c\x06systemp12\n0j\xff\xff\xff\x7fg12\n\x93.",
        b"\x80\x04\x8c\x02os(NN1(\x8c\x01xN0\x8c\x01y12\x8c\x06system0\x8c\x06system\x93.",
        b"\x80\x04\x8c\x02os\x8c\x06system20\x93.",
        b"\x80\x02(ios\nsystem\n.",
        b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\xffVo\\u0073\nS'sys\\x74em'\n\x93.",
        b"N.\x80\x04N.cos\nsystem\n.",
    ] {
        let found = found("a.pkl", pickle);
        assert!(found.contains(&SYSTEM.to_owned()), "{}: {found:?}", pickle.escape_ascii());
    }
}

#[test]
fn names_in_the_tables_and_of_other_imports_are_kept_whatever_comes_between() {
    let mut words = Vec::new();
    for number in 0..10_000 {
        let word = format!("word{number}");
        words.extend([b"\x8c", &[word.len() as u8][..], word.as_bytes(), b"0"].concat());
    }
    for (before, after, expected) in [
        (&b"\x8c\x02osq\x010"[..], &b"h\x01\x8c\x06system\x93."[..], &[SYSTEM][..]),
        (b"\x8c\x04mineq\x010", b"h\x01\x8c\x04Ruin\x93.", &["pickle-global ?.Ruin"]),
        (b"\x8c\x04Ruinq\x010", b"\x8c\x02osh\x01\x93.", &["pickle-global os.?"]),
        (
            b"\x8c\x04mineq\x01\x8c\x04Ruin\x930",
            b"h\x01\x8c\x04Tree\x93.",
            &["pickle-global mine.Ruin", "pickle-global mine.Tree"],
        ),
    ] {
        let pickle = [b"\x80\x04", before, &words, after].concat();
        assert_eq!(found("a.pkl", &pickle), expected, "{}", before.escape_ascii());
    }
}

#[test]
fn a_pickle_of_another_name_is_found_whatever_its_size_and_its_end() {
    let call = b"cos\nsystem\n(S'id'\ntR";
    let large = [b"(lp0\n", &b"I1\na".repeat(300_000)[..], call, b"a."].concat();
    for (name, bytes, is_found) in [
        ("large.txt", &large[..], true),
        ("notes.md", &[&call[..], b" and more, without an end"].concat(), true),
        ("notes.md", b"(S'id'\nios\nsystem\n and more", true),
        // Functions by name, which begin like an import.
        ("operators.txt", b"cos\nsin\ntan\nexp\nlog\n", false),
        ("notes.md", b"cos\nsystem\nis a function.", false),
    ] {
        assert_eq!(found(name, bytes).contains(&SYSTEM.to_owned()), is_found, "{name}");
    }
}

#[test]
fn a_number_of_the_memo_is_that_of_python() {
    // `MEMOIZE` takes the number of entries, not the number of the last one.
    let pickle = b"\x80\x04\x8c\x02osq\x05\x8c\x06system\x9400h\x05h\x01\x93.";
    assert_eq!(found("a.pkl", pickle), [SYSTEM]);
}

#[test]
fn a_name_that_is_not_a_literal_is_computed() {
    let computed = ["pickle-computed-global the name of the import is computed"];
    assert_eq!(found("a.pkl", b"\x80\x04\x8c\x02os)\x8c\x06systemR\x93."), computed);
    assert_eq!(found("a.pkl", b"\x80\x04NN\x93."), computed);
}

#[test]
fn broken_pickles_keep_what_was_found_before() {
    let broken = |reason: &str| format!("pickle-broken {reason}");
    for (pickle, reason) in [
        (&b""[..], "it ends before STOP"),
        (b"\x80\x04", "it ends before STOP"),
        (b"\x80\x04\xff.", "0xff is not an opcode"),
        (b"\x80\x04.", "the stack is empty"),
        (b"\x80\x04Ne.", "there is no mark on the stack"),
        (b"\x80\x04h\x00.", "the memo has no such entry"),
        (b"\x80\x04X\xff\xff\xff\xffos", "it ends before STOP"),
        (b"\x80\x04g1x\n.", "a number of the memo is not a number"),
        (b"\x80\x04S'a\n.", "a text is not quoted or escaped as Python does"),
    ] {
        assert_eq!(found("a.pkl", pickle), [broken(reason)], "{}", pickle.escape_ascii());
        let evil = [b"cos\nsystem\n0", pickle].concat();
        assert_eq!(found("a.pkl", &evil)[0], SYSTEM, "{}", pickle.escape_ascii());
    }
}

#[test]
fn other_files_are_pickles_only_if_they_import_something() {
    assert_eq!(found("notes", b"cos\nsystem\n."), [SYSTEM]);
    assert_eq!(found("notes", b"cmine\nModel\n."), ["pickle-global mine.Model"]);
    for text in [&b"ccollections\nOrderedDict\n."[..], b"cat\ndog\n", b"could not\nopen it\n.", b"N.", b"(lp0\n."] {
        assert!(found("notes", text).is_empty(), "{}", text.escape_ascii());
    }
}

#[test]
fn a_pickle_in_a_valid_file_of_another_format_is_found() {
    // The length of the header is an opcode that pushes ten bytes, and the text after them ends in the tensor.
    let safetensors = |tensor: &[u8]| {
        let size = tensor.len();
        let json = format!(r#"{{"aaVa":{{"dtype":"U8","shape":[{size}],"data_offsets":[0,{size}]}}}}"#);
        [&0x0a43_u64.to_le_bytes()[..], format!("{json:2627}").as_bytes(), tensor].concat()
    };
    for name in ["a.pkl", "a.bin", "a.safetensors", "a"] {
        assert_eq!(found(name, &safetensors(b"\n0cos\nsystem\n(S'id'\ntR.")), [SYSTEM], "{name}");
        // A loader imports before it gets to what is not a pickle.
        assert_eq!(found(name, &safetensors(b"\n0cos\nsystem\n\xff"))[0], SYSTEM, "{name}");
        assert!(found(name, &safetensors(b"\n0N.")).is_empty(), "{name}");
        assert!(found(name, &safetensors(b"\xff\xff\xff")).is_empty(), "{name}");
    }
}

#[test]
fn literals_that_are_pickles_are_scanned() {
    let evil = b"\x80\x02cos\nsystem\n.";
    let utf8 = "\u{80}\u{2}cos\nsystem\n.";
    let literals = [
        [&[0x80, 4, b'C', evil.len() as u8][..], evil, b"."].concat(),
        [&[0x80, 2, b'U', evil.len() as u8][..], evil, b"."].concat(),
        [&[0x80, 4, 0x8c, utf8.len() as u8][..], utf8.as_bytes(), b"."].concat(),
        b"\x80\x04C\x0dcos\nsystem\nN..".to_vec(),
        b"S'\\x80\\x02cos\\nsystem\\n.'\n.".to_vec(),
        [&b"\x80\x04B"[..], &(evil.len() as u32 + 2_000_000).to_le_bytes(), evil, &vec![0; 2_000_000], b"."].concat(),
    ];
    let old = [&b"\x80\x04B\x0e\x10\x20\0cos\nsystem\nN0"[..], &vec![b'N'; 0x20_1000][..], b".."].concat();
    for pickle in literals.into_iter().chain([old]) {
        let report = scan_file(&mut Cursor::new(&pickle), pickle.len() as u64, "a.pkl", &Rules::default()).unwrap();
        let found = report.findings.first().map(|found| (found.level, found.detail.as_str(), found.members.len()));
        assert_eq!(found, Some((Level::High, "os.system", 1)), "{}", pickle[..20].escape_ascii());
    }
}

#[test]
fn torch_loads_only_bytes_that_were_scanned() {
    const LOADS: &str = "pickle-global torch.storage._load_from_bytes";
    let with = |rest: &[u8]| found("a.pkl", &[b"\x80\x02ctorch.storage\n_load_from_bytes\n", rest].concat());
    let latin = |name: &str| {
        let text = "\u{80}\u{2}N.".as_bytes();
        let (length, name_length) = ([text.len() as u8, 0, 0, 0], [name.len() as u8, 0, 0, 0]);
        [b"c_codecs\nencode\nX", &length[..], text, b"X", &name_length, name.as_bytes(), b"\x86R\x85R."].concat()
    };
    for harmless in [
        b"C\x04\x80\x02N.\x85R.".to_vec(),
        b"q\x01C\x04\x80\x02N.q\x02\x85q\x03Rq\x04.".to_vec(),
        b"(C\x04\x80\x02N.tR.".to_vec(),
        latin("latin1"),
        b"c_codecs\nencode\n(V\\u0080\\u0002N.\nVlatin1\ntR\x85R.".to_vec(),
    ] {
        assert!(with(&harmless).is_empty(), "{}: {:?}", harmless.escape_ascii(), with(&harmless));
    }
    for computed in [
        latin("utf-16-le"),
        b"cbuiltins\nbytes\n](K\x80K\x02e\x85R\x85R.".to_vec(),
        b"\x96\x04\0\0\0\0\0\0\0\x80\x02N.\x85R.".to_vec(),
        b"C\x04\x80\x02N.Q\x85R.".to_vec(),
        b"C\x04abcd\x85R.".to_vec(),
        b"C\x04\x80\x02N.C\x04\x80\x02N.\x86R.".to_vec(),
        b"q\x01C\x04\x80\x02N.\x85R0h\x01N\x85R.".to_vec(),
        b"\x85.".to_vec(),
        b".".to_vec(),
    ] {
        assert_eq!(with(&computed), [LOADS], "{}", computed.escape_ascii());
    }
    assert_eq!(found("a.pkl", b"\x80\x02(N(itorch.storage\n_load_from_bytes\n."), [LOADS]);
    assert_eq!(found("a.pkl", b"\x80\x02(ctorch.storage\n_load_from_bytes\nNo."), [LOADS]);
}

#[test]
fn nested_literals_are_followed_to_a_depth() {
    let mut pickle = b"\x80\x04cos\nsystem\n.".to_vec();
    for depth in 1..=5_usize {
        pickle = [&[0x80, 4, b'C', pickle.len() as u8][..], &pickle, b"."].concat();
        let expected = if depth <= 4 { SYSTEM } else { "limit members in one another" };
        assert_eq!(found("a.pkl", &pickle), [expected], "{depth}");
    }
}

#[test]
fn bytes_after_a_wrapper_of_joblib_are_not_broken() {
    let wrapper = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b";
    let with = |rest: &[u8]| found("a.joblib", &[&wrapper[..], rest].concat());
    assert!(with(b"\xff\xff\xff.").is_empty());
    assert!(with(b"NN\x93\xff.").is_empty());
    assert_eq!(with(b"NN\x93."), ["pickle-computed-global the name of the import is computed"]);
    assert_eq!(with(b"\xff\xffcos\nsystem\n."), ["pickle-carved os.system"]);
}

/// Opcodes, and bytes that their arguments often have.
const OPCODES: &[u8] = b"()]}NcioSVUXTpqghjrt012sbRQ.\n'\\os\x00\x01\x02\x8c\x93\x94\x80\x04\x81\x92";

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, is_named: bool) {
        found(if is_named { "a.pkl" } else { "a" }, &bytes);
    }

    #[test]
    fn arbitrary_opcodes_never_panic(picked in proptest::collection::vec(0..OPCODES.len(), 0..200)) {
        let bytes: Vec<u8> = picked.into_iter().map(|at| OPCODES[at]).collect();
        found("a.pkl", &bytes);
    }
}
