"""The terminal replay: one module per screen and per pane."""
