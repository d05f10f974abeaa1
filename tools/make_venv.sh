#!/usr/bin/env bash
# Make a virtual environment with a pip that knows dependency groups.
#
#   tools/make_venv.sh DIRECTORY [PYTHON]
set -euo pipefail

venv=$1
wanted=${2:-}

fits() { # an interpreter that runs, is new enough and is not inside some other environment's shim
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

die() {
    printf 'radops: %s\n' "$@" >&2
    exit 1
}

if [ -x "$venv/bin/python" ] && fits "$venv/bin/python"; then
    python=$venv/bin/python # made before: keep it
else
    if [ -n "$wanted" ]; then
        command -v "$wanted" >/dev/null || die "PYTHON=$wanted: no such program"
        fits "$wanted" || die "PYTHON=$wanted is $("$wanted" -V 2>&1); radops needs Python 3.10 or newer"
        python=$wanted
    else
        python=
        for name in python3 python3.13 python3.12 python3.11 python3.10 python3.14 python; do
            if command -v "$name" >/dev/null && fits "$name"; then
                python=$name
                break
            fi
        done
        [ -n "$python" ] || die \
            "no Python 3.10 or newer on the PATH (python3: $(python3 -V 2>/dev/null || echo none))" \
            "install one, or say which: make PYTHON=/path/to/python3.12 demo"
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || die \
        "$("$python" -V) has no venv module; on Debian and Ubuntu: apt install python3-venv"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    python=$venv/bin/python
fi

# Dependency groups (--group) came with pip 25.1.
if ! "$python" -c 'import sys, importlib.metadata as m; sys.exit(tuple(int(p) for p in m.version("pip").split(".")[:2]) < (25, 1))' 2>/dev/null; then
    "$python" -m pip --disable-pip-version-check install --quiet --upgrade 'pip>=25.1'
fi
echo "using $("$python" -V) in $venv"
