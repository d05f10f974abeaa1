//! Blocks, outlines and streams against the official vectors and the crate's plain interface.

mod common;

use common::{MIB, border_sizes, bytes, digest};
use proptest::prelude::*;
use radops_core::error::OutlineError;
use radops_core::outline::{
    BLOCK_SIZE, StreamHasher, block_count, block_length, block_values, merge_outline,
};

/// The inputs of BLAKE3's official test vectors, with what `b3sum` prints for them.
const VECTORS: [(usize, &str); 35] = [
    (
        0,
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    ),
    (
        1,
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    ),
    (
        2,
        "7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63",
    ),
    (
        3,
        "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f",
    ),
    (
        4,
        "f30f5ab28fe047904037f77b6da4fea1e27241c5d132638d8bedce9d40494f32",
    ),
    (
        5,
        "b40b44dfd97e7a84a996a91af8b85188c66c126940ba7aad2e7ae6b385402aa2",
    ),
    (
        6,
        "06c4e8ffb6872fad96f9aaca5eee1553eb62aed0ad7198cef42e87f6a616c844",
    ),
    (
        7,
        "3f8770f387faad08faa9d8414e9f449ac68e6ff0417f673f602a646a891419fe",
    ),
    (
        8,
        "2351207d04fc16ade43ccab08600939c7c1fa70a5c0aaca76063d04c3228eaeb",
    ),
    (
        63,
        "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b",
    ),
    (
        64,
        "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98",
    ),
    (
        65,
        "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee",
    ),
    (
        127,
        "d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d",
    ),
    (
        128,
        "f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef",
    ),
    (
        129,
        "683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12",
    ),
    (
        1023,
        "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
    ),
    (
        1024,
        "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    ),
    (
        1025,
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    ),
    (
        2048,
        "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    ),
    (
        2049,
        "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
    ),
    (
        3072,
        "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
    ),
    (
        3073,
        "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
    ),
    (
        4096,
        "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
    ),
    (
        4097,
        "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995",
    ),
    (
        5120,
        "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833",
    ),
    (
        5121,
        "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff",
    ),
    (
        6144,
        "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205",
    ),
    (
        6145,
        "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f",
    ),
    (
        7168,
        "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a",
    ),
    (
        7169,
        "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817",
    ),
    (
        8192,
        "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63",
    ),
    (
        8193,
        "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
    ),
    (
        16384,
        "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4",
    ),
    (
        31744,
        "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
    ),
    (
        102400,
        "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
    ),
];

fn streamed(data: &[u8], pieces: usize) -> ([u8; 32], Vec<u8>) {
    let mut hasher = StreamHasher::default();
    data.chunks(pieces).for_each(|piece| hasher.update(piece));
    assert_eq!(hasher.size(), data.len() as u64);
    hasher.finalize()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn official_vectors() {
    for (size, expected) in VECTORS {
        let (digest, outline) = streamed(&bytes(size), MIB);
        assert_eq!(hex(&digest), expected, "{size} bytes");
        assert!(outline.is_empty());
    }
}

#[test]
fn streams_of_every_border_size() {
    for size in border_sizes() {
        let data = bytes(size);
        for pieces in [997, 64 << 10, MIB - 1, MIB, 3 * MIB + 1] {
            let (found, outline) = streamed(&data, pieces);
            assert_eq!(found, digest(&data), "{size} bytes by {pieces}");
            if size > MIB {
                assert_eq!(outline, block_values(&data, 0).unwrap());
                assert_eq!(merge_outline(&outline, size as u64).unwrap(), found);
            } else {
                assert!(outline.is_empty());
            }
        }
    }
}

#[test]
fn a_stream_can_be_finalized_at_any_point() {
    let data = bytes(3 * MIB + 5);
    let mut hasher = StreamHasher::default();
    let mut done = 0;
    for piece in [0, 1, MIB - 1, 1, MIB - 1, MIB, 5] {
        hasher.update(&data[done..done + piece]);
        done += piece;
        let (found, outline) = hasher.finalize();
        assert_eq!(found, digest(&data[..done]), "{done} bytes");
        assert_eq!(
            outline.len(),
            if done > MIB {
                done.div_ceil(MIB) * 32
            } else {
                0
            }
        );
    }
}

#[test]
fn values_do_not_depend_on_where_the_buffer_starts() {
    let data = bytes(6 * MIB + 17);
    let all = block_values(&data, 0).unwrap();
    for first in 0..=6 {
        for blocks in 1..=3 {
            let end = data.len().min((first + blocks) * MIB);
            let values = block_values(&data[first * MIB..end], first as u64).unwrap();
            assert_eq!(values, all[first * 32..end.div_ceil(MIB) * 32]);
        }
    }
    assert!(block_values(&[], 3).unwrap().is_empty());
}

#[test]
fn values_past_the_end_of_all_sizes_are_refused() {
    let last = (u64::MAX >> 20) + 1;
    assert!(block_values(&[1], last - 1).is_ok());
    assert!(matches!(
        block_values(&[1], last),
        Err(OutlineError::Range { .. })
    ));
    assert!(matches!(
        block_values(&[1], u64::MAX),
        Err(OutlineError::Range { .. })
    ));
}

#[test]
fn an_outline_must_have_the_length_that_the_size_asks_for() {
    let one_block = |size| matches!(merge_outline(&[], size), Err(OutlineError::OneBlock { .. }));
    assert!(one_block(0) && one_block(1) && one_block(BLOCK_SIZE));
    for length in [0, 1, 32, 63, 65, 96, 64 << 10] {
        for size in [BLOCK_SIZE + 1, 2 * BLOCK_SIZE] {
            let error = merge_outline(&vec![0; length], size).unwrap_err();
            assert!(matches!(error, OutlineError::Length { expected: 64, .. }));
        }
    }
    assert!(merge_outline(&[0; 64], u64::MAX).is_err());
}

#[test]
fn every_byte_of_an_outline_counts() {
    let data = bytes(5 * MIB);
    let outline = block_values(&data, 0).unwrap();
    let right = merge_outline(&outline, data.len() as u64).unwrap();
    for index in 0..outline.len() {
        let mut other = outline.clone();
        other[index] ^= 1;
        assert_ne!(merge_outline(&other, data.len() as u64).unwrap(), right);
    }
}

#[test]
fn blocks_of_a_size() {
    for (size, count, last) in [
        (0, 1, 0),
        (1, 1, 1),
        (BLOCK_SIZE, 1, BLOCK_SIZE),
        (BLOCK_SIZE + 1, 2, 1),
        (u64::MAX, 1 << 44, BLOCK_SIZE - 1),
    ] {
        assert_eq!(block_count(size), count);
        assert_eq!(block_length(count - 1, size), last);
    }
}

/// The tree by its definition: the left subtree is the largest power of two of blocks that leaves
/// something for the right one.
fn by_definition(values: &[[u8; 32]]) -> [u8; 32] {
    use blake3::hazmat::{Mode, merge_subtrees_non_root, merge_subtrees_root};
    fn subtree(values: &[[u8; 32]]) -> [u8; 32] {
        if let [value] = values {
            return *value;
        }
        let (left, right) = values.split_at(values.len().div_ceil(2).next_power_of_two());
        merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
    }
    let (left, right) = values.split_at(values.len().div_ceil(2).next_power_of_two());
    *merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash).as_bytes()
}

proptest! {
    #[test]
    fn merging_follows_the_definition(
        values in prop::collection::vec(any::<[u8; 32]>(), 2..300),
        short in 0..BLOCK_SIZE,
    ) {
        let size = values.len() as u64 * BLOCK_SIZE - short;
        let merged = merge_outline(&values.concat(), size).unwrap();
        prop_assert_eq!(merged, by_definition(&values));
    }

    #[test]
    fn a_stream_of_random_pieces(pieces in prop::collection::vec(0_usize..700_000, 0..8)) {
        let data = bytes(pieces.iter().sum());
        let mut hasher = StreamHasher::default();
        let mut done = 0;
        for piece in pieces {
            hasher.update(&data[done..done + piece]);
            done += piece;
        }
        prop_assert_eq!(hasher.finalize().0, digest(&data));
    }
}
