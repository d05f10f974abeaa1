//! Rules of the parts of directories, and bytes that break them.

use proptest::prelude::*;
use radops_core::cbor::scan;
use radops_core::tree::{
    Ancestors, Entries, Entry, FormatError, Kind, Layout, LayoutPage, Object, PageBuilder,
    PathError, Root, TAIL_SIZE, Trailer, check_path, check_target, decode_source_list, depth,
    page_start, trailer_length,
};
use std::fs;
use std::path::PathBuf;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/directory");
    let text = fs::read_to_string(folder.join(format!("{name}.hex"))).unwrap();
    let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    digits
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// A decoder, and what it is to be fed with.
type Decoder = (&'static str, fn(&[u8]) -> Result<(), FormatError>);

const DECODERS: [Decoder; 7] = [
    ("root", |raw| Root::decode(raw.to_vec()).map(drop)),
    ("root-of-pages", |raw| Root::decode(raw.to_vec()).map(drop)),
    ("page", |raw| Entries::decode(raw.to_vec()).map(drop)),
    ("layout", |raw| Layout::decode(raw).map(drop)),
    ("layout-of-pages", |raw| Layout::decode(raw).map(drop)),
    ("layout-page", |raw| LayoutPage::decode(raw).map(drop)),
    ("sources", |raw| decode_source_list(raw, true).map(drop)),
];

fn is_newer(error: &FormatError) -> bool {
    matches!(error, FormatError::Newer { .. })
}

fn replaced(raw: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = raw.windows(old.len()).position(|part| part == old).unwrap();
    [&raw[..at], new, &raw[at + old.len()..]].concat()
}

#[test]
fn values_of_a_later_version_are_not_called_corrupt() {
    for (name, decode) in DECODERS {
        let raw = golden(name);
        decode(&raw).unwrap();
        // A version, a kind and a field that are not known.
        assert!(is_newer(
            &decode(&replaced(&raw, b"\x61v\x01", b"\x61v\x02")).unwrap_err()
        ));
        assert!(is_newer(
            &decode(&replaced(&raw, b"radops/", b"rad0ps/")).unwrap_err()
        ));
        let first = raw[0] + 1;
        let more = [&[first, 0x61, b'a', 0x01], &raw[1..]].concat();
        assert!(is_newer(&decode(&more).unwrap_err()), "{name}");
        // Version 0 never was.
        assert!(!is_newer(
            &decode(&replaced(&raw, b"\x61v\x01", b"\x61v\x00")).unwrap_err()
        ));
        // A field too few.
        assert!(!is_newer(&decode(&raw[..raw.len() - 1]).unwrap_err()));
        assert!(!is_newer(&decode(&[&raw[..], &[0]].concat()).unwrap_err()));
        assert!(!is_newer(&decode(b"").unwrap_err()));
    }
}

#[test]
fn reserved_values_are_of_a_later_version() {
    // A place that is an array of places.
    let raw = replaced(
        &golden("layout-page"),
        &[0x82, 0x82, 0x01, 0x06, 0xf6],
        &[0x82, 0x81, 0x83, 0x01, 0x06, 0x01, 0xf6],
    );
    assert!(is_newer(&LayoutPage::decode(&raw).unwrap_err()));
    // A fourth kind of entry.
    let raw = replaced(&golden("page"), b"bin/run.sh\x01", b"bin/run.sh\x04");
    assert!(is_newer(&Entries::decode(raw).unwrap_err()));
}

#[test]
fn mixtures_of_pages_and_entries_are_refused() {
    let (inline, pages) = (golden("layout"), golden("layout-of-pages"));
    for (raw, old, new) in [
        (&inline, &b"\x66places"[..], &b"\x65pages"[..]),
        (&pages, b"\x65pages", b"\x66places"),
    ] {
        let error = Layout::decode(&replaced(raw, old, new)).unwrap_err();
        assert!(matches!(error, FormatError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_file_without_bytes_has_their_digest() {
    let raw = golden("root");
    Root::decode(raw.clone()).unwrap();
    let empty = *blake3::hash(b"").as_bytes();
    let error = Root::decode(replaced(&raw, &empty, &[0x11; 32])).unwrap_err();
    assert!(matches!(error, FormatError::Corrupt { .. }), "{error}");
}

#[test]
fn what_is_read_whole_cannot_be_large() {
    let huge = [0x1b, 0x00, 0x00, 0x01, 0, 0, 0, 0, 0];
    let page = replaced(
        &golden("root-of-pages"),
        &[0x18, 0x85, 0x02],
        &[&huge[..], &[2]].concat(),
    );
    assert!(!is_newer(&Root::decode(page).unwrap_err()));
    let raw = golden("layout-of-pages");
    let sizes = sizes_in(&raw);
    assert!(sizes.len() > 2);
    for (start, end) in sizes {
        let large = [&raw[..start], &huge[..], &raw[end..]].concat();
        assert!(!is_newer(&Layout::decode(&large).unwrap_err()));
    }
}

/// Where the sizes of objects are: after digests, in arrays of two.
fn sizes_in(raw: &[u8]) -> Vec<(usize, usize)> {
    let begins = |at: &usize| raw[*at..].starts_with(&[0x82, 0x58, 0x20]);
    let starts = (0..raw.len()).filter(begins).map(|at| at + 35);
    starts
        .map(|start| match raw[start] {
            0..=23 => (start, start + 1),
            24 => (start, start + 2),
            25 => (start, start + 3),
            _ => (start, start + 5),
        })
        .collect()
}

#[test]
fn paths() {
    let long = format!("{}/{}", "a".repeat(255), "b".repeat(255));
    for path in [
        "a", "a/b", ".a", "..a", "a/...", " ", "\u{e9}", "e\u{301}", "a\nb", "a\\b", &long,
    ] {
        assert_eq!(check_path(path), Ok(()), "{path:?}");
    }
    let full = [&"x/".repeat(511)[..], "xy"].concat();
    assert_eq!((full.len(), check_path(&full)), (1024, Ok(())));
    for (path, error) in [
        ("", PathError::Empty),
        ("/a", PathError::Empty),
        ("a/", PathError::Empty),
        ("a//b", PathError::Empty),
        (".", PathError::Dots),
        ("a/..", PathError::Dots),
        ("a/./b", PathError::Dots),
        ("a\0", PathError::Nul),
        (&"a".repeat(256), PathError::LongSegment),
        (&format!("{full}z"), PathError::Long),
    ] {
        assert_eq!(check_path(path), Err(error), "{path:?}");
    }
}

#[test]
fn targets() {
    assert_eq!(depth("a/b/link"), 2);
    for (target, depth) in [
        ("a", 0),
        ("../a", 1),
        ("a", 3),
        ("../../a/b", 2),
        ("...", 0),
    ] {
        assert_eq!(check_target(target, depth), Ok(()), "{target}");
    }
    for target in [
        "",
        ".",
        "..",
        "../..",
        "../../../a",
        "/a",
        "..//a",
        "a/",
        "a/../b",
        "../a/..",
        "./a",
        "a\0",
        "../",
        &"a".repeat(256),
        &"../".repeat(342),
    ] {
        check_target(target, 2).expect_err(target);
    }
}

#[test]
fn an_entry_above_another_is_found_across_what_sorts_between() {
    for (paths, right) in [
        (&["a", "a-b", "a.b", "a0"][..], true),
        (&["a", "a-b", "a/b"], false),
        (&["a", "a!", "a-b", "a-b/c"], false),
        (&["a-b", "a/b", "ab", "b"], true),
        (&["a/b", "a/b/c"], false),
        (&["b", "a"], false),
        (&["a", "a"], false),
    ] {
        let mut ancestors = Ancestors::default();
        let found = paths.iter().try_for_each(|path| ancestors.push(path));
        assert_eq!(found.is_ok(), right, "{paths:?}");
    }
}

#[test]
fn tails() {
    let pack = golden("pack");
    let size = pack.len() as u64;
    let tail: [u8; TAIL_SIZE] = pack[pack.len() - TAIL_SIZE..].try_into().unwrap();
    trailer_length(&tail, size).unwrap();
    trailer_length(&tail, 20).unwrap_err();
    let mut long = tail;
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    trailer_length(&long, u64::MAX).unwrap_err();
    let mut other = tail;
    other[15] = b'k';
    trailer_length(&other, size).unwrap_err();
    Trailer::of_pack(&pack[1..]).unwrap_err();
    Trailer::of_pack(&pack[pack.len() - 15..]).unwrap_err();
}

fn paths_in_order() -> impl Strategy<Value = Vec<String>> {
    let segment = prop_oneof!["[a-c.!-]{1,3}", "\\PC{1,3}"];
    let path = prop::collection::vec(segment, 1..4).prop_map(|parts| parts.join("/"));
    prop::collection::btree_set(path, 0..60).prop_map(|paths| {
        // What a brute search finds right; the code under test is not asked.
        let all: Vec<_> = paths
            .into_iter()
            .filter(|path| check_path(path).is_ok())
            .collect();
        let above = |path: &String| {
            let ancestors = path.match_indices('/').map(|(at, _)| &path[..at]);
            ancestors
                .into_iter()
                .any(|ancestor| all.iter().any(|other| other == ancestor))
        };
        all.iter().filter(|path| !above(path)).cloned().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn entries_are_read_as_written(paths in paths_in_order(), kinds in prop::collection::vec(0..4_u8, 60)) {
        let entries: Vec<_> = paths.iter().zip(&kinds).map(|(path, kind)| match kind {
            2 => Entry::link(path, "target"),
            3 => Entry::folder(path),
            _ => Entry {
                path,
                kind: if *kind == 1 { Kind::Executable } else { Kind::File },
                size: path.len() as u64,
                digest: Object::of(path.as_bytes()).digest,
                target: "",
            },
        }).collect();
        let mut builder = PageBuilder::default();
        for entry in &entries {
            prop_assert!(builder.push(entry).iter().all(Option::is_none));
        }
        let raw = builder.take().encode();
        prop_assert_eq!(scan(&raw), Ok(()));
        if entries.is_empty() {
            prop_assert!(Entries::decode(raw).is_err());
            return Ok(());
        }
        let page = Entries::decode(raw).unwrap();
        prop_assert_eq!(page.iter().collect::<Vec<_>>(), entries.clone());
        for (index, entry) in entries.iter().enumerate() {
            prop_assert_eq!(page.find(entry.path.as_bytes()), Ok(index));
        }
        prop_assert_eq!(page.find(b""), Err(0));
        prop_assert_eq!(page.find(b"\xff"), Err(entries.len()));
    }

    #[test]
    fn a_start_sorts_between(paths in paths_in_order()) {
        for pair in paths.windows(2) {
            let start = page_start(&pair[0], &pair[1]);
            prop_assert!(pair[0].as_bytes() < start && start <= pair[1].as_bytes());
            prop_assert!(&start[..start.len() - 1] <= pair[0].as_bytes());
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_canonical(
        which in 0..DECODERS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let (name, decode) = DECODERS[which];
        let mut raw = golden(name);
        for (at, byte, how) in changes {
            let at = at.index(raw.len());
            match how {
                0 => raw[at] = byte,
                1 => raw.insert(at, byte),
                _ => drop(raw.remove(at)),
            }
        }
        if decode(&raw).is_ok() {
            prop_assert_eq!(scan(&raw), Ok(()));
        }
    }

    #[test]
    fn any_bytes_are_refused(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, decode) in DECODERS {
            prop_assert!(decode(&raw).is_err());
        }
        prop_assert!(Trailer::of_pack(&raw).is_err());
    }

    #[test]
    fn a_changed_pack_is_refused_or_a_pack(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut pack = golden("pack");
        let at = at.index(pack.len());
        pack[at] = byte;
        if let Ok(trailer) = Trailer::of_pack(&pack) {
            prop_assert!(trailer.files.iter().all(|file| u64::from(file.offset + file.size) <= trailer.bytes));
        }
    }
}
