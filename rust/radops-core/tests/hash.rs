//! Hashing of files: right at every size, and never right by luck when a file changes.

mod common;

use common::{Folder, MIB, border_sizes, bytes, call, digest};
use proptest::prelude::*;
use radops_core::error::{Cancelled, Error};
use radops_core::hash::{bad_blocks, hash_file, hash_files};
use radops_core::outline::block_values;
use radops_core::progress::{Call, Progress};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn files_of_every_border_size() {
    let folder = Folder::new();
    for size in border_sizes() {
        let data = bytes(size);
        let path = folder.file("file", &data);
        for threads in [0, 1, 2, 7] {
            let hash = call(threads, |call| hash_file(&path, call)).unwrap();
            assert_eq!(
                hash.digest,
                digest(&data),
                "{size} bytes, {threads} threads"
            );
            assert_eq!(hash.stat.size, size as u64);
            if size > MIB {
                assert_eq!(hash.outline, block_values(&data, 0).unwrap());
            } else {
                assert!(hash.outline.is_empty());
            }
        }
    }
}

#[test]
fn answers_come_in_order_with_failures_in_their_place() {
    let folder = Folder::new();
    // Small and large files in turns, so that all ways to take work meet.
    let sizes: Vec<usize> = (0..600)
        .map(|n| if n % 97 == 5 { 9 * MIB + n } else { n })
        .collect();
    let paths: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(n, size)| {
            if n % 50 == 7 {
                folder.path("missing")
            } else {
                folder.file(&n.to_string(), &bytes(*size))
            }
        })
        .collect();
    for threads in [1, 2, 5] {
        let progress = Progress::default();
        let answers = hash_files(
            &paths,
            &mut Call {
                threads,
                progress: &progress,
                interrupted: &mut || false,
            },
        )
        .unwrap();
        assert_eq!(answers.len(), sizes.len());
        let mut read = 0;
        for (n, (size, answer)) in sizes.iter().zip(answers).enumerate() {
            if n % 50 == 7 {
                assert!(matches!(answer, Err(Error::Io { path, .. }) if path == paths[n]));
            } else {
                assert_eq!(answer.unwrap().digest, digest(&bytes(*size)), "file {n}");
                read += *size as u64;
            }
        }
        assert_eq!((progress.files(), progress.bytes()), (600, read));
    }
    let none = call(0, |call| hash_files::<&Path>(&[], call)).unwrap();
    assert!(none.is_empty());
}

#[test]
fn many_large_files_need_few_descriptors() {
    // Far more than any limit on descriptors, all of them large; sparse, so that they cost nothing.
    let folder = Folder::new();
    let path = folder.path("sparse");
    File::create(&path)
        .unwrap()
        .set_len(3 * MIB as u64)
        .unwrap();
    let paths = vec![&path; 3000];
    let answers = call(4, |call| hash_files(&paths, call)).unwrap();
    let expected = digest(&vec![0; 3 * MIB]);
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.unwrap().digest == expected)
    );
}

#[test]
fn special_files_are_refused_at_once() {
    let folder = Folder::new();
    let error = call(0, |call| hash_file(folder.0.path(), call)).unwrap_err();
    assert!(matches!(
        error,
        Error::NotAFile {
            directory: true,
            ..
        }
    ));
    #[cfg(target_os = "linux")]
    {
        let fifo = folder.path("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        for path in [fifo.as_path(), Path::new("/dev/zero")] {
            let error = call(0, |call| hash_file(path, call)).unwrap_err();
            assert!(matches!(
                error,
                Error::NotAFile {
                    directory: false,
                    ..
                }
            ));
        }
    }
}

#[test]
#[cfg(unix)]
fn symbolic_links_are_followed() {
    let folder = Folder::new();
    folder.file("file", b"abc");
    std::os::unix::fs::symlink("file", folder.path("link")).unwrap();
    let hash = call(0, |call| hash_file(&folder.path("link"), call)).unwrap();
    assert_eq!(hash.digest, digest(b"abc"));
}

/// Hash `path` over and over while `change` works on it; gives how often the change was seen.
fn hash_while(path: &Path, change: impl Fn(&mut File) + Sync) -> usize {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().write(true).open(path).unwrap();
            while !stop.load(Ordering::Relaxed) {
                change(&mut file);
            }
        });
        let mut seen = 0;
        let start = Instant::now();
        while seen < 3 && start.elapsed() < Duration::from_secs(60) {
            match call(2, |call| hash_file(path, call)) {
                Ok(hash) => assert!(hash.stat.size <= 9 * MIB as u64),
                Err(Error::Changed { .. }) => seen += 1,
                Err(error) => panic!("{error}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
        seen
    })
}

#[test]
fn a_file_that_shrinks_and_grows_is_an_error_and_no_crash() {
    for size in [100 << 10, 9 * MIB] {
        let folder = Folder::new();
        let path = folder.file("file", &bytes(size));
        let seen = hash_while(&path, |file| {
            file.set_len(size as u64 / 2).unwrap();
            file.set_len(size as u64).unwrap();
        });
        assert!(seen > 0, "{size} bytes");
    }
}

#[test]
fn bad_blocks_are_found() {
    let folder = Folder::new();
    let data = bytes(9 * MIB + 5);
    let size = data.len() as u64;
    let outline = block_values(&data, 0).unwrap();
    let found = |data: &[u8]| {
        let path = folder.file("file", data);
        call(2, |call| bad_blocks(&path, size, &outline, call)).unwrap()
    };
    assert!(found(&data).is_empty());
    let mut other = data.clone();
    for index in [0, 3 * MIB + 7, 9 * MIB + 4] {
        other[index] ^= 1;
    }
    assert_eq!(found(&other), [0, 3, 9]);
    assert_eq!(found(&data[..8 * MIB]), [8, 9]);
    assert_eq!(found(&data[..9 * MIB + 4]), [9]);
    assert_eq!(found(&data[..MIB]), (1..10).collect::<Vec<_>>());
    assert_eq!(found(&data[..MIB - 1]), (0..10).collect::<Vec<_>>());
    assert_eq!(found(&[]), (0..10).collect::<Vec<_>>());
    assert!(found(&[data.as_slice(), b"more"].concat()).is_empty());
}

#[test]
fn a_cancelled_call_stops_soon() {
    let folder = Folder::new();
    let path = folder.path("sparse");
    // A hundred seconds of work.
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let progress = Progress::default();
    let start = Instant::now();
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            while progress.bytes() == 0 {
                thread::sleep(Duration::from_millis(10));
            }
            progress.cancel();
        });
        hash_file(
            &path,
            &mut Call {
                threads: 2,
                progress: &progress,
                interrupted: &mut || false,
            },
        )
        .unwrap_err()
    });
    assert!(matches!(error, Error::Cancelled));
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    assert!(progress.bytes() > 0);
    assert_eq!(progress.files(), 0);
    // And stays stopped, for small files too.
    let small = folder.file("small", b"abc");
    let again = hash_files(
        &[small],
        &mut Call {
            threads: 0,
            progress: &progress,
            interrupted: &mut || false,
        },
    );
    assert_eq!(again.unwrap_err(), Cancelled);
}

#[test]
fn an_interrupted_call_stops_soon() {
    let folder = Folder::new();
    let path = folder.path("sparse");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let mut asked = 0;
    let error = hash_file(
        &path,
        &mut Call {
            threads: 2,
            progress: &Progress::default(),
            interrupted: &mut || {
                asked += 1;
                asked == 2
            },
        },
    )
    .unwrap_err();
    assert!(matches!(error, Error::Cancelled));
    assert!(asked >= 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn files_of_random_sizes(
        sizes in prop::collection::vec(0_usize..6 * MIB, 0..6),
        threads in 0_usize..4,
    ) {
        let folder = Folder::new();
        let paths: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(n, size)| folder.file(&n.to_string(), &bytes(*size)))
            .collect();
        let answers = call(threads, |call| hash_files(&paths, call)).unwrap();
        for (size, answer) in sizes.iter().zip(answers) {
            prop_assert_eq!(answer.unwrap().digest, digest(&bytes(*size)));
        }
    }
}
