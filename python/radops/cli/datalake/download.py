"""`radops datalake download`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radops.cli import options
from radops.cli.lake import open_lake, resolved
from radops.cli.output import count, note, write_json, write_names
from radops.cli.progress import progress
from radops.errors import UsageError

if TYPE_CHECKING:
    from radops.lake.directory.checkout import Written


def command(
    targets: options.Targets,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="DIR", help="Also copy files to DIR/UID; write a directory as DIR."
        ),
    ] = None,
    force: Annotated[
        bool, options.flag("--force", help="With --to, replace files that differ.")
    ] = False,
    delete: Annotated[
        bool, options.flag("--delete", help="With --to, remove files a directory does not have.")
    ] = False,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    context: options.Context = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Download and verify files, and print their local paths.

    The files in local storage are for reading only; --to gives copies to work with. A single
    directory becomes DIR itself, with a file .radops-checkout that says what it is: added again,
    only what was changed is packed and sent. Of several, each becomes DIR/UID. --delete leaves .git
    and what add would leave out. An interrupted download goes on when it is run again.

    Examples:
      radops datalake download datasets/ 'models/*.pt'
      radops datalake download datasets/ --to ./here
      radops datalake download 'images/v2/cats/**/*.jpg' --to ./cats

    """
    if to is not None and "://" in to:
        raise UsageError(f"--to takes a folder of this machine, not {to}")
    if to is None and (force or delete):
        raise UsageError("--force and --delete are about the folder of --to")
    with (
        progress(quiet=quiet, resumable=True) as view,
        open_lake(context, offline=offline, quiet=quiet, jobs=jobs) as lake,
    ):
        files, directories = lake.split(
            *(resolved(lake, target, quiet=quiet) for target in targets)
        )
        paths = lake.download(*files, progress=view) if files else {}
        alone = len(directories) == 1 and not files
        written: dict[str, Written] = {}
        for uid, patterns in directories.items():
            folder = None if to is None else Path(to) if alone else Path(to, uid)
            done = lake.directory(uid).download(
                *patterns, to=folder, force=force, delete=delete, progress=view
            )
            if done is not None:
                written[uid] = done
        if to is not None and files:
            from radops.cli.export import export  # noqa: PLC0415 - brings in the Rust module

            paths = export(paths, Path(to))
    if as_json:
        document: dict[str, Any] = {
            "files": [{"uid": uid, "path": str(path)} for uid, path in paths.items()]
        }
        if directories:
            document["directories"] = [_plain(uid, written.get(uid)) for uid in directories]
        write_json(document)
        return
    write_names([str(path) for path in paths.values()] + [str(w.path) for w in written.values()])
    for uid, patterns in directories.items():
        _tell(uid, written.get(uid), part=bool(patterns), quiet=quiet)


def _plain(uid: str, done: "Written | None") -> dict[str, Any]:
    if done is None:
        return {"uid": uid, "path": None}
    return {
        "uid": uid,
        "path": str(done.path),
        "written": done.written,
        "left": done.left,
        "removed": done.removed,
        "extra": done.extra,
    }


def _tell(uid: str, done: "Written | None", *, part: bool, quiet: bool) -> None:
    if done is None:
        what = f"what matches of {uid}" if part else uid
        note(f"{what} is on this machine; --to DIR writes it as a folder", quiet=quiet)
        return
    text = f"wrote {count(done.written, 'file')} of {uid} to {done.path}"
    text += f"; {done.left:,} were there already" if done.left else ""
    text += f"; removed {count(done.removed, 'other file')}" if done.removed else ""
    text += f"; left {count(done.extra, 'other file')} in place" if done.extra else ""
    note(text, quiet=quiet)
