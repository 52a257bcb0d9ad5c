"""The command line: thin commands over public functions; errors become one line and an exit code.

Exit codes: 0 done, 1 our fault or the machine's, 2 bad input, 130 Ctrl-C.
"""

from __future__ import annotations

import sys

INTERRUPTED = 130
STOPPED = "stopped; finished replicates are kept: the same command with --resume continues"


def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``recsim`` and ``python -m recsim``."""
    from recsim.cli.app import app
    from recsim.errors import InputError, RecsimError

    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]
    try:
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
        _fail(STOPPED, INTERRUPTED)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        _other(error, debug, given)


def _other(error: Exception, debug: bool, given: list[str]) -> None:
    kind = type(error).__name__
    if kind == "Abort":
        _fail(STOPPED, INTERRUPTED)
    if hasattr(error, "format_message"):  # usage errors of the command-line library, whichever copy typer uses
        _fail(_usage(error, given) or error.format_message().replace("\n", " "), 2)
    if hasattr(error, "exit_code"):
        sys.exit(error.exit_code)
    if debug:
        raise error
    import errno

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _fail("no space left on the disk; finished replicates are kept, free space and use --resume", 1)
    _fail(f"{type(error).__name__}: {error} (a fault of recsim; --debug shows where)", 1)


def _usage(error: Exception, given: list[str]) -> str | None:
    """What was got and what is needed where a number stands that is none, which the library's own message leaves out."""
    parameter = getattr(error, "param", None)
    needed = {"integer": "a whole number", "float": "a number"}.get(
        getattr(getattr(parameter, "type", None), "name", "")
    )
    for option in getattr(parameter, "opts", ()):
        for place, word in enumerate(given):
            name, sign, value = word.partition("=")
            got = value if sign else given[place + 1] if place + 1 < len(given) else None
            if needed and name == option and got is not None and not _is_number(got, needed == "a number"):
                return f"{option}: got {got!r}; {needed} is needed"
    return None


def _is_number(text: str, real: bool) -> bool:
    try:
        float(text) if real else int(text)
    except ValueError:
        return False
    return True


def _fail(text: str, code: int) -> None:
    for line in text.splitlines() or [""]:
        sys.stderr.write(f"error: {line}\n")
    sys.exit(code)
