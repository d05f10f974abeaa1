"""`radops datalake verify`."""

from typing import TYPE_CHECKING, Annotated

import typer

from radops.cli import options
from radops.cli.completion import complete_uids
from radops.cli.lake import open_lake
from radops.cli.output import count, human_size, note, write_json, write_lines
from radops.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.lake.verify import Finding, VerifyReport

# A line stays readable; --json has all ranges.
_MOST_INNER = 5
_MOST_RANGES = 4
_MOST_HINTS = 3


def command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            help="UIDs, prefixes ending in '/', or globs (in quotes); all if none.",
            autocompletion=complete_uids,
        ),
    ] = None,
    *,
    quick: Annotated[
        bool,
        options.flag("--quick", help="Trust files that did not change since their last check."),
    ] = False,
    complete: Annotated[
        bool,
        options.flag("--complete", help="Report files that are not on this machine as problems."),
    ] = False,
    remote: Annotated[
        bool, options.flag("--remote", help="Verify the remote instead: names, records, sizes.")
    ] = False,
    full: Annotated[
        bool,
        options.flag(
            "--full",
            help="With --remote, read and hash all objects; else check directory layouts again.",
        ),
    ] = False,
    repair: Annotated[
        bool,
        options.flag(
            "--repair",
            help="Repair damage from the remote; with --remote, from this machine.",
        ),
    ] = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Verify that local files are byte for byte what was added to the lake.

    Prints a line for each problem. The exit code is 1 if one remains, else 0. The health page of
    `radops ui` shows how the last verify ended.

    Examples:
      radops datalake verify datasets/ --complete
      radops datalake verify --repair

    """
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet) as lake,
    ):
        report = lake.verify(
            *(targets or ()),
            quick=quick,
            complete=complete,
            remote=remote,
            full=full,
            repair=repair,
            progress=view,
            jobs=jobs,
        )
    if as_json:
        write_json(_plain(report))
    else:
        write_lines(_line(finding) for finding in report.findings)
        note(_summary(report), quiet=quiet)
        for hint in _hints(report.problems):
            note(f"hint: {hint}", quiet=quiet)
    if not report.ok:
        raise typer.Exit(1)


def _line(finding: "Finding") -> str:
    text = f"{finding.subject}: {finding.message}"
    if finding.ranges:
        shown = ", ".join(_range(*one) for one in finding.ranges[:_MOST_RANGES])
        more = len(finding.ranges) - _MOST_RANGES
        text += f": bytes {shown}" + (f" and {count(more, 'more range')}" if more > 0 else "")
    if finding.inner:
        shown = ", ".join(finding.inner[:_MOST_INNER])
        more = finding.inner_count - _MOST_INNER
        text += f"; hits {count(finding.inner_count, 'file')}: {shown}"
        text += f" and {more:,} more" if more > 0 else ""
    return text if finding.repair is None else f"{text}; {_outcome(finding)}"


def _range(start: int, end: int) -> str:
    return f"{start:,} to {end - 1:,} ({human_size(end - start)})"


def _outcome(finding: "Finding") -> str:
    return f"repaired: {finding.repair}" if finding.repaired else str(finding.repair)


def _summary(report: "VerifyReport") -> str:
    """Return `checked 1,000 files, 2.0 GiB in 0.4 s; 3 not local; 0 problems`."""
    checked = f"{count(report.files, 'file')}, {human_size(report.bytes)}"
    parts = [f"checked {checked} in {report.seconds:.1f} s"]
    if report.remote and not report.full:
        parts.append("sizes only, --full reads all bytes")
    if report.trusted:
        parts.append(f"{report.trusted:,} unchanged since their last check")
    if report.resumed:
        parts.append(f"{count(report.resumed, 'object')} read by an earlier run")
    if report.not_local:
        parts.append(f"{report.not_local:,} not local")
    if not report.not_local_known:
        parts.append("files only in the remote were not counted")
    repaired = len(report.findings) - len(report.problems)
    if repaired:
        parts.append(f"{repaired:,} repaired")
    return "; ".join([*parts, count(len(report.problems), "problem")])


def _hints(problems: "Sequence[Finding]") -> list[str]:
    """Return the hints of all problems, each once, the most frequent first.

    Hints that differ only in the name of a file become one, with UID in the name's place.
    """
    alike: dict[str, list[str]] = {}
    for finding in problems:
        # No hint to use --repair after a repair was tried.
        if finding.repair is None or "--repair" not in finding.hint:
            named = "".join(finding.uids[:1])
            begin = finding.hint.removesuffix(f" {named}")
            common = finding.hint if begin == finding.hint else f"{begin} UID"
            alike.setdefault(common, []).append(finding.hint)
    frequent = sorted(alike, key=lambda common: -len(alike[common]))[:_MOST_HINTS]
    return [_for_all(common, alike[common]) for common in frequent]


def _for_all(common: str, hints: "Sequence[str]") -> str:
    if len(set(hints)) == 1:
        return hints[0]
    return f"{common} (for {count(len(hints), 'file')})"


def _plain(report: "VerifyReport") -> dict[str, object]:
    return {
        "ok": report.ok,
        "remote": report.remote,
        "quick": report.quick,
        "full": report.full,
        "files": report.files,
        "objects": report.objects,
        "bytes": report.bytes,
        "trusted": report.trusted,
        "resumed": report.resumed,
        "not_local": report.not_local,
        "not_local_known": report.not_local_known,
        "seconds": round(report.seconds, 3),
        "bytes_fetched": report.bytes_fetched,
        "bytes_sent": report.bytes_sent,
        "problems": len(report.problems),
        "findings": [
            {
                "kind": finding.kind,
                "uids": list(finding.uids),
                "digest": None if finding.digest is None else str(finding.digest),
                "path": finding.path,
                "message": finding.message,
                "hint": finding.hint,
                "ranges": [list(one) for one in finding.ranges],
                "inner": list(finding.inner),
                "inner_count": finding.inner_count,
                "repaired": finding.repaired,
                "repair": finding.repair,
            }
            for finding in report.findings
        ],
    }
