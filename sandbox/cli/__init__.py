"""The command line: one module per command; nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sandbox.errors import INTERRUPTED, SandboxError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and give its exit code (see `sandbox.errors` for what the codes mean)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words  # allowed anywhere, since it is thought of after a command has failed
    words = [word for word in words if word != "--debug"]
    from sandbox.cli.app import UsageFault, invoke
    from sandbox.cli.options import document_alone

    try:
        with document_alone("--json" in words):
            return invoke(words)
    except UsageFault as error:
        return _say(str(error), 2)
    except SandboxError as error:
        if debug:
            raise
        return _say(f"error: {error}", error.exit_code)
    except KeyboardInterrupt:
        import logging

        # Of what a second Ctrl-C ended in its midst asyncio would tell, with a traceback.
        logging.getLogger("asyncio").disabled = True
        return _say("interrupted; what was done is kept, and the same command goes on from there", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has seen enough; Python would complain when it closes stdout
        return 0
    except Exception as error:
        if debug:
            raise
        return _say(f"unexpected error: {type(error).__name__}: {error} (run again with --debug for the traceback)", 1)


def _say(message: str, code: int) -> int:
    from sandbox.text import display

    print(display(message), file=sys.stderr)
    return code
