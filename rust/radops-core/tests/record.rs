//! Records of every kind are decoded, and nothing that contradicts itself is.
//!
//! That nothing is accepted which Python refuses is shown in `tests/native/test_records.py`.

use radops_core::record::{Origin, Record, Slot, decode, is_edge};
use std::fs;
use std::path::PathBuf;

const UID: &str = "datasets/images";

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let text = fs::read_to_string(folder.join(format!("{name}.hex"))).unwrap();
    let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn file<'a>(raw: &'a [u8], uid: &str) -> Record<'a> {
    match decode(raw, uid) {
        Some(Slot::File(record)) => record,
        other => panic!("{uid}: {other:?}"),
    }
}

fn replaced(raw: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = raw.windows(old.len()).position(|part| part == old).unwrap();
    [&raw[..at], new, &raw[at + old.len()..]].concat()
}

#[test]
fn an_import_is_decoded() {
    let raw = golden("import");
    let record = file(&raw, "datasets/train.csv");
    assert_eq!((record.digest, record.size), ([0x11; 32], 1_234_567));
    assert_eq!(record.keeps, [[0x11; 32]]);
    assert_eq!((record.directory, record.origin), (None, Origin::Import));
    assert_eq!(record.created_at, "2026-11-22T12:21:03.000456Z");
    assert_eq!(record.originator, "ada@example.org");
}

#[test]
fn a_directory_is_decoded() {
    let raw = golden("directory/record-import");
    let record = file(&raw, UID);
    assert_eq!((record.digest, record.size), ([0x77; 32], 400));
    let directory = record.directory.unwrap();
    let contents = (directory.layout, directory.files, directory.bytes);
    assert_eq!(contents, ([0x88; 32], 3, 4000));
    assert_eq!(record.trees, [([0x77; 32], [0x88; 32])]);
}

#[test]
fn results_of_calls_are_decoded() {
    let (first, second) = (golden("call-first"), golden("call-second"));
    let (first, second) = (
        file(&first, "splits/test.csv"),
        file(&second, "splits/train.csv"),
    );
    assert!(first.commits_itself("splits/test.csv", 0));
    assert!(!second.commits_itself("splits/train.csv", 0));
    assert_eq!(first.commit_id, second.commit_id);
    assert_eq!(second.primary, first.primary);
    let Origin::Call(call) = second.origin else {
        panic!("no call");
    };
    let outputs: Vec<_> = call.outputs.iter().map(|one| (one.uid, one.size)).collect();
    assert_eq!(
        outputs,
        [("splits/test.csv", 100), ("splits/train.csv", 200)]
    );
    assert_eq!(call.sources, ["datasets/train.csv"]);
    assert_eq!(call.patch, Some([0x66; 32]));
    let made = golden("directory/record-call");
    assert!(file(&made, "made/images").directory.is_some());
}

#[test]
fn folders_tombstones_and_edges_are_decoded() {
    let folder = golden("folder");
    assert_eq!(decode(&folder, "datasets"), Some(Slot::Folder));
    assert_eq!(decode(&folder, "dataset"), None);
    let tombstone = golden("tombstone");
    let Some(Slot::Tombstone(found)) = decode(&tombstone, "datasets/train.csv") else {
        panic!("no tombstone");
    };
    assert_eq!(found.record.digest, [0x11; 32]);
    assert!(!found.aborted);
    assert_eq!(decode(&tombstone, "datasets/train.cs"), None);
    let edge = golden("edge");
    assert!(is_edge(&edge, "splits/test.csv"));
    assert!(!is_edge(&edge, "splits/train.csv"));
}

#[test]
fn contradictions_are_not_decided() {
    let raw = golden("directory/record-import");
    let (root, layout) = ([0x77; 32], [0x88; 32]);
    let pair = |first: [u8; 32], second: [u8; 32]| {
        [&b"\x82\x58\x20"[..], &first, b"\x58\x20", &second].concat()
    };
    let keeps = [b"\x65keeps", &pair(root, layout)[..]].concat();
    let trees = [b"\x65trees\x81", &pair(root, layout)[..]].concat();
    for (old, new) in [
        (&keeps[..], [b"\x65keeps", &pair(layout, root)[..]].concat()),
        (&keeps, [b"\x65keeps", &pair(root, [0x99; 32])[..]].concat()),
        (&trees, [b"\x65trees\x81", &pair(layout, root)[..]].concat()),
        (b"\x65files\x03", b"\x65files\x20".to_vec()),
        (b"\x69directory", b"\x64file".to_vec()),
        (b"\xb0", b"\xaf".to_vec()),
    ] {
        assert_eq!(decode(&replaced(&raw, old, &new), UID), None);
    }
    for end in 0..raw.len() {
        assert_eq!(decode(&raw[..end], UID), None);
    }
    assert_eq!(decode(&raw, "datasets/image"), None);
}
