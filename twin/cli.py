"""The command line: one verb is run, and what goes wrong is told in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from twin.cli_parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code: 0 fine, 1 our error, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # names of any script, on terminals of any encoding
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = build_parser()
    args = parser.parse_args(words)
    args.words = words
    if args.verb is None:
        parser.print_help()
        return 2
    from layers.errors import CityTwinError

    if not args.debug:
        import warnings

        warnings.simplefilter("ignore")
    try:
        from twin import verbs

        return int(getattr(verbs, args.verb.replace("import", "import_").replace("list", "list_"))
                   (args) or 0)
    except CityTwinError as error:
        if args.debug:
            raise
        print(f"citytwin: {_line(error)}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("citytwin: interrupted; nothing half-written was left", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, MemoryError) as error:
        if args.debug:
            raise
        reason = "not enough memory" if isinstance(error, MemoryError) else _os_reason(error)
        print(f"citytwin: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    except Exception as error:
        if args.debug:
            raise
        text = " ".join(str(error).split())[:200]
        print(f"citytwin: unexpected {type(error).__name__}: {text} "  # noqa: T201
              "(a fault of ours; run again with --debug and report it)", file=sys.stderr)
        return 1


def _os_reason(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return _line(f"{name}{error.strerror or error}")


def _line(text: object) -> str:
    """One line without control characters: file names and values in it come from outside."""
    return "".join(c if c.isprintable() else " " for c in str(text))
