//! Makes a directory of files whose bytes come one by one, in the order of their paths: what a
//! bucket holds, say. Of the bytes only those of the pack being filled are in memory.

use super::contents::{Contents, NO_ROW, Row};
use super::error::Result;
use super::pack::{Filler, FullPack};
use super::staging::{Staged, Staging};
use crate::outline::Digest;
use crate::tree::{
    Ancestors, Entry, FormatError, Kind, Object, Tree, TreeBuilder, check_path, is_packed,
};
use std::path::Path;

/// A pack of an earlier stream that was interrupted: the object, and its files in their order.
pub type KnownPack = (Object, Vec<Object>);

/// A directory that is being made.
pub struct Stream {
    staging: Staging,
    contents: Contents,
    filler: Filler,
    ancestors: Ancestors,
    /// The paths, one after the other: ten million of them would cost as much again as single strings.
    paths: String,
    pushed: Vec<Pushed>,
}

struct Pushed {
    size: u64,
    /// `NO_ROW` for an empty file.
    row: Row,
    path_length: u16,
    kind: Kind,
}

/// The outcome for a file.
#[derive(Debug)]
pub struct Taken {
    /// Of its bytes.
    pub digest: Digest,
    /// A pack that was full before this file.
    pub before: Option<Staged>,
    /// A pack that is full with this file.
    pub after: Option<Staged>,
}

impl Stream {
    /// Begin a directory.
    ///
    /// # Arguments
    ///
    /// `stem` is what the paths of temporary files begin with; files whose content is in one of
    /// `packs` are not packed again.
    pub fn new(stem: &Path, packs: &[KnownPack]) -> Self {
        let mut contents = Contents::default();
        for (number, (_, files)) in (0..).zip(packs) {
            let mut offset = 0_u64;
            for file in files {
                let (row, _) = contents.insert(&file.digest);
                if contents.place(row).is_none() {
                    contents.put(row, number, offset as u32);
                }
                offset += file.size;
            }
        }
        let packs = packs.iter().map(|(object, _)| *object).collect();
        Self {
            staging: Staging::new(stem),
            contents,
            filler: Filler::new(packs),
            ancestors: Ancestors::default(),
            paths: String::new(),
            pushed: Vec::new(),
        }
    }

    /// Add the next file, of at most 4 MiB.
    ///
    /// # Errors
    ///
    /// Its path cannot be in a directory or does not come after the last one, it is too large, or
    /// the disk is full.
    pub fn push(&mut self, path: &str, bytes: &[u8]) -> Result<Taken> {
        let size = bytes.len() as u64;
        if size > 0 && !is_packed(size) {
            return Err(FormatError::corrupt("file", "it is too large for a pack").into());
        }
        self.check(path)?;
        let digest = *blake3::hash(bytes).as_bytes();
        let mut taken = Taken {
            digest,
            before: None,
            after: None,
        };
        let mut row = NO_ROW;
        if size > 0 {
            (row, _) = self.contents.insert(&digest);
            if self.contents.place(row).is_none() {
                let packs = self.filler.push(&mut self.contents, row, &digest, bytes);
                let [before, after] = packs;
                taken.before = before.map(|pack| self.write(pack)).transpose()?.flatten();
                taken.after = after.map(|pack| self.write(pack)).transpose()?.flatten();
            }
        }
        self.keep(path, Kind::File, size, row);
        Ok(taken)
    }

    /// Add the next file without its bytes: an object of its own, or a content that has a place.
    /// Gives false, and adds nothing, if its bytes are needed.
    ///
    /// # Errors
    ///
    /// As [`Stream::push`].
    pub fn push_known(&mut self, path: &str, object: &Object) -> Result<bool> {
        let mut row = NO_ROW;
        if is_packed(object.size) {
            let found = self.contents.find(&object.digest);
            let found = found.filter(|row| self.contents.place(*row).is_some());
            let Some(found) = found else {
                return Ok(false);
            };
            row = found;
        } else if object.size > 0 {
            (row, _) = self.contents.insert(&object.digest);
        }
        self.check(path)?;
        self.keep(path, Kind::File, object.size, row);
        Ok(true)
    }

    /// Add the next entry, an empty folder.
    ///
    /// # Errors
    ///
    /// As [`Stream::push`].
    pub fn push_folder(&mut self, path: &str) -> Result<()> {
        self.check(path)?;
        self.keep(path, Kind::Folder, 0, NO_ROW);
        Ok(())
    }

    /// End the last pack: all files came. Gives the pack, unless nothing is in it.
    ///
    /// # Errors
    ///
    /// The disk is full.
    pub fn close(&mut self) -> Result<Option<Staged>> {
        let last = self.filler.close();
        Ok(last.map(|pack| self.write(pack)).transpose()?.flatten())
    }

    /// Make pages, root and layout, after `close`. Gives the directory, these new files in the
    /// order of a commit, and the packs that it uses.
    ///
    /// # Errors
    ///
    /// The root or the layout would be too large, or the disk is full.
    pub fn finish(self) -> Result<(Tree, Vec<Staged>, Vec<Object>)> {
        let mut sink = &self.staging;
        let mut builder = TreeBuilder::new(&mut sink);
        let empty = *blake3::hash(b"").as_bytes();
        let mut packs = Vec::new();
        let mut paths = self.paths.as_str();
        for one in &self.pushed {
            let path;
            (path, paths) = paths.split_at(usize::from(one.path_length));
            if one.kind == Kind::Folder {
                builder.push(&Entry::folder(path), None)?;
                continue;
            }
            let digest = match one.row {
                NO_ROW => empty,
                row => *self.contents.digest(row),
            };
            let place = if is_packed(one.size) {
                let found = self.contents.place(one.row);
                found.and_then(|(number, offset)| Some((self.filler.object(number)?, offset)))
            } else {
                None
            };
            packs.extend(place.map(|(pack, _)| pack));
            if packs.len() > 1 << 20 {
                packs.sort_unstable();
                packs.dedup();
            }
            let entry = Entry {
                path,
                kind: one.kind,
                size: one.size,
                digest,
                target: "",
            };
            builder.push(&entry, place)?;
        }
        let tree = builder.finish()?;
        packs.sort_unstable();
        packs.dedup();
        Ok((tree, self.staging.take(), packs))
    }

    fn check(&mut self, path: &str) -> Result<()> {
        let broken = |what: String| FormatError::corrupt("path", what);
        check_path(path).map_err(|error| broken(error.to_string()))?;
        let order = self.ancestors.push(path);
        order.map_err(|error| broken(error.to_owned()))?;
        Ok(())
    }

    fn keep(&mut self, path: &str, kind: Kind, size: u64, row: Row) {
        self.paths.push_str(path);
        self.pushed.push(Pushed {
            size,
            row,
            path_length: path.len() as u16, // `check` allows far less
            kind,
        });
    }

    fn write(&mut self, pack: FullPack) -> Result<Option<Staged>> {
        let object = self.staging.write_pack(&pack.bytes)?;
        self.filler.written(pack, object);
        // The caller has each pack before the next is written.
        Ok(self.staging.take().pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Trailer;

    fn content(number: u32) -> Vec<u8> {
        // Between 100 and 300 kB, so that some packs end before a file and some after it.
        let size = 100_000 + (number as usize * 7919) % 200_000;
        (0_u32..).map(|at| (at ^ number) as u8).take(size).collect()
    }

    fn run(stem: &Path, packs: &[KnownPack], files: u32) -> (Tree, Vec<Object>, Vec<KnownPack>) {
        let mut stream = Stream::new(stem, packs);
        let mut closed = Vec::new();
        let mut read = |staged: Staged| {
            let bytes = std::fs::read(&staged.path).expect("a pack");
            let trailer = Trailer::of_pack(&bytes).expect("a trailer");
            let files = trailer.files.iter().map(|file| Object {
                digest: file.digest,
                size: u64::from(file.size),
            });
            closed.push((staged.object, files.collect()));
        };
        for number in 0..files {
            let bytes = content(number);
            let path = format!("{number:04}");
            if stream
                .push_known(&path, &Object::of(&bytes))
                .expect("known")
            {
                continue;
            }
            let taken = stream.push(&path, &bytes).expect("a file");
            taken
                .before
                .into_iter()
                .chain(taken.after)
                .for_each(&mut read);
        }
        stream
            .close()
            .expect("the last")
            .into_iter()
            .for_each(&mut read);
        let (tree, _, used) = stream.finish().expect("a tree");
        (tree, used, closed)
    }

    #[test]
    fn what_was_packed_before_an_interruption_is_used_and_gives_the_same_packs() {
        let folder = tempfile::tempdir().expect("a folder");
        let (tree, used, packs) = run(&folder.path().join("a"), &[], 300);
        assert!(packs.len() > 3);
        assert_eq!(used.len(), packs.len());
        let (again, same, rest) = run(&folder.path().join("b"), &packs[..2], 300);
        assert_eq!(again, tree);
        assert_eq!(same, used);
        assert_eq!(rest, packs[2..]);
    }

    #[test]
    fn paths_that_no_directory_can_have_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut stream = Stream::new(&folder.path().join("a"), &[]);
        stream.push("b", b"1").expect("a file");
        for path in ["", "..", "a", "b", "b/c", "c//d", "/c"] {
            assert!(stream.push(path, b"2").is_err(), "{path}");
        }
        stream.push_folder("c").expect("a folder");
    }
}
