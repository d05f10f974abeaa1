//! The threads that list the folders of a scan.

use super::crew;
use super::error::{Error, Result};
use super::node::{ItemKind, Node, NodeBuilder};
use super::refusal::{Reason, Refusal};
use super::rules::{CHECKOUT_FILE, Rules};
use super::scan::Options;
use crate::error::Error as FileError;
use crate::progress::Call;
use crate::reader::Control;
use crate::sys::Stat;
use crate::tree::{PathError, check_path, check_target, depth};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Names that a lake's own files have: the marker of a store, and the configuration of a home.
const LAKE_FILES: [&str; 2] = ["radops.cbor", "config.toml"];

/// A folder to be listed.
#[derive(Default)]
struct Task {
    node: u32,
    path: String,
    /// The folders above it, where links are followed.
    above: Option<Arc<Above>>,
}

struct Above {
    device: u64,
    inode: u64,
    above: Option<Arc<Above>>,
}

impl Above {
    fn has(mut this: Option<&Arc<Self>>, device: u64, inode: u64) -> bool {
        while let Some(found) = this {
            if (found.device, found.inode) == (device, inode) {
                return true;
            }
            this = found.above.as_ref();
        }
        false
    }
}

struct State {
    tasks: Vec<Task>,
    /// Threads that list a folder and may find more.
    busy: usize,
    nodes: BTreeMap<u32, Node>,
    lake_files: Vec<String>,
    refusal: Refusal,
    /// Why the top cannot be listed.
    failure: Option<FileError>,
}

struct Walk<'w> {
    top: &'w Path,
    options: &'w Options,
    rules: Rules,
    /// The number of the next node.
    next: AtomicU32,
    left_out: AtomicU64,
    state: Mutex<State>,
    news: Condvar,
}

/// What listing a folder gave.
#[derive(Default)]
struct Listed {
    node: NodeBuilder,
    lake_files: Vec<String>,
    refusal: Vec<(Reason, String)>,
}

/// Everything that a walk found.
pub(super) struct Walked {
    /// In the order of their numbers; the first is the top.
    pub nodes: Vec<Node>,
    /// Files that rules left out.
    pub left_out: u64,
    /// Rules that left something out.
    pub rules: u64,
    /// Paths that may belong to a lake, in no order: files whose names are those of a lake's own,
    /// and links that were followed.
    pub lake_files: Vec<String>,
}

/// List a folder and all folders below it.
///
/// # Errors
///
/// As [`Scan::new`](super::scan::Scan::new).
pub(super) fn walk(top: &Path, options: &Options, call: &mut Call<'_>) -> Result<Walked> {
    let walk = Walk {
        top,
        options,
        rules: Rules::new(top, &options.exclude, options.no_ignore)?,
        next: AtomicU32::new(1),
        left_out: AtomicU64::new(0),
        state: Mutex::new(State {
            tasks: vec![Task::default()],
            busy: 0,
            nodes: BTreeMap::new(),
            lake_files: Vec::new(),
            refusal: Refusal::default(),
            failure: None,
        }),
        news: Condvar::new(),
    };
    crew::run(call, |control| walk.work(control))?;
    let state = walk.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = state.failure {
        return Err(error.into());
    }
    if !state.refusal.is_empty() {
        return Err(Error::Refused(state.refusal));
    }
    Ok(Walked {
        nodes: state.nodes.into_values().collect(),
        left_out: walk.left_out.into_inner(),
        rules: walk.rules.used() as u64,
        lake_files: state.lake_files,
    })
}

impl Walk<'_> {
    fn work(&self, control: &Control<'_>) {
        while let Some(task) = self.take(control) {
            let found = self.list(&task, control);
            let mut state = crew::lock(&self.state);
            state.busy -= 1;
            match found {
                Ok((node, tasks, listed)) => {
                    state.nodes.insert(task.node, node);
                    state.tasks.extend(tasks);
                    state.lake_files.extend(listed.lake_files);
                    for (reason, path) in listed.refusal {
                        state.refusal.add(reason, path);
                    }
                }
                Err(error) if task.node == 0 => state.failure = Some(error),
                Err(_) => state.refusal.add(Reason::Unreadable, task.path),
            }
            drop(state);
            self.news.notify_all();
        }
    }

    fn take(&self, control: &Control<'_>) -> Option<Task> {
        let mut state = crew::lock(&self.state);
        loop {
            if control.stopped() {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.busy += 1;
                return Some(task);
            }
            if state.busy == 0 {
                return None;
            }
            let waited = self.news.wait_timeout(state, crew::TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn list(
        &self,
        task: &Task,
        control: &Control<'_>,
    ) -> std::result::Result<(Node, Vec<Task>, Listed), FileError> {
        let path = self.top.join(&task.path);
        let failed = |error: Errno| FileError::io(&path, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&path, flags, Mode::empty()).map_err(failed)?;
        let stat = Stat::from(&rustix::fs::fstat(&folder).map_err(failed)?);
        let above = self.options.follow_links.then(|| {
            Arc::new(Above {
                device: stat.device,
                inode: stat.inode,
                above: task.above.clone(),
            })
        });
        let mut listed = Listed::default();
        let mut entry_path = String::new();
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if control.stopped() {
                break;
            }
            let Ok(text) = name.to_str() else {
                let name = name.to_string_lossy();
                listed
                    .refusal
                    .push((Reason::NotUtf8, join(&task.path, &name)));
                continue;
            };
            entry_path.clear();
            entry_path.push_str(&task.path);
            if !entry_path.is_empty() {
                entry_path.push('/');
            }
            entry_path.push_str(text);
            self.look(
                &folder,
                name,
                text,
                &entry_path,
                above.as_ref(),
                &mut listed,
            );
        }
        let node = std::mem::take(&mut listed.node).build(&task.path, stat);
        let (node, tasks) = self.number(node, above.as_ref());
        Ok((node, tasks, listed))
    }

    /// Number the subfolders, and return the tasks to list them.
    fn number(&self, mut node: Node, above: Option<&Arc<Above>>) -> (Node, Vec<Task>) {
        let count = node.items.iter().filter(|item| item.is_folder()).count() as u32;
        let first = self.next.fetch_add(count, Relaxed);
        let mut tasks = Vec::with_capacity(count as usize);
        for index in 0..node.items.len() {
            let item = node.items[index];
            if item.is_folder() {
                let number = first + tasks.len() as u32;
                tasks.push(Task {
                    node: number,
                    path: join(&node.path, node.name(&item)),
                    above: above.cloned(),
                });
                node.items[index].size = u64::from(number);
            }
        }
        (node, tasks)
    }

    /// Look at one name in a folder.
    fn look(
        &self,
        folder: &OwnedFd,
        name: &CStr,
        text: &str,
        path: &str,
        above: Option<&Arc<Above>>,
        listed: &mut Listed,
    ) {
        if path == CHECKOUT_FILE {
            return;
        }
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(error) => {
                let reason = match error {
                    Errno::NOENT => Reason::Changed,
                    _ => Reason::Unreadable,
                };
                listed.refusal.push((reason, path.to_owned()));
                return;
            }
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let is_folder = kind == FileType::Directory;
        if self.rules.leave_out(path, is_folder) {
            let count = if is_folder {
                count_files(folder, name)
            } else {
                1
            };
            self.left_out.fetch_add(count, Relaxed);
            return;
        }
        let found = match kind {
            _ if text == ".git" => Err(Reason::Git),
            _ if is_too_long(path) => Err(Reason::TooLong),
            FileType::RegularFile => Ok((self.file_kind(stat.st_mode), stat, String::new())),
            FileType::Directory => Ok((ItemKind::Folder, stat, String::new())),
            FileType::Symlink => self.link(folder, name, path, above, stat),
            _ => Err(Reason::Special),
        };
        let is_followed =
            kind == FileType::Symlink && matches!(found, Ok((kind, ..)) if kind != ItemKind::Link);
        if is_followed || LAKE_FILES.contains(&text) {
            listed.lake_files.push(path.to_owned());
        }
        match found {
            Ok((kind, stat, target)) => listed.node.add(text, kind, &Stat::from(&stat), &target),
            Err(reason) => listed.refusal.push((reason, path.to_owned())),
        }
    }

    #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
    fn file_kind(&self, mode: rustix::fs::RawMode) -> ItemKind {
        if self.options.executables && mode as u32 & 0o100 != 0 {
            ItemKind::Executable
        } else {
            ItemKind::File
        }
    }

    /// A link that a directory can hold, or what it points to.
    fn link(
        &self,
        folder: &OwnedFd,
        name: &CStr,
        path: &str,
        above: Option<&Arc<Above>>,
        stat: rustix::fs::Stat,
    ) -> std::result::Result<(ItemKind, rustix::fs::Stat, String), Reason> {
        let target = readlinkat(folder, name, Vec::new()).map_err(|_| Reason::Unreadable)?;
        if let Ok(target) = target.into_string()
            && check_target(&target, depth(path)).is_ok()
        {
            return Ok((ItemKind::Link, stat, target));
        }
        if !self.options.follow_links {
            return Err(Reason::Outside);
        }
        let stat = statat(folder, name, AtFlags::empty()).map_err(|_| Reason::Dangling)?;
        let found = Stat::from(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let kind = match self.file_kind(stat.st_mode) {
                    ItemKind::Executable => ItemKind::FollowedExecutable,
                    _ => ItemKind::FollowedFile,
                };
                Ok((kind, stat, String::new()))
            }
            FileType::Directory if Above::has(above, found.device, found.inode) => {
                Err(Reason::Dangling)
            }
            FileType::Directory => Ok((ItemKind::FollowedFolder, stat, String::new())),
            _ => Err(Reason::Special),
        }
    }
}

/// Whether a path, or a name in it, has too many bytes. Some file systems have names of 255
/// characters, which are up to three times as many bytes.
fn is_too_long(path: &str) -> bool {
    let long = [PathError::Long, PathError::LongSegment];
    check_path(path).is_err_and(|error| long.contains(&error))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return name.to_owned();
    }
    format!("{folder}/{name}")
}

/// How many files are below a folder that is left out; what cannot be read does not count.
fn count_files(folder: impl AsFd, name: &CStr) -> u64 {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(folder) = openat(folder, name, flags, Mode::empty()) else {
        return 0;
    };
    let Ok(entries) = Dir::read_from(&folder) else {
        return 0;
    };
    let count = |entry: rustix::fs::DirEntry| match entry.file_type() {
        _ if matches!(entry.file_name().to_bytes(), b"." | b"..") => 0,
        FileType::Directory => count_files(&folder, entry.file_name()),
        _ => 1,
    };
    entries.flatten().map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::is_too_long;

    #[test]
    fn names_and_paths_can_be_too_long() {
        assert!(!is_too_long(&"a".repeat(255)));
        assert!(is_too_long(&"a".repeat(256)));
        assert!(is_too_long(&format!("a/{}", "é".repeat(128))));
        let deep = "a/".repeat(511);
        assert!(!is_too_long(&format!("{deep}ab")));
        assert!(is_too_long(&format!("{deep}abc")));
        assert!(!is_too_long(".."));
    }
}
