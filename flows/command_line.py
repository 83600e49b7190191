"""The command line, made from the flows' own signatures: a flow's parameters are its options."""

import inspect
import logging
import re
import sys
from argparse import Action, ArgumentError, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from importlib import import_module
from shutil import get_terminal_size
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliPositionalArg,
    CliSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from rich.console import Console
from rich.logging import RichHandler

from flows.parameters import STORE
from models.errors import ModelError
from warehouse.errors import WarehouseError

T = TypeVar("T", bound="Options")
_LONGEST_LINE = 1500
"""Of what is said: what was typed may be of any length."""

FLOWS = ("nightly", "champions", "rollback", "recommend", "export", "prune", "sweep", "diagnose", "read-curves")
"""Flows by name: each is the function of that name, with underscores, in the module of that name."""
COMMANDS = (*FLOWS, "serve", "doctor")
USAGE = f"""usage: python -m flows NAME [--dotted.option VALUE ...]

NAME is one of: {", ".join(COMMANDS)}.
`python -m flows NAME --help` lists a flow's options; --format json prints its result as JSON.
"""


class UsageError(Exception):
    """What was typed cannot be meant."""


class _Help(RawDescriptionHelpFormatter):
    """Help as wide as the terminal, with defaults where there is one."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=44, width=min(120, get_terminal_size().columns))

    def _get_help_string(self, action: Action) -> str | None:
        return (action.help or "").replace(" (default: None)", "").replace("(default: None)", "")


class _Parser(ArgumentParser):
    """A parser that raises where argparse would print and leave."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class Options(BaseSettings):
    """Options that come from the command line alone: a stray environment variable must not change a night."""

    model_config = SettingsConfigDict(
        cli_parse_args=False,
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        cli_exit_on_error=False,
        cli_use_class_docs_for_groups=True,
        extra="forbid",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (its name is the base class's)
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the environment, files and secrets."""
        return (init_settings,)


class FlowOptions(Options):
    """What every flow's command line has beside the flow's own parameters."""

    format: Literal["text", "json"] = Field("text", description="How the result is printed.")


class ServeOptions(Options):
    """Bring up server, work pool, deployments, worker and reports on 127.0.0.1, until Ctrl-C."""

    port: int = Field(4200, ge=1, le=65534, description="Of the Prefect server and its UI (1 to 65534).")
    reports_port: int | None = Field(None, ge=1, le=65535, description="Of the reports; unset: the port after.")


class DoctorOptions(FlowOptions):
    """Look at versions, server, worker, schedules, disk and store; say what is wrong and what to do (exit code 1)."""

    port: int = Field(4200, ge=1, le=65535, description="Of a server of this machine, where PREFECT_API_URL is unset.")
    deep: bool = Field(False, description="Whether to read every published file and compare its hash.")
    store: Annotated[str | None, STORE] = None


def main(arguments: Sequence[str]) -> int:
    """Run a command line. Returns its exit code: 0 done, 1 failed, 2 asked wrongly."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return 0 if arguments else 2
    name, *rest = arguments
    try:
        return _answer(name, rest)
    except UsageError as error:
        return _failed(str(error), 2)
    except (WarehouseError, ModelError) as error:
        return _failed(str(error), 1)
    except OSError as error:  # of a path that no room has words for
        return _failed(f"{error.strerror or error}: {error.filename}", 1)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)


def _answer(name: str, rest: list[str]) -> int:
    if name == "serve":
        return _serve(rest)
    if name == "doctor":
        return _doctor(rest)
    if name not in FLOWS:
        message = f"there is no flow {name!r}; flows are: {', '.join(COMMANDS)}"
        raise UsageError(message)
    return _run(name, rest)


def _run(name: str, arguments: list[str]) -> int:
    function = name.replace("-", "_")
    flow = getattr(import_module(f"flows.{function}"), function)
    said = parsed(name, options_of(flow.fn), arguments)
    _log_to_stderr()
    result = flow.fn(**{key: getattr(said, key) for key in inspect.signature(flow.fn).parameters})
    _print(result, said.format)
    return 0


def _serve(arguments: list[str]) -> int:
    from flows.children import ServeError
    from flows.serve import serve

    said = parsed("serve", ServeOptions, arguments)
    try:
        serve(
            said.port,
            said.reports_port,
            lambda line: Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True),
        )
    except ServeError as error:
        return _failed(str(error), error.exit_code)
    return 0


def _doctor(arguments: list[str]) -> int:
    from flows.doctor import examine

    said = parsed("doctor", DoctorOptions, arguments)
    found = examine(said.port, said.store, deep=said.deep)
    _print(found, said.format)
    return 0 if found.is_well else 1


def options_of(function: Callable[..., Any]) -> type[FlowOptions]:
    """Return the options of a flow's function: a field for each parameter, with its type and default.

    A parameter without default is said by its place, without its name.
    """
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    by_place: Any = CliPositionalArg
    fields: dict[str, Any] = {
        each.name: (by_place[each.annotation], ...) if each.default is each.empty else (each.annotation, each.default)
        for each in parameters
    }
    return create_model("Flow options", __base__=FlowOptions, __doc__=inspect.getdoc(function), **fields)


def parsed(name: str, options: type[T], arguments: list[str]) -> T:
    """Return options as said on the command line.

    Raises
    ------
    UsageError
        If an option is unknown or a value is not allowed: one line, for exit code 2.
    """
    placed = [field.upper() for field, info in options.model_fields.items() if info.is_required()]
    usage = " ".join(["python -m flows", name, *placed, "[--option VALUE ...]"])
    parser = _Parser(usage=usage, description=options.__doc__, formatter_class=_Help, exit_on_error=False)
    source: CliSettingsSource[Any] = CliSettingsSource(options, root_parser=parser)
    try:
        words = [_kebab(word) for word in arguments]
        return CliApp.run(options, cli_args=words, cli_settings_source=source, cli_exit_on_error=False)
    except ValidationError as error:
        raise UsageError(_first_complaint(error)) from error
    except (SettingsError, ArgumentError) as error:
        raise UsageError(str(error).removeprefix("error parsing CLI: ").splitlines()[0]) from error


def _kebab(word: str) -> str:
    """Let an option be written as the setting is named, with underscores."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _first_complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    option = re.sub(r"_", "-", ".".join(str(part) for part in first["loc"]))
    got = f" (got {first['input']!r})" if not isinstance(first["input"], dict | BaseModel) else ""
    return f"--{option}: {first['msg']}{got}"


def _print(result: BaseModel, form: str) -> None:
    sys.stdout.write((result.model_dump_json() if form == "json" else str(result)) + "\n")


def _log_to_stderr() -> None:
    console = Console(stderr=True)
    handler: logging.Handler = RichHandler(console=console, show_path=False, show_level=False, markup=False)
    if not console.is_terminal:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler], force=True)
    logging.getLogger("prefect").setLevel(logging.WARNING)


def _failed(message: str, code: int) -> int:
    sys.stderr.write(f"error: {_one_line(message)}\n")
    return code


def _one_line(message: str) -> str:
    """Return a message that may quote a file or what was typed, as a line that a terminal only shows."""
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in message)
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE // 2]} ... {line[-_LONGEST_LINE // 3 :]}"
