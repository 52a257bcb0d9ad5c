"""The command line: thin commands over public functions; errors become one line and an exit code.

Exit codes: 0 done, 1 our fault or the machine's, 2 bad input, 130 Ctrl-C.
"""

from __future__ import annotations

import sys

INTERRUPTED = 130
GO_ON = ": the same command with --resume continues"
RESUMES = ("run", "compare", "ensemble", "attribute", "dose", "delay", "tradeoff")
"""Commands that go on where they were stopped if they are told to, with --resume."""
GO_ON_BY_THEMSELVES = ("sweep", "calibrate")
"""Commands that go on without being told to."""

MISSING = (
    "the package {name!r} is not installed for {python}; with the environment that `make` or the README's setup made: "
    "source .venv/bin/activate"
)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``recsim`` and ``python -m recsim``."""
    from recsim.errors import InputError, RecsimError

    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]
    try:
        from recsim.cli.app import app

        code = app(given, prog_name="recsim", standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into this code
            raise KeyboardInterrupt
        if isinstance(code, int) and code:
            sys.exit(code)
    except InputError as error:
        _fail(str(error), 2)
    except RecsimError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail(_with_resume("stopped", given, GO_ON), INTERRUPTED)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        _other(error, debug, given)


def _with_resume(text: str, given: list[str], what: str) -> str:
    """What happened, and of a command that can go on, how."""
    if given and given[0] in GO_ON_BY_THEMSELVES:
        return f"{text}; finished worlds are kept{what.replace(' with --resume', '').replace('use --resume', 'give the same command again')}"
    return f"{text}; finished replicates are kept{what}" if given and given[0] in RESUMES else text


def _other(error: Exception, debug: bool, given: list[str]) -> None:
    kind = type(error).__name__
    if kind == "Abort":
        _fail(_with_resume("stopped", given, GO_ON), INTERRUPTED)
    if hasattr(error, "format_message"):  # usage errors of the command-line library, whichever copy typer uses
        _fail(_usage(error, error.format_message().replace("\n", " ")), 2)
    if hasattr(error, "exit_code"):
        sys.exit(error.exit_code)
    if debug:
        raise error
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] != "recsim":
        _fail(MISSING.format(name=error.name.partition(".")[0], python=sys.executable), 1)
    import errno

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _fail(_with_resume("no space left on the disk", given, ", free space and use --resume"), 1)
    _fail(f"{type(error).__name__}: {error} (a fault of recsim; --debug shows where)", 1)


def _usage(error: Exception, text: str) -> str:
    """The message of the command-line library; where it leaves out what was got, our own."""
    from pydantic import ValidationError

    cause, parameter = error.__cause__, getattr(error, "param", None)
    if not isinstance(cause, ValidationError) or parameter is None:
        return text
    first = cause.errors(include_url=False)[0]
    limit = next(iter(first.get("ctx", {}).values()), None)
    needed = {
        "int_parsing": "a whole number is needed", "float_parsing": "a number is needed",
        "greater_than_equal": f"must be at least {limit}", "less_than_equal": f"must be at most {limit}",
    }.get(first["type"], first["msg"].lower())  # fmt: skip
    return f"{parameter.opts[0]}: got {str(first['input'])!r}; {needed}"


def _fail(text: str, code: int) -> None:
    for line in text.splitlines() or [""]:
        sys.stderr.write(f"error: {line}\n")
    sys.exit(code)
