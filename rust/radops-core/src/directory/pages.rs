//! Pages that were read, kept in a bounded part of the memory.

use crate::tree::{Entries, LayoutPage};
use std::collections::HashMap;
use std::sync::Arc;

/// Memory for pages that were read: those of 100,000 files. Readers of millions of files look at
/// paths in order, and each worker of a training has this much.
const PAGE_MEMORY: usize = 8 << 20;

/// Pages in memory, by number; the least recently used go first.
#[derive(Default)]
pub(super) struct Pages {
    entries: HashMap<usize, (Arc<Entries>, u64)>,
    layouts: HashMap<usize, (Arc<LayoutPage>, u64)>,
    memory: usize,
    clock: u64,
}

impl Pages {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub fn entries(&mut self, index: usize) -> Option<Arc<Entries>> {
        let clock = self.tick();
        let (found, used) = self.entries.get_mut(&index)?;
        *used = clock;
        Some(Arc::clone(found))
    }

    pub fn layout(&mut self, index: usize) -> Option<Arc<LayoutPage>> {
        let clock = self.tick();
        let (found, used) = self.layouts.get_mut(&index)?;
        *used = clock;
        Some(Arc::clone(found))
    }

    pub fn keep_entries(&mut self, index: usize, page: &Arc<Entries>) {
        self.make_room(page.memory());
        let clock = self.tick();
        if self
            .entries
            .insert(index, (Arc::clone(page), clock))
            .is_none()
        {
            self.memory += page.memory();
        }
    }

    pub fn keep_layout(&mut self, index: usize, page: &Arc<LayoutPage>) {
        self.make_room(page.memory());
        let clock = self.tick();
        if self
            .layouts
            .insert(index, (Arc::clone(page), clock))
            .is_none()
        {
            self.memory += page.memory();
        }
    }

    /// Forget pages until so many bytes more fit. There are some hundreds of them, so a search
    /// for the oldest costs less than reading a page.
    fn make_room(&mut self, bytes: usize) {
        while self.memory + bytes > PAGE_MEMORY {
            let entries = self
                .entries
                .iter()
                .map(|(index, (_, used))| (*used, *index, true));
            let layouts = self
                .layouts
                .iter()
                .map(|(index, (_, used))| (*used, *index, false));
            let Some((_, index, is_entries)) = entries.chain(layouts).min() else {
                return;
            };
            let freed = match is_entries {
                true => self.entries.remove(&index).map(|(page, _)| page.memory()),
                false => self.layouts.remove(&index).map(|(page, _)| page.memory()),
            };
            self.memory -= freed.unwrap_or(0);
        }
    }
}
