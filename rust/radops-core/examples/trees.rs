//! Times and memory of directories with very many entries, which are made up and not on disk:
//! `cargo run --release --example trees -- FOLDER ENTRIES`.

use radops_core::directory::{Directory, Patterns, Store, each_change};
use radops_core::outline::Digest;
use radops_core::tree::{Entry, FormatError, Kind, Object, Part, Sink, Tree, TreeBuilder};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A home that takes objects as they are.
struct Home(PathBuf);

impl Sink for Home {
    type Error = FormatError;

    fn put(&mut self, _: Part, object: Object, bytes: Vec<u8>) -> Result<(), FormatError> {
        let path = Store::new(&self.0).path(&object.digest);
        let written = path.parent().map(fs::create_dir_all).transpose();
        if written.and_then(|_| fs::write(&path, bytes)).is_err() {
            return Err(FormatError::corrupt("home", "it cannot be written"));
        }
        Ok(())
    }
}

fn digest(number: u64, version: u64) -> Digest {
    *blake3::hash(&[number.to_le_bytes(), version.to_le_bytes()].concat()).as_bytes()
}

fn path(number: u64) -> String {
    format!(
        "{:04}/{:03}/image-{number:08}.jpg",
        number / 100_000,
        number / 1000 % 100
    )
}

/// Build a directory in which one file in a hundred, scattered, is of version `version`.
fn build(home: &Path, entries: u64, version: u64) -> Result<Tree, FormatError> {
    let mut sink = Home(home.to_owned());
    let mut builder = TreeBuilder::new(&mut sink);
    for number in 0..entries {
        let path = path(number);
        let changed = if number % 9973 == 0 { version } else { 0 };
        let entry = Entry {
            path: &path,
            kind: Kind::File,
            size: 4096,
            digest: digest(number, changed),
            target: "",
        };
        let pack = Object {
            digest: digest(number / 4000, u64::MAX),
            size: 16_540_000,
        };
        builder.push(&entry, Some((pack, (number % 4000) as u32 * 4096)))?;
    }
    builder.finish()
}

/// Resident memory of this process at its peak, in MiB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn report<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let found = work();
    println!(
        "{what:32} {:9.3} ms   peak {} MiB",
        start.elapsed().as_secs_f64() * 1e3,
        peak()
    );
    found
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let home = PathBuf::from(arguments.next().ok_or("a folder is missing")?);
    let entries: u64 = arguments.next().ok_or("a number is missing")?.parse()?;
    let first = report("build", || build(&home, entries, 1))?;
    let second = report("build the next version", || build(&home, entries, 2))?;
    let store = Store::new(&home);
    let open = |tree: &Tree| Directory::open(store.clone(), tree.root, Some(tree.layout));
    let directory = report("open", || open(&first))?;
    let middle = path(entries / 2);
    report("find one path", || directory.find(&middle))?;
    report("find it again", || directory.find(&middle))?;
    report("find 1,000 paths, scattered", || {
        (0..1000).try_for_each(|step| directory.find(&path(step * entries / 1000)).map(drop))
    })?;
    let folder = &middle[..8];
    report("list a folder of 1,000", || {
        directory.children(folder, "", usize::MAX)
    })?;
    report("list the top", || directory.children("", "", usize::MAX))?;
    let patterns = Patterns::new(&["**/*77.jpg".to_owned()])?;
    let mut found = 0;
    report("match a pattern with all", || {
        directory.each_match(&patterns, "", |_, _, _| {
            found += 1;
            true
        })
    })?;
    let other = open(&second)?;
    let mut changes = 0;
    report("compare two versions", || {
        each_change(&directory, &other, |_| changes += 1)
    })?;
    report("check all pages", || directory.check())?;
    println!(
        "{} entries, {found} matched, {changes} changes",
        first.entries
    );
    Ok(())
}
