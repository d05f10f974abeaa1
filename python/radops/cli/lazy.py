"""Groups of commands whose modules are imported on first use."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from inspect import cleandoc
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

from radops.errors import UsageError


class _Commands(MutableMapping[str, Any]):
    """Commands by name. Names are known without an import, for suggestions and help."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules = modules
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> object:
        if name not in self._loaded:
            module, _, function = self._modules[name].partition(":")
            command = getattr(import_module(module), function or "command")
            if not isinstance(command, typer.Typer):
                app = typer.Typer(add_completion=False)
                app.command(name)(command)
                command = app
            self._loaded[name] = quick(get_command(command))
        return self._loaded[name]

    def __setitem__(self, name: str, command: object) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._modules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


class _Quick:
    """Takes text as it is, where typer would convert it with pydantic.

    Importing pydantic takes longer than most commands. Other types are converted by typer.
    """

    def coerce(self, value: Any, param: Any, ctx: object) -> Any:  # noqa: ANN401 - as typer's
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        words = value if isinstance(value, list | tuple) else [value]
        is_text = param.type_descriptor.annotation in (str, list[str])
        if value == param.default or (is_text and all(isinstance(word, str) for word in words)):
            return value
        param._runtime_param = None  # noqa: SLF001 - see `quick`
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def quick(command: Any) -> Any:  # noqa: ANN401 - typer has no public name for a command
    """Return the command, with parameters that do without pydantic wherever they can.

    And with help that fits any terminal: paragraphs flow, and flags show no type.
    """
    command.help = _flowing(command.help or "")
    for param in (*command.params, command.get_help_option(typer.Context(command))):
        if getattr(param, "is_flag", False):
            param.metavar = ""
        # An attribute of typer's, set on first use. A version of typer without it is only slower.
        if getattr(param, "_runtime_param", ...) is None:
            param._runtime_param = _Quick()  # noqa: SLF001
    return command


def _flowing(text: str) -> str:
    """Return the text with the lines of each paragraph joined; examples keep theirs."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(one if "\n  " in one else one.replace("\n", " ") for one in paragraphs)


class LazyGroup(TyperGroup):
    """A group with the places of its commands: `module`, or `module:function`."""

    modules: ClassVar[dict[str, str]]

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - whatever typer hands over
        super().__init__(**attributes)
        self.commands = _Commands(dict(self.modules))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as typer's
        """Find the command; the error for a command without its group names the group."""
        groups: Any = self.commands
        if ctx.parent is None and args[0] not in groups:
            for name in groups:
                if args[0] in getattr(groups[name], "commands", ()):
                    hint = f"radops {name} {args[0]}"
                    raise UsageError(f"no such command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)


def group(name: str, modules: dict[str, str]) -> typer.Typer:
    """Return an app of commands by name.

    Args:
        name: Of the group.
        modules: Where each command is: `module:function`, or a module with a `command`.
    """
    kind = type(f"{name.capitalize()}Group", (LazyGroup,), {"modules": modules})
    return typer.Typer(name=name, cls=kind, add_completion=False)


def help_if_alone(context: typer.Context) -> None:
    """Show the group's help, as wrong usage, when no command was named."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
