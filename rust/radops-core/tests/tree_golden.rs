//! The golden bytes of directories: the Rust code writes and reads what the reference wrote.

use radops_core::outline::Digest;
use radops_core::tree::{
    Entries, Entry, FormatError, Kind, Layout, LayoutBody, LayoutPage, Object, PackCutter, Packed,
    PageCutter, Part, Root, RootBody, Sink, Trailer, TreeBuilder, decode_source_list,
    encode_layout, encode_layout_page, encode_root, encode_trailer, source_lists,
};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const MIB: u64 = 1 << 20;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/directory")
}

fn golden(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(folder().join(format!("{name}.hex"))).unwrap();
    let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    digits
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn cuts() -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join("cuts.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_u64().unwrap())
        .collect()
}

fn hash(bytes: impl AsRef<[u8]>) -> Digest {
    *blake3::hash(bytes.as_ref()).as_bytes()
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(path: &str, bytes: &[u8]) -> Entry<'static> {
    Entry {
        path: path.to_owned().leak(),
        kind: Kind::File,
        size: bytes.len() as u64,
        digest: hash(bytes),
        target: "",
    }
}

#[derive(Default)]
struct Kept(Vec<(Part, Object, Vec<u8>)>);

impl Sink for Kept {
    type Error = FormatError;

    fn put(&mut self, part: Part, object: Object, bytes: Vec<u8>) -> Result<(), FormatError> {
        assert_eq!(object, Object::of(&bytes));
        self.0.push((part, object, bytes));
        Ok(())
    }
}

impl Kept {
    fn only(&self, part: Part) -> &[u8] {
        let found: Vec<_> = self.0.iter().filter(|kept| kept.0 == part).collect();
        assert_eq!(found.len(), 1);
        &found[0].2
    }
}

#[test]
fn a_directory_with_an_entry_of_every_kind() {
    let mut run = file("bin/run.sh", b"#!/bin/sh\n");
    run.kind = Kind::Executable;
    let entries = [
        file("a.txt", b"hello\n"),
        run,
        Entry::link("bin/text", "../a.txt"),
        file("copy of a.txt", b"hello\n"),
        Entry::folder("empty/\u{e9}"),
        file("large.bin", &vec![0; 4 * MIB as usize + 1]),
        file("none", b""),
    ];
    let packed = |entry: &Entry<'_>, offset| Packed {
        digest: entry.digest,
        size: entry.size as u32,
        offset,
    };
    let files = [packed(&entries[0], 0), packed(&run, 6)];
    let mut pack = b"hello\n#!/bin/sh\n".to_vec();
    pack.extend(encode_trailer(&files));
    assert_eq!(pack, golden("pack"));
    assert_eq!(Trailer::of_pack(&pack).unwrap().files, files);

    let pack = Object::of(&pack);
    let mut kept = Kept::default();
    let mut builder = TreeBuilder::new(&mut kept);
    for entry in &entries {
        let place = match entry.size {
            6 if entry.kind == Kind::File => Some((pack, 0)),
            10 => Some((pack, 6)),
            _ => None,
        };
        builder.push(entry, place).unwrap();
    }
    let tree = builder.finish().unwrap();
    assert_eq!(
        (tree.entries, tree.files, tree.bytes),
        (7, 5, 4 * MIB + 1 + 22)
    );
    assert_eq!(kept.only(Part::Root), golden("root"));
    assert_eq!(kept.only(Part::Layout), golden("layout"));

    let root = Root::decode(golden("root")).unwrap();
    let RootBody::Inline(found) = &root.body else {
        panic!("a root without entries");
    };
    assert_eq!(found.iter().collect::<Vec<_>>(), entries);
    let LayoutBody::Inline(places) = Layout::decode(&golden("layout")).unwrap().body else {
        panic!("a layout without places");
    };
    places.check(found).unwrap();
}

#[test]
fn parts_are_read_and_written_again() {
    let page = Entries::decode(golden("page")).unwrap();
    assert_eq!(
        page.iter().map(|entry| entry.path).collect::<Vec<_>>(),
        ["bin/run.sh", "bin/text"]
    );
    let root = Root::decode(golden("root-of-pages")).unwrap();
    let RootBody::Pages(pages) = &root.body else {
        panic!("a root without pages");
    };
    assert_eq!(encode_root(pages).unwrap(), golden("root-of-pages"));
    pages[0].check(&page, Some(&pages[1])).unwrap();
    pages[1].check(&page, None).unwrap_err();
    let layout = Layout::decode(&golden("layout-of-pages")).unwrap();
    assert_eq!(encode_layout(&layout).unwrap(), golden("layout-of-pages"));
    let layout_page = LayoutPage::decode(&golden("layout-page")).unwrap();
    assert_eq!(encode_layout_page(&layout_page), golden("layout-page"));
    let sources = decode_source_list(&golden("sources"), true).unwrap();
    assert_eq!(source_lists(&sources), [golden("sources")]);
    decode_source_list(&golden("sources"), false).unwrap_err();
}

#[test]
fn many_entries() {
    let mut entries: Vec<_> = (0..20_000_u64)
        .map(|number| {
            let name = &hex(&hash(format!("name {number}")))[..32];
            let path = format!("{:02}/{number:05}-{name}.bin", number % 50);
            let pack = Object {
                digest: hash(format!("pack {}", number / 100)),
                size: 20 * MIB,
            };
            let digest = hash(format!("content {number}"));
            let place = (pack, number as u32 % 100 * 1000);
            (path, (number * 7919) % (5 * MIB), digest, place)
        })
        .collect();
    entries.sort();
    let mut kept = Kept::default();
    let mut builder = TreeBuilder::new(&mut kept);
    for (path, size, digest, place) in &entries {
        let entry = Entry {
            path,
            kind: Kind::File,
            size: *size,
            digest: *digest,
            target: "",
        };
        let packed = (1..=4 * MIB).contains(size);
        builder.push(&entry, packed.then_some(*place)).unwrap();
    }
    let tree = builder.finish().unwrap();
    let wanted = &cuts()["many"];
    assert_eq!(hex(&tree.root.digest), wanted["root"]);
    assert_eq!(hex(&tree.layout.digest), wanted["layout"]);
    let RootBody::Pages(pages) = Root::decode(kept.only(Part::Root).to_vec()).unwrap().body else {
        panic!("a root without pages");
    };
    let counts: Vec<_> = pages.iter().map(|page| page.entries).collect();
    assert_eq!(counts, numbers(&wanted["pages"]));
    // All digests are made up. That of the one file without bytes can be seen to be.
    let written = kept.0.iter().filter(|kept| kept.0 == Part::Page);
    let read: Vec<_> = written
        .map(|kept| Entries::decode(kept.2.clone()))
        .collect();
    assert_eq!(read.iter().filter(|page| page.is_err()).count(), 1);
    for (number, page) in read.iter().enumerate() {
        if let Ok(page) = page {
            pages[number].check(page, pages.get(number + 1)).unwrap();
        }
    }
}

#[test]
fn pages_of_long_paths_end_before_they_are_too_large() {
    let part = "x".repeat(250);
    let mut cutter = PageCutter::default();
    let (mut counts, mut count) = (Vec::new(), 0);
    for number in 0..20_000_u64 {
        let path = format!("{number:06}/{part}/{part}/{part}/{part}");
        if u64::from_le_bytes(hash(&path)[..8].try_into().unwrap()) % 2048 == 0 {
            continue;
        }
        let size = if number < 24 {
            1
        } else if number < 256 {
            2
        } else {
            3
        };
        let encoded = 1 + 3 + path.len() + 1 + size + 34;
        if cutter.ends_before(encoded) {
            counts.push(std::mem::take(&mut count));
            cutter.reset();
        }
        count += 1;
        assert!(!cutter.push(&path, encoded));
    }
    counts.push(count);
    assert_eq!(counts, numbers(&cuts()["long paths"]));
}

#[test]
fn packs_end_at_their_target_size() {
    let cuts = cuts();
    for (what, wanted) in cuts["packs"].as_object().unwrap() {
        let mut cutter = PackCutter::default();
        let (mut counts, mut count) = (Vec::new(), 0);
        for number in 0..wanted["count"].as_u64().unwrap() {
            let size = match what.as_str() {
                "tiny" => 1 + number % 300,
                "small" => 4096 + number % 7,
                "mixed" => 1 + (number * number * 31) % (4 * MIB),
                _ => 4 * MIB,
            };
            if cutter.ends_before(size) {
                counts.push(std::mem::take(&mut count));
                cutter.reset();
            }
            count += 1;
            if cutter.push(&hash(format!("file {number}")), size) {
                counts.push(std::mem::take(&mut count));
            }
        }
        counts.extend((count > 0).then_some(count));
        assert_eq!(counts, numbers(&wanted["files"]), "{what}");
    }
}

#[test]
fn source_lists_end_at_their_limit() {
    let mut sources: Vec<_> = (0..200_000)
        .map(|number| Object {
            digest: hash(format!("source {number}")),
            size: 1,
        })
        .collect();
    sources.sort();
    let lists = source_lists(&sources);
    let mut read = Vec::new();
    let mut counts = Vec::new();
    for (index, list) in lists.iter().enumerate() {
        let found = decode_source_list(list, index + 1 == lists.len()).unwrap();
        counts.push(found.len() as u64);
        read.extend(found);
    }
    assert_eq!(counts, numbers(&cuts()["sources"]));
    assert_eq!(read, sources);
}

#[test]
fn a_long_trailer() {
    let files: Vec<_> = (0..1000)
        .map(|number| Packed {
            digest: hash(format!("file {number}")),
            size: 7,
            offset: 7 * number,
        })
        .collect();
    let trailer = encode_trailer(&files);
    assert_eq!(hex(&hash(&trailer)), cuts()["trailer of 1000"]);
    let pack = [vec![0; 7000], trailer].concat();
    assert_eq!(Trailer::of_pack(&pack).unwrap().files, files);
}
