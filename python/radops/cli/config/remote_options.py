"""The options that say where a remote is: the same in `setup` and `create-context`."""

from typing import Annotated

import typer

from radops.cli.options import flag

Remote = Annotated[
    str | None,
    typer.Option(
        "--remote",
        metavar="URL",
        help="s3://bucket/prefix, or file:///shared/folder.",
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="The S3 server, if not Amazon's."),
]
Region = Annotated[
    str | None, typer.Option("--region", metavar="NAME", help="The bucket's region.")
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="A profile of ~/.aws/config.")
]
CaBundle = Annotated[
    str | None, typer.Option("--ca-bundle", metavar="FILE", help="Certificates to trust.")
]
Addressing = Annotated[
    str | None,
    typer.Option("--addressing-style", metavar="STYLE", help="auto, path or virtual."),
]
Sse = Annotated[
    str | None, typer.Option("--sse", metavar="KIND", help="Encryption at rest: AES256, aws:kms.")
]
SseKey = Annotated[
    str | None, typer.Option("--sse-kms-key-id", metavar="ID", help="The key for aws:kms.")
]
UploadPatch = Annotated[
    bool,
    flag("--upload-patch", help="Store uncommitted changes of code with what it makes."),
]
