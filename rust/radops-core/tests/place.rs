//! Many small files at once.

mod common;

use common::{Folder, call};
use radops_core::error::{Cancelled, Error};
use radops_core::place::{Naming, Site, finish_files, place_files, stat_files, write_files};
use radops_core::progress::{Call, Progress};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const MANY: usize = 3000;

fn kind(answer: &Result<(), Error>) -> Option<ErrorKind> {
    match answer {
        Err(Error::Io { source, .. }) => Some(source.kind()),
        _ => None,
    }
}

#[test]
fn files_are_written_whole_and_never_over_others() {
    for threads in [0, 1, 3] {
        let folder = Folder::new();
        let mine = folder.file("7", b"mine");
        let files: Vec<_> = (0..MANY)
            .map(|number| (folder.path(&number.to_string()), vec![7u8; number % 999]))
            .collect();
        let answers = call(threads, |call| {
            write_files(&Site::Anywhere, &files, 0o444, call)
        })
        .unwrap();
        for (number, ((path, content), answer)) in files.iter().zip(&answers).enumerate() {
            if number == 7 {
                assert_eq!(kind(answer), Some(ErrorKind::AlreadyExists));
            } else {
                assert!(answer.is_ok());
                assert_eq!(&fs::read(path).unwrap(), content);
            }
        }
        assert_eq!(fs::read(mine).unwrap(), b"mine");
    }
}

#[test]
fn a_stopped_call_leaves_nothing() {
    let folder = Folder::new();
    let files: Vec<_> = (0..MANY)
        .map(|number| (folder.path(&number.to_string()), b"content".as_slice()))
        .collect();
    let progress = Progress::default();
    progress.cancel();
    let answer = write_files(
        &Site::Anywhere,
        &files,
        0o444,
        &mut Call {
            threads: 2,
            progress: &progress,
            interrupted: &mut || false,
        },
    );
    assert_eq!(answer.unwrap_err(), Cancelled);
    assert!(folder.names().is_empty());
}

#[test]
#[cfg(unix)]
fn finished_files_have_their_mode_and_the_time_of_now() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.file("a", b"abc");
    let long_ago = SystemTime::now() - Duration::from_secs(1 << 30);
    fs::File::open(&path)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    let paths = [path.clone(), folder.path("absent")];
    let answers = call(0, |call| finish_files(&Site::Anywhere, &paths, 0o444, call)).unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(kind(&answers[1]), Some(ErrorKind::NotFound));
    let found = fs::metadata(&path).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o444);
    assert!(found.modified().unwrap().elapsed().unwrap() < Duration::from_secs(60));
}

#[test]
fn names_are_given_and_folders_made() {
    for threads in [0, 1, 3] {
        let folder = Folder::new();
        let pairs: Vec<_> = (0..MANY)
            .map(|number| {
                let target = format!("f{}/g/{number}", number % 9);
                let source = folder.file(&number.to_string(), number.to_string().as_bytes());
                (source, folder.path(&target))
            })
            .collect();
        let answers = call(threads, |call| {
            place_files(&Site::Anywhere, &pairs, Naming::Rename, call)
        })
        .unwrap();
        assert!(answers.iter().all(Result::is_ok));
        for (number, (source, target)) in pairs.iter().enumerate() {
            assert!(!source.exists());
            assert_eq!(fs::read(target).unwrap(), number.to_string().as_bytes());
        }
    }
}

#[test]
fn existing_files_are_only_replaced_on_demand() {
    let folder = Folder::new();
    let pair = |folder: &Folder| [(folder.file("new", b"new"), folder.file("old", b"old"))];
    let pairs = pair(&folder);
    let answers = call(0, |call| {
        place_files(&Site::Anywhere, &pairs, Naming::Rename, call)
    })
    .unwrap();
    assert_eq!(kind(&answers[0]), Some(ErrorKind::AlreadyExists));
    assert_eq!(fs::read(folder.path("old")).unwrap(), b"old");
    assert_eq!(fs::read(folder.path("new")).unwrap(), b"new");
    let answers = call(0, |call| {
        place_files(&Site::Anywhere, &pairs, Naming::Replace, call)
    })
    .unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(folder.names(), ["old"]);
    assert_eq!(fs::read(folder.path("old")).unwrap(), b"new");
}

#[test]
fn no_folder_is_made_for_a_file_that_is_gone() {
    let folder = Folder::new();
    let pairs = [(folder.path("gone"), folder.path("a/b"))];
    for naming in [Naming::Replace, Naming::Rename, Naming::Link] {
        let answers = call(0, |call| place_files(&Site::Anywhere, &pairs, naming, call)).unwrap();
        assert_eq!(kind(&answers[0]), Some(ErrorKind::NotFound));
        assert!(folder.names().is_empty());
    }
}

#[test]
#[cfg(unix)]
fn a_look_does_not_follow_links() {
    let folder = Folder::new();
    let file = folder.file("file", b"abc");
    let link = folder.path("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let paths: Vec<PathBuf> = vec![file, folder.path("absent"), folder.path(""), link];
    let answers = call(0, |call| stat_files(&paths, call)).unwrap();
    assert_eq!(answers[0].as_ref().unwrap().unwrap().size, 3);
    assert!(answers[1].as_ref().unwrap().is_none());
    let directory = |answer: &Result<_, Error>| match answer {
        Err(Error::NotAFile { directory, .. }) => Some(*directory),
        _ => None,
    };
    assert_eq!(directory(&answers[2]), Some(true));
    assert_eq!(directory(&answers[3]), Some(false));
}
