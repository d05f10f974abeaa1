//! How fast files are hashed, copied and checked, page cache warm.
//!
//! `cargo bench` runs sizes up to 16 MiB; `RADOPS_BENCH_LARGE=1 cargo bench` goes on to 1 GiB.
//! Data go to the temporary folder (`TMPDIR`).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use radops_core::check::{Expected, check_files};
use radops_core::copy::{copy_file, copy_files};
use radops_core::hash::{hash_file, hash_files};
use radops_core::outline::StreamHasher;
use radops_core::progress::{Call, Progress};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn sizes() -> Vec<usize> {
    let mut sizes = vec![0, 4 * KIB, 64 * KIB, MIB, 2 * MIB, 4 * MIB, 16 * MIB];
    if env::var_os("RADOPS_BENCH_LARGE").is_some() {
        sizes.extend([128 * MIB, 1 << 30]);
    }
    sizes
}

fn call<T>(work: impl FnOnce(&mut Call<'_>) -> T) -> T {
    work(&mut Call {
        threads: 0,
        progress: &Progress::default(),
        interrupted: &mut || false,
    })
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index % 251) as u8).collect()
}

fn name(size: usize) -> String {
    match size {
        0 => "0".to_owned(),
        size if size < MIB => format!("{} KiB", size / KIB),
        size => format!("{} MiB", size / MIB),
    }
}

/// One file of each size.
fn one_file(criterion: &mut Criterion) {
    let folder = TempDir::new().expect("a temporary folder");
    let target = folder.path().join("target");
    for size in sizes() {
        let data = bytes(size);
        let path = folder.path().join("file");
        fs::write(&path, &data).expect("room for the file");
        let digest = call(|call| hash_file(&path, call)).expect("a hash").digest;
        let throughput = Throughput::Bytes(size as u64);

        let mut group = criterion.benchmark_group("memory");
        group.throughput(throughput.clone());
        group.bench_function(BenchmarkId::from_parameter(name(size)), |bencher| {
            bencher.iter(|| {
                let mut hasher = StreamHasher::default();
                hasher.update(&data);
                hasher.finalize()
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group("hash");
        group.throughput(throughput.clone());
        group.bench_function(BenchmarkId::from_parameter(name(size)), |bencher| {
            bencher.iter(|| call(|call| hash_file(&path, call)).expect("a hash"));
        });
        group.finish();

        let mut group = criterion.benchmark_group("check");
        group.throughput(throughput.clone());
        let expected = [Expected {
            path: &path,
            size: size as u64,
            digest,
        }];
        group.bench_function(BenchmarkId::from_parameter(name(size)), |bencher| {
            bencher.iter(|| call(|call| check_files(&expected, call)).expect("an answer"));
        });
        group.finish();

        let mut group = criterion.benchmark_group("copy");
        group.throughput(throughput);
        group.bench_function(BenchmarkId::from_parameter(name(size)), |bencher| {
            bencher.iter(|| {
                call(|call| copy_file(&path, &target, 0o444, call)).expect("a copy");
                fs::remove_file(&target).expect("the target");
            });
        });
        group.finish();
    }
}

/// A thousand files of 4 KiB.
fn many_files(criterion: &mut Criterion) {
    let folder = TempDir::new().expect("a temporary folder");
    let pairs: Vec<(PathBuf, PathBuf)> = (0..1000)
        .map(|number| {
            let source = folder.path().join(format!("source{number}"));
            fs::write(&source, bytes(4 * KIB)).expect("room for the file");
            (source, folder.path().join(format!("target{number}")))
        })
        .collect();
    let paths: Vec<_> = pairs.iter().map(|(source, _)| source).collect();
    let mut group = criterion.benchmark_group("1000 files of 4 KiB");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("hash", |bencher| {
        bencher.iter(|| call(|call| hash_files(&paths, call)).expect("answers"));
    });
    group.bench_function("copy and remove", |bencher| {
        bencher.iter(|| {
            call(|call| copy_files(&pairs, 0o444, call)).expect("answers");
            for (_, target) in &pairs {
                fs::remove_file(target).expect("the target");
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = one_file, many_files
}
criterion_main!(benches);
