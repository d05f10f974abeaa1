//! The scan accepts every value in its one encoding, and nothing beside it.

use proptest::prelude::*;
use radops_core::cbor::{CborError, MAX_DEPTH, scan};

/// A value of the profile.
#[derive(Debug, Clone)]
enum Value {
    Number(i64),
    Float(u64),
    Simple(u8),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Value>),
    Map(Vec<(String, Value)>),
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend([major | 24, bytes[7]]),
        0x100..=0xffff => out.extend([&[major | 25], &bytes[6..]].concat()),
        0x1_0000..=0xffff_ffff => out.extend([&[major | 26], &bytes[4..]].concat()),
        _ => out.extend([&[major | 27], &bytes[..]].concat()),
    }
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Number(number) if *number >= 0 => head(0, *number as u64, out),
        Value::Number(number) => head(1, !*number as u64, out),
        Value::Float(bits) => {
            let nan = f64::from_bits(*bits).is_nan();
            let bits = if nan { 0x7ff8 << 48 } else { *bits };
            out.push(0xfb);
            out.extend(bits.to_be_bytes());
        }
        Value::Simple(byte) => out.push(*byte),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| encode(item, out));
        }
        Value::Map(pairs) => {
            let mut encoded: Vec<_> = pairs
                .iter()
                .map(|(key, item)| {
                    let (mut key_bytes, mut bytes) = (Vec::new(), Vec::new());
                    encode(&Value::Text(key.clone()), &mut key_bytes);
                    encode(item, &mut bytes);
                    (key_bytes, bytes)
                })
                .collect();
            encoded.sort();
            encoded.dedup_by(|one, other| one.0 == other.0);
            head(5, encoded.len() as u64, out);
            for (key, bytes) in encoded {
                out.extend(key);
                out.extend(bytes);
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Number),
        (-300i64..70_000).prop_map(Value::Number),
        any::<u64>().prop_map(Value::Float),
        prop::sample::select(vec![0xf4, 0xf5, 0xf6]).prop_map(Value::Simple),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        ".{0,80}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..30).prop_map(Value::Array),
            prop::collection::vec(("[a-z]{0,26}", inner), 0..6).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_passes_and_no_part_of_it(value in value(), cut in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes);
        prop_assert_eq!(scan(&bytes), Ok(()));
        prop_assert!(scan(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert_eq!(scan(&bytes), Err(CborError::Rest));
    }

    #[test]
    fn no_bytes_make_it_fall(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = scan(&bytes);
    }
}

#[test]
fn lengths_claim_no_memory_and_depth_has_a_limit() {
    for claim in [
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "5bffffffffffffffff",
        "7b7fffffffffffffff",
    ] {
        let bytes: Vec<u8> = (0..claim.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&claim[at..at + 2], 16).unwrap())
            .collect();
        assert_eq!(scan(&bytes), Err(CborError::Short));
    }
    let nested = |levels: usize| [vec![0x81; levels], vec![0]].concat();
    assert_eq!(scan(&nested(MAX_DEPTH)), Ok(()));
    assert_eq!(scan(&nested(MAX_DEPTH + 1)), Err(CborError::Depth));
}

#[test]
fn text_that_is_not_utf8_is_the_last_error_reported() {
    assert_eq!(scan(b"\x61\xff"), Err(CborError::Text));
    assert_eq!(scan(b"\x82\x61\xff\xc1"), Err(CborError::Tag));
}
