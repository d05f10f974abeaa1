//! Copies and checks of files.

mod common;

use common::{Folder, MIB, border_sizes, bytes, call, digest};
use radops_core::check::{Expected, State, check_files};
use radops_core::copy::{copy_file, copy_files};
use radops_core::error::Error;
use radops_core::hash::hash_file;
use radops_core::progress::{Call, Progress};
use radops_core::reflink::reflink;
use radops_core::sys::rename_noreplace;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn copies_of_every_border_size() {
    for size in border_sizes() {
        let folder = Folder::new();
        let data = bytes(size);
        let source = folder.file("source", &data);
        for threads in [0, 1, 3] {
            let target = folder.path(&format!("target{threads}"));
            let copied = call(threads, |call| copy_file(&source, &target, 0o444, call)).unwrap();
            assert_eq!(fs::read(&target).unwrap(), data);
            assert_eq!(copied, call(0, |call| hash_file(&target, call)).unwrap());
            assert_eq!(copied.digest, digest(&data));
        }
    }
}

#[test]
#[cfg(unix)]
fn the_target_has_its_mode_from_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let source = folder.file("source", b"abc");
    for mode in [0o444, 0o400, 0o600] {
        let target = folder.path(&format!("{mode:o}"));
        call(0, |call| copy_file(&source, &target, mode, call)).unwrap();
        let found = fs::metadata(&target).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode);
    }
}

#[test]
fn existing_files_are_never_overwritten() {
    let folder = Folder::new();
    let source = folder.file("source", &bytes(4 * MIB));
    let target = folder.file("target", b"mine");
    let error = call(0, |call| copy_file(&source, &target, 0o444, call)).unwrap_err();
    let exists = |error: &Error, path: &PathBuf| {
        matches!(error, Error::Io { path: at, source, .. }
            if at == path && source.kind() == io::ErrorKind::AlreadyExists)
    };
    assert!(exists(&error, &target));
    assert!(exists(&reflink(&source, &target).unwrap_err(), &target));
    match rename_noreplace(&source, &target).unwrap_err() {
        Error::Io { other, source, .. } => {
            assert_eq!(source.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(other, Some(target.clone()));
        }
        error => panic!("{error}"),
    }
    assert_eq!(fs::read(&target).unwrap(), b"mine");
    rename_noreplace(&source, &folder.path("free")).unwrap();
    assert_eq!(folder.names(), ["free", "target"]);
}

#[test]
fn a_missing_source_makes_no_target() {
    let folder = Folder::new();
    let target = folder.path("target");
    for source in [folder.path("missing"), folder.0.path().to_owned()] {
        assert!(call(0, |call| copy_file(&source, &target, 0o444, call)).is_err());
        assert!(reflink(&source, &target).is_err());
    }
    assert!(folder.names().is_empty());
}

#[test]
fn a_source_that_changes_leaves_no_target() {
    let folder = Folder::new();
    let source = folder.file("source", &bytes(9 * MIB));
    let target = folder.path("target");
    let stop = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            let file = OpenOptions::new().write(true).open(&source).unwrap();
            while !stop.load(Ordering::Relaxed) {
                file.set_len(5 * MIB as u64).unwrap();
                file.set_len(9 * MIB as u64).unwrap();
            }
        });
        let mut seen = 0;
        let start = Instant::now();
        while seen < 3 && start.elapsed() < Duration::from_secs(60) {
            match call(2, |call| copy_file(&source, &target, 0o444, call)) {
                Ok(hash) => {
                    assert_eq!(hash.digest, digest(&fs::read(&target).unwrap()));
                    fs::remove_file(&target).unwrap();
                }
                Err(Error::Changed { path }) => {
                    assert_eq!(path, source);
                    seen += 1;
                }
                Err(error) => panic!("{error}"),
            }
            assert_eq!(folder.names(), ["source"]);
        }
        stop.store(true, Ordering::Relaxed);
        seen
    });
    assert!(seen > 0);
}

#[test]
fn many_copies_with_failures_in_their_place() {
    let folder = Folder::new();
    let pairs: Vec<_> = (0..300)
        .map(|n| {
            let size = if n % 71 == 3 { 5 * MIB + n } else { n * 10 };
            let source = folder.file(&format!("source{n}"), &bytes(size));
            if n % 40 == 9 {
                fs::remove_file(&source).unwrap();
            }
            (source, folder.path(&format!("target{n}")))
        })
        .collect();
    let answers = call(3, |call| copy_files(&pairs, 0o444, call)).unwrap();
    for (n, ((source, target), answer)) in pairs.iter().zip(answers).enumerate() {
        if n % 40 == 9 {
            assert!(matches!(answer, Err(Error::Io { path, .. }) if &path == source));
            assert!(!target.exists());
        } else {
            let data = fs::read(target).unwrap();
            assert_eq!(data, fs::read(source).unwrap());
            assert_eq!(answer.unwrap().digest, digest(&data));
        }
    }
}

#[test]
fn a_stopped_call_removes_all_its_targets() {
    let folder = Folder::new();
    let sparse = folder.path("sparse");
    File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
    let mut pairs: Vec<_> = (0..20)
        .map(|n| {
            let source = folder.file(&format!("source{n:02}"), &bytes(n));
            (source, folder.path(&format!("target{n}")))
        })
        .collect();
    let before = folder.names();
    pairs.push((sparse, folder.path("target")));
    let progress = Progress::default();
    let mut call = Call {
        threads: 2,
        progress: &progress,
        interrupted: &mut || progress.files() >= 20 && progress.bytes() > MIB as u64,
    };
    assert!(copy_files(&pairs, 0o444, &mut call).is_err());
    assert_eq!(folder.names(), before);
}

#[test]
fn a_reflink_or_nothing() {
    let folder = Folder::new();
    let data = bytes(MIB + 3);
    let source = folder.file("source", &data);
    let target = folder.path("target");
    if reflink(&source, &target).unwrap() {
        assert_eq!(fs::read(&target).unwrap(), data);
    } else {
        assert_eq!(folder.names(), ["source"]);
    }
}

#[test]
fn checks_of_every_kind() {
    let folder = Folder::new();
    let small = bytes(1000);
    let large = bytes(9 * MIB + 1);
    let mut flipped = large.clone();
    flipped[5 * MIB] ^= 1;
    let expect = |path: PathBuf, data: &[u8]| Expected {
        path,
        size: data.len() as u64,
        digest: digest(data),
    };
    let under_a_file = folder.file("small", &small).join("below");
    let files = [
        (State::Ok, expect(folder.file("small", &small), &small)),
        (State::Ok, expect(folder.file("large", &large), &large)),
        (State::Ok, expect(folder.file("empty", b""), b"")),
        (State::Missing, expect(folder.path("missing"), &small)),
        (State::Missing, expect(under_a_file, &small)),
        (
            State::Size,
            expect(folder.file("short", &large[1..]), &large),
        ),
        (
            State::Bytes,
            expect(folder.file("flipped", &flipped), &large),
        ),
        (State::Unreadable, expect(folder.0.path().to_owned(), b"")),
    ];
    let (states, files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    for threads in [0, 1, 3] {
        let checks = call(threads, |call| check_files(&files, call)).unwrap();
        let found: Vec<_> = checks.iter().map(|check| check.state).collect();
        assert_eq!(found, states);
        for (check, file) in checks.iter().zip(&files) {
            match check.state {
                State::Ok | State::Bytes => assert_eq!(check.stat.unwrap().size, file.size),
                State::Size => assert_eq!(check.stat.unwrap().size, file.size - 1),
                _ => assert!(check.stat.is_none() && check.error.is_some()),
            }
        }
    }
}
