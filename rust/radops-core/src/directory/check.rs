//! Checks a whole directory, entry by entry.

use super::error::Result;
use super::reader::Directory;
use crate::tree::{Ancestors, Entries, FormatError, PageBuilder, RootBody, page_start};

/// See [`Directory::check`].
pub(super) fn check(directory: &Directory) -> Result<u64> {
    let mut checker = Checker::default();
    for page in 0..directory.root().page_count() {
        let start = match &directory.root().body {
            RootBody::Pages(pages) => pages[page].start.as_slice(),
            RootBody::Inline(_) => &[],
        };
        checker.page(&*directory.entries(page)?, start)?;
        directory.places(page)?;
    }
    Ok(checker.entries)
}

#[derive(Default)]
struct Checker {
    ancestors: Ancestors,
    /// Cuts the entries again.
    builder: PageBuilder,
    /// Path of the last entry.
    last: String,
    entries: u64,
}

impl Checker {
    fn page(&mut self, entries: &Entries, start: &[u8]) -> std::result::Result<(), FormatError> {
        let corrupt = |why: &str| Err(FormatError::corrupt("directory", why));
        for (index, entry) in entries.iter().enumerate() {
            if let Err(why) = self.ancestors.push(entry.path) {
                return corrupt(why);
            }
            let first_of_later_page = index == 0 && self.entries > 0;
            if first_of_later_page && page_start(&self.last, entry.path) != start {
                return corrupt("a page whose start is not the shortest");
            }
            let was_open = !self.builder.is_empty();
            let [before, after] = self.builder.push(&entry);
            let ends_before = first_of_later_page && was_open;
            if before.is_some() != ends_before || (after.is_some() && index + 1 < entries.len()) {
                return corrupt("a page that is cut in another place");
            }
            self.entries += 1;
            self.last.clear();
            self.last.push_str(entry.path);
        }
        Ok(())
    }
}
