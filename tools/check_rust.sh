#!/usr/bin/env bash
# Report what is missing if there is no Rust toolchain, or one that is too old.
#
#   tools/check_rust.sh CARGO_TOML
set -euo pipefail

needed=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$1")

command -v cargo >/dev/null || {
    echo "radops: no Rust toolchain (cargo) on the PATH; radops needs Rust $needed or newer, see https://rustup.rs" >&2
    exit 1
}
found=$(rustc --version 2>&1) || {
    echo "radops: cargo is there but no toolchain: $found" >&2
    echo "radops: set RUSTUP_HOME to where rustup keeps its toolchains, or run: rustup default stable" >&2
    exit 1
}
version=$(echo "$found" | sed 's/^rustc \([0-9.]*\).*/\1/')
[ "$(printf '%s\n%s\n' "$needed" "$version" | sort -t. -k1,1n -k2,2n | head -1)" = "$needed" ] || {
    echo "radops: $found is too old: Rust $needed or newer is needed (rustup update stable)" >&2
    exit 1
}
command -v cc >/dev/null || command -v clang >/dev/null || command -v gcc >/dev/null || {
    echo "radops: no C compiler; Rust links with it (Debian: apt install gcc libc6-dev; macOS: xcode-select --install)" >&2
    exit 1
}
