//! The folders of a scan, each with its items. A folder of a million files is one block of names
//! and one of items.

use crate::sys::Stat;
use crate::tree::Kind;

/// A folder within the scan.
pub(super) struct Node {
    /// Relative to the top; empty for the top.
    pub path: Box<str>,
    /// Names of the items, and targets of links.
    text: Box<str>,
    pub items: Box<[Item]>,
    /// As it was before it was listed.
    pub stat: Stat,
}

/// Something in a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    name_start: u32,
    target_length: u16,
    name_length: u8,
    kind: ItemKind,
    /// Bytes of a file; the number of a subfolder's node.
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub inode: u64,
}

/// What an item is, and whether a link was followed to reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    File,
    Executable,
    Link,
    Folder,
    /// A file that a link points to.
    FollowedFile,
    FollowedExecutable,
    FollowedFolder,
}

impl Item {
    pub fn is_folder(&self) -> bool {
        matches!(self.kind, ItemKind::Folder | ItemKind::FollowedFolder)
    }

    /// Whether it was reached through a link.
    pub fn is_followed(&self) -> bool {
        matches!(
            self.kind,
            ItemKind::FollowedFile | ItemKind::FollowedExecutable | ItemKind::FollowedFolder
        )
    }

    pub fn kind(&self) -> Kind {
        match self.kind {
            ItemKind::File | ItemKind::FollowedFile => Kind::File,
            ItemKind::Executable | ItemKind::FollowedExecutable => Kind::Executable,
            ItemKind::Link => Kind::Link,
            ItemKind::Folder | ItemKind::FollowedFolder => Kind::Folder,
        }
    }

    /// Whether a file's stat is still the one of the scan.
    pub fn is_same(&self, stat: &Stat) -> bool {
        (self.size, self.mtime_ns, self.ctime_ns, self.inode)
            == (
                stat.size,
                short(stat.mtime_ns()),
                short(stat.ctime_ns()),
                stat.inode,
            )
    }
}

/// Nanoseconds in 64 bits. Values that wrap are centuries away, and times are only compared.
fn short(nanoseconds: i128) -> i64 {
    nanoseconds as i64
}

/// A node while its folder is listed.
#[derive(Default)]
pub(super) struct NodeBuilder {
    text: String,
    items: Vec<Item>,
}

impl NodeBuilder {
    /// Add an item; `target` is empty for all but links.
    pub fn add(&mut self, name: &str, kind: ItemKind, stat: &Stat, target: &str) {
        self.items.push(Item {
            name_start: self.text.len() as u32,
            target_length: target.len() as u16,
            name_length: name.len() as u8,
            kind,
            size: stat.size,
            mtime_ns: short(stat.mtime_ns()),
            ctime_ns: short(stat.ctime_ns()),
            inode: stat.inode,
        });
        self.text.push_str(name);
        self.text.push_str(target);
    }

    /// The node, with its items in the order of their paths if no subfolder is empty.
    pub fn build(mut self, path: &str, stat: Stat) -> Node {
        sort(&self.text, &mut self.items, Item::is_folder);
        Node {
            path: path.into(),
            text: self.text.into(),
            items: self.items.into(),
            stat,
        }
    }
}

impl Node {
    /// Sort the items again, now that it is known which subfolders have entries.
    pub fn sort(&mut self, has_entries: impl Fn(&Item) -> bool) {
        sort(&self.text, &mut self.items, has_entries);
    }

    pub fn item(&self, index: u32) -> &Item {
        &self.items[index as usize]
    }

    pub fn name(&self, item: &Item) -> &str {
        let start = item.name_start as usize;
        &self.text[start..start + usize::from(item.name_length)]
    }

    pub fn target(&self, item: &Item) -> &str {
        let start = item.name_start as usize + usize::from(item.name_length);
        &self.text[start..start + usize::from(item.target_length)]
    }

    /// Write an item's path into `path`.
    pub fn write_path(&self, item: &Item, path: &mut String) {
        path.clear();
        path.push_str(&self.path);
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(self.name(item));
    }
}

/// Sort the items of a folder in the order of whole paths, in which the name of a folder with
/// entries below it is followed by a slash.
fn sort(text: &str, items: &mut [Item], has_entries: impl Fn(&Item) -> bool) {
    let key = |item: &Item| {
        let start = item.name_start as usize;
        let name = &text.as_bytes()[start..start + usize::from(item.name_length)];
        (name, has_entries(item))
    };
    items.sort_unstable_by(|left, right| compare(key(left), key(right)));
}

/// Compare names, of which those of folders have a slash behind.
fn compare(left: (&[u8], bool), right: (&[u8], bool)) -> std::cmp::Ordering {
    let common = left.0.len().min(right.0.len());
    let next = |(name, folder): (&[u8], bool)| {
        let byte = name.get(common).copied().map(u16::from);
        // After its last byte a file's name ends, which sorts before everything.
        byte.map_or(if folder { u16::from(b'/') + 1 } else { 0 }, |byte| {
            byte + 1
        })
    };
    left.0[..common]
        .cmp(&right.0[..common])
        .then_with(|| next(left).cmp(&next(right)))
        .then_with(|| left.0.len().cmp(&right.0.len()))
}
