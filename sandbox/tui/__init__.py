"""The terminal replay: one module per screen and per pane; opened by the command line, never the other way round."""

from sandbox.tui.app import ReplayApp, run_replay

__all__ = ["ReplayApp", "run_replay"]
