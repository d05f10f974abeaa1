//! Reads the files of a scan once, hashes them, and packs those whose content has no place yet.
//!
//! Threads take batches of files in order and read them side by side. What they read is put in
//! order again before it is packed, so packs do not depend on the speed of the threads.

use super::contents::{Contents, NO_ROW, Row};
use super::crew::{self, TICK, lock};
use super::error::{Error, Result};
use super::node::Item;
use super::pack::{Filler, FullPack};
use super::refusal::{Reason, Refusal};
use super::scan::{Leaves, Scan};
use super::staging::Staging;
use crate::folder::{Folder, Status};
use crate::outline::Digest;
use crate::progress::Call;
use crate::reader::Control;
use crate::sys;
use crate::tree::is_packed;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

/// Most files of a batch.
const BATCH_FILES: usize = 512;

/// Bytes of files after which a batch ends.
const BATCH_BYTES: u64 = 2 << 20;

/// Batches that were taken and are not yet in order, for each thread.
const AHEAD: u64 = 4;

/// Whether files are only hashed, or packed as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    Hash,
    Pack,
}

/// What is known of the contents of a scan's files.
pub(super) struct Known {
    pub contents: Contents,
    /// The content of each file, in order; `NO_ROW` if it was not read yet.
    pub rows: Vec<Row>,
    pub filler: Filler,
}

/// Read files of the scan that belong in packs: all whose content is not known, or, to pack them,
/// has no place. Afterwards all contents are known, or have their places.
pub(super) fn read(
    scan: &Scan,
    aim: Aim,
    known: Known,
    staging: &Staging,
    refusal: &mut Refusal,
    call: &mut Call<'_>,
) -> Result<Known> {
    let ahead = AHEAD * crew::threads(call) as u64;
    let work = Ingest {
        scan,
        aim,
        staging,
        ahead,
        state: Mutex::new(State {
            leaves: scan.leaves(),
            ordinal: 0,
            taken: 0,
            done: 0,
            ready: BTreeMap::new(),
            known,
            refusal: std::mem::take(refusal),
            failure: None,
        }),
        news: Condvar::new(),
    };
    crew::run(call, |control| work.work(control))?;
    let state = work.state.into_inner();
    let mut state = state.unwrap_or_else(PoisonError::into_inner);
    *refusal = state.refusal;
    if let Some(error) = state.failure {
        return Err(error);
    }
    if let Some(pack) = state.known.filler.close() {
        let object = staging.write_pack(&pack.bytes)?;
        state.known.filler.written(pack, object);
    }
    Ok(state.known)
}

/// A file to be read.
struct Wanted {
    node: u32,
    item: u32,
    /// Its number among the files of the scan.
    ordinal: usize,
    /// What it must hash to, if that is known.
    digest: Option<Digest>,
}

/// A file that was read.
struct Done {
    ordinal: usize,
    digest: Digest,
    /// Where its bytes are in the batch.
    start: usize,
    size: usize,
}

/// Files of a batch that were read, with their bytes where they are to be packed.
#[derive(Default)]
struct Read {
    files: Vec<Done>,
    bytes: Vec<u8>,
}

struct State<'s> {
    leaves: Leaves<'s>,
    /// Files that `leaves` returned so far.
    ordinal: usize,
    /// Batches that were given out.
    taken: u64,
    /// Batches that are in order.
    done: u64,
    /// Batches that were read and wait for those before them.
    ready: BTreeMap<u64, Read>,
    known: Known,
    refusal: Refusal,
    failure: Option<Error>,
}

struct Ingest<'s> {
    scan: &'s Scan,
    aim: Aim,
    staging: &'s Staging,
    ahead: u64,
    state: Mutex<State<'s>>,
    news: Condvar,
}

impl Ingest<'_> {
    fn work(&self, control: &Control<'_>) {
        let mut reader = BatchReader::new(self.scan);
        let mut batch = Vec::new();
        while let Some((number, check_only)) = self.take(control, &mut batch) {
            let keep = self.aim == Aim::Pack && !check_only;
            let (read, refused) = reader.read(&batch, keep, check_only, control);
            if control.stopped() {
                return;
            }
            let mut state = lock(&self.state);
            for (reason, path) in refused {
                state.refusal.add(reason, path);
            }
            state.ready.insert(number, read);
            drop(state);
            self.put_in_order(control);
        }
    }

    /// Take the next files. Gives the batch's number, and whether files need only be opened, as
    /// others were refused and nothing will come of it.
    fn take(&self, control: &Control<'_>, batch: &mut Vec<Wanted>) -> Option<(u64, bool)> {
        batch.clear();
        let mut state = lock(&self.state);
        while state.taken - state.done >= self.ahead {
            if control.stopped() || state.failure.is_some() {
                return None;
            }
            let waited = self.news.wait_timeout(state, TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if control.stopped() || state.failure.is_some() {
            return None;
        }
        let state = &mut *state;
        let mut bytes = 0;
        while batch.len() < BATCH_FILES && bytes < BATCH_BYTES {
            let Some((node, index)) = state.leaves.next() else {
                break;
            };
            let item = self.scan.nodes[node as usize].item(index);
            if !item.kind().is_file() {
                continue;
            }
            let ordinal = state.ordinal;
            state.ordinal += 1;
            let digest = match state.known.rows[ordinal] {
                _ if !is_packed(item.size) => continue,
                NO_ROW => None,
                _ if self.aim == Aim::Hash => continue,
                row if state.known.contents.place(row).is_some() => {
                    control.file_done();
                    continue;
                }
                row => Some(*state.known.contents.digest(row)),
            };
            bytes += item.size;
            batch.push(Wanted {
                node,
                item: index,
                ordinal,
                digest,
            });
        }
        if batch.is_empty() {
            return None;
        }
        let number = state.taken;
        state.taken += 1;
        Some((number, !state.refusal.is_empty()))
    }

    /// Pack what was read and is next. The thread that fills a pack writes it, while others go on.
    fn put_in_order(&self, control: &Control<'_>) {
        let mut full = Vec::new();
        loop {
            let mut state = lock(&self.state);
            while full.is_empty() {
                let done = state.done;
                let Some(read) = state.ready.remove(&done) else {
                    break;
                };
                self.put(&mut state, &read, &mut full);
                state.done += 1;
            }
            drop(state);
            self.news.notify_all();
            if full.is_empty() || control.stopped() {
                return;
            }
            for pack in full.drain(..) {
                let written = self.staging.write_pack(&pack.bytes);
                let mut state = lock(&self.state);
                match written {
                    Ok(object) => state.known.filler.written(pack, object),
                    Err(error) => drop(state.failure.get_or_insert(error)),
                }
            }
        }
    }

    fn put(&self, state: &mut State<'_>, read: &Read, full: &mut Vec<FullPack>) {
        let known = &mut state.known;
        for file in &read.files {
            let (row, _) = known.contents.insert(&file.digest);
            known.rows[file.ordinal] = row;
            if self.aim == Aim::Pack && known.contents.place(row).is_none() {
                let bytes = &read.bytes[file.start..file.start + file.size];
                let packs = known
                    .filler
                    .push(&mut known.contents, row, &file.digest, bytes);
                full.extend(packs.into_iter().flatten());
            }
        }
    }
}

/// Reads batches of files, one thread's.
struct BatchReader<'s> {
    scan: &'s Scan,
    /// The folder of the last file.
    folder: Option<(u32, Folder)>,
    buffer: Vec<u8>,
}

type Refused = Vec<(Reason, String)>;

impl<'s> BatchReader<'s> {
    fn new(scan: &'s Scan) -> Self {
        Self {
            scan,
            folder: None,
            buffer: Vec::new(),
        }
    }

    /// Read a batch; with `keep` the bytes are kept, with `check_only` files are only opened.
    fn read(
        &mut self,
        batch: &[Wanted],
        keep: bool,
        check_only: bool,
        control: &Control<'_>,
    ) -> (Read, Refused) {
        let mut read = Read::default();
        let mut refused = Vec::new();
        if keep {
            let items = batch.iter().map(|file| self.item(file).size as usize + 1);
            read.bytes.reserve_exact(items.sum());
        }
        for file in batch {
            if control.stopped() {
                break;
            }
            let start = if keep { read.bytes.len() } else { 0 };
            let found = self.read_file(file, check_only, start, keep.then_some(&mut read.bytes));
            control.file_done();
            match found {
                Ok(None) => {}
                Ok(Some(digest)) => {
                    let size = self.item(file).size as usize;
                    control.add_bytes(size as u64);
                    read.files.push(Done {
                        ordinal: file.ordinal,
                        digest,
                        start,
                        size,
                    });
                }
                Err(reason) => {
                    read.bytes.truncate(start);
                    let node = &self.scan.nodes[file.node as usize];
                    let mut path = String::new();
                    node.write_path(node.item(file.item), &mut path);
                    refused.push((reason, path));
                }
            }
        }
        (read, refused)
    }

    fn item(&self, file: &Wanted) -> &'s Item {
        self.scan.nodes[file.node as usize].item(file.item)
    }

    fn read_file(
        &mut self,
        wanted: &Wanted,
        check_only: bool,
        start: usize,
        kept: Option<&mut Vec<u8>>,
    ) -> std::result::Result<Option<Digest>, Reason> {
        let item = self.item(wanted);
        let file = self.open(wanted).map_err(|error| reason(&error))?;
        if check_only {
            return Ok(None);
        }
        let size = item.size as usize;
        let buffer = kept.unwrap_or(&mut self.buffer);
        // Room for one byte more than there should be: growth is seen without a read of its own.
        buffer.resize(start + size + 1, 0);
        let room = &mut buffer[start..];
        let found = sys::read_at(&file, room, 0, size).map_err(|error| reason(&error))?;
        let stat = Status::of(&file).map_err(|error| reason(&error))?.stat;
        buffer.truncate(start + size);
        if found != size || !item.is_same(&stat) {
            return Err(Reason::Changed);
        }
        let digest = *blake3::hash(&buffer[start..]).as_bytes();
        if wanted.digest.is_some_and(|expected| expected != digest) {
            return Err(Reason::Changed);
        }
        Ok(Some(digest))
    }

    fn open(&mut self, wanted: &Wanted) -> io::Result<File> {
        let node = &self.scan.nodes[wanted.node as usize];
        let item = node.item(wanted.item);
        let name = Path::new(node.name(item));
        if item.is_followed() {
            let path = self.scan.folder(wanted.node).join(name);
            let (file, _) = sys::open_regular(&path).map_err(|error| match error {
                crate::error::Error::Io { source, .. } => source,
                _ => io::ErrorKind::NotFound.into(),
            })?;
            return Ok(file);
        }
        if self
            .folder
            .as_ref()
            .is_none_or(|(node, _)| *node != wanted.node)
        {
            self.folder = Some((wanted.node, Folder::open(&self.scan.folder(wanted.node))?));
        }
        match &self.folder {
            Some((_, folder)) => folder.file(name),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Why a file that was there before cannot be read.
fn reason(error: &io::Error) -> Reason {
    let link = rustix::io::Errno::LOOP.raw_os_error();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Reason::Changed,
        _ if error.raw_os_error() == Some(link) => Reason::Changed,
        _ => Reason::Unreadable,
    }
}
