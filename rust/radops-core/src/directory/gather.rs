//! Files of packs that are not here, cut out of spans that were fetched and laid end to end.
//!
//! For readers of very many small files: one span has thousands, and nothing is done for each of
//! them but to hash it.

use crate::outline::Digest;
use std::collections::HashMap;

/// Some files, by number: as arrays, which are short where there are files in no pack.
pub struct Files<'a> {
    /// For each the number of its pack, or [`super::NO_PACK`].
    pub pack_of: Vec<u32>,
    /// Where in that it begins.
    pub offsets: Vec<u32>,
    /// Its bytes.
    pub sizes: Vec<u64>,
    /// One after the other.
    pub digests: &'a [u8],
}

/// Bytes of a pack that come by one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of the pack.
    pub pack: u32,
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// Files that were laid end to end, if all of them are there.
pub struct Joined {
    /// Where each begins and where the last ends, 8 bytes each (little-endian), then their bytes.
    pub bytes: Vec<u8>,
    /// The numbers of files that are in no span, or whose bytes there are wrong.
    pub missing: Vec<usize>,
}

const NUMBER: usize = size_of::<u64>();
const DIGEST: usize = blake3::OUT_LEN;

impl Files<'_> {
    /// Whether all arrays are about the same number of files.
    #[must_use]
    pub fn agree(&self) -> bool {
        let count = self.sizes.len();
        self.pack_of.len() == count
            && self.offsets.len() == count
            && self.digests.len() == count * DIGEST
    }

    fn start(&self, number: usize) -> u64 {
        u64::from(self.offsets[number])
    }

    fn digest(&self, number: usize) -> Digest {
        let bytes = &self.digests[number * DIGEST..(number + 1) * DIGEST];
        bytes.try_into().unwrap_or([0; DIGEST])
    }

    /// What to fetch of packs that are `absent`: spans of at most `most` bytes, or one file, with
    /// at most `gap` bytes between two files that are fetched and dropped.
    #[must_use]
    pub fn spans(&self, absent: &[bool], gap: u64, most: u64) -> Vec<Span> {
        let is_wanted = |number: &usize| {
            self.sizes[*number] > 0
                && usize::try_from(self.pack_of[*number])
                    .is_ok_and(|pack| absent.get(pack) == Some(&true))
        };
        let mut wanted: Vec<usize> = (0..self.sizes.len()).filter(is_wanted).collect();
        wanted.sort_unstable_by_key(|number| (self.pack_of[*number], self.offsets[*number]));
        let mut spans: Vec<Span> = Vec::new();
        for number in wanted {
            let (pack, start) = (self.pack_of[number], self.start(number));
            let end = start.saturating_add(self.sizes[number]);
            match spans.last_mut() {
                Some(last)
                    if last.pack == pack
                        && start <= last.end.saturating_add(gap)
                        && end.max(last.end) - last.start <= most =>
                {
                    last.end = last.end.max(end);
                }
                _ => spans.push(Span { pack, start, end }),
            }
        }
        spans
    }

    /// Lay the files end to end, each hashed.
    ///
    /// `spans` are the bytes that were fetched: pack, first byte, and the bytes, sorted. `others`
    /// are files that came another way.
    #[must_use]
    pub fn join(&self, spans: &[(u32, u64, &[u8])], others: &HashMap<usize, &[u8]>) -> Joined {
        let count = self.sizes.len();
        let mut missing = Vec::new();
        let mut found = Vec::with_capacity(count);
        for number in 0..count {
            let data = others
                .get(&number)
                .copied()
                .or_else(|| self.cut(number, spans))
                .filter(|data| {
                    data.len() as u64 == self.sizes[number]
                        && blake3::hash(data) == self.digest(number)
                });
            match data {
                Some(data) => found.push(data),
                None => missing.push(number),
            }
        }
        let mut bytes = Vec::new();
        if missing.is_empty() {
            let mut at = NUMBER * (count + 1);
            bytes.reserve_exact(at + found.iter().map(|data| data.len()).sum::<usize>());
            bytes.extend((at as u64).to_le_bytes());
            for data in &found {
                at += data.len();
                bytes.extend((at as u64).to_le_bytes());
            }
            found.iter().for_each(|data| bytes.extend_from_slice(data));
        }
        Joined { bytes, missing }
    }

    fn cut<'s>(&self, number: usize, spans: &[(u32, u64, &'s [u8])]) -> Option<&'s [u8]> {
        if self.sizes[number] == 0 {
            return Some(&[]);
        }
        let (pack, start) = (self.pack_of[number], self.start(number));
        let after = spans.partition_point(|span| (span.0, span.1) <= (pack, start));
        let (_, first, data) = spans[..after].last().filter(|span| span.0 == pack)?;
        let start = usize::try_from(start - first).ok()?;
        let end = start.checked_add(usize::try_from(self.sizes[number]).ok()?)?;
        data.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NO_PACK;
    use proptest::prelude::*;

    fn digests(contents: &[&[u8]]) -> Vec<u8> {
        let hashes = contents.iter().map(|data| *blake3::hash(data).as_bytes());
        hashes.flatten().collect()
    }

    fn files<'a>(places: &[(u32, u32, u64)], digests: &'a [u8]) -> Files<'a> {
        Files {
            pack_of: places.iter().map(|place| place.0).collect(),
            offsets: places.iter().map(|place| place.1).collect(),
            sizes: places.iter().map(|place| place.2).collect(),
            digests,
        }
    }

    #[test]
    fn what_is_close_together_is_one_span() {
        let places = [
            (0, 90, 10),
            (0, 0, 10),
            (0, 12, 8),
            (1, 0, 5),
            (2, 0, 9),
            (0, 20, 0),
        ];
        let places = [&places[..], &[(NO_PACK, 0, 7)]].concat();
        let found = files(&places, &[]).spans(&[true, true, false], 5, 1000);
        let expected = [(0, 0, 20), (0, 90, 100), (1, 0, 5)];
        let plain: Vec<_> = found
            .iter()
            .map(|one| (one.pack, one.start, one.end))
            .collect();
        assert_eq!(plain, expected);
        assert_eq!(files(&places, &[]).spans(&[true], 5, 15).len(), 3);
        assert_eq!(files(&places, &[]).spans(&[true], 70, 1000).len(), 1);
    }

    #[test]
    fn files_are_laid_end_to_end() {
        let contents: [&[u8]; 4] = [b"three", b"", b"one", b"loose"];
        let digests = digests(&contents);
        let places = [(7, 13, 5), (7, 13, 0), (7, 10, 3), (NO_PACK, 0, 5)];
        let files = files(&places, &digests);
        assert!(files.agree());
        let others = HashMap::from([(3, &b"loose"[..])]);
        let joined = files.join(&[(7, 10, b"onethree")], &others);
        assert!(joined.missing.is_empty());
        let numbers: Vec<u64> = joined.bytes[..40]
            .chunks(8)
            .map(|one| u64::from_le_bytes(one.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [40, 45, 45, 48, 53]);
        assert_eq!(&joined.bytes[40..], b"threeoneloose");
    }

    #[test]
    fn what_is_wrong_cut_or_not_there_is_named() {
        let contents: [&[u8]; 4] = [b"right", b"wrong", b"cut", b"loose"];
        let digests = digests(&contents);
        let places = [(0, 0, 5), (0, 5, 5), (0, 10, 3), (NO_PACK, 0, 5)];
        let files = files(&places, &digests);
        let joined = files.join(&[(0, 0, b"rightWrongcu")], &HashMap::new());
        assert_eq!(joined.missing, [1, 2, 3]);
        assert!(joined.bytes.is_empty());
        let others = HashMap::from([(1, &b"longer"[..]), (2, &b"cut"[..]), (3, &b"loosE"[..])]);
        assert_eq!(
            files.join(&[(0, 0, b"rightWrongcu")], &others).missing,
            [1, 3]
        );
        assert_eq!(files.join(&[], &others).missing, [0, 1, 3]);
    }

    proptest! {
        #[test]
        fn what_was_cut_into_spans_is_all_there(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..30),
            gaps in prop::collection::vec(0_u32..60, 30),
            most in 1_u64..200,
        ) {
            let mut packs = [Vec::new(), Vec::new()];
            let mut places = Vec::new();
            for (number, data) in contents.iter().enumerate() {
                let pack = &mut packs[number % 2];
                pack.resize(pack.len() + gaps[number] as usize, 0);
                places.push((number as u32 % 2, pack.len() as u32, data.len() as u64));
                pack.extend_from_slice(data);
            }
            places.reverse();
            let reversed: Vec<&[u8]> = contents.iter().rev().map(Vec::as_slice).collect();
            let digests = digests(&reversed);
            let files = files(&places, &digests);
            let spans = files.spans(&[true, true], 20, most);
            let fetched: Vec<_> = spans
                .iter()
                .map(|one| {
                    let data = &packs[one.pack as usize][one.start as usize..one.end as usize];
                    (one.pack, one.start, data)
                })
                .collect();
            let joined = files.join(&fetched, &HashMap::new());
            prop_assert!(joined.missing.is_empty());
            prop_assert_eq!(&joined.bytes[8 * (contents.len() + 1)..], reversed.concat());
        }
    }
}
