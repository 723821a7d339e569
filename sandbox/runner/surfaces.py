"""The surfaces that a worker's episodes are shown on: opened when first needed, shared, and closed at its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from sandbox.errors import BrowserError
from sandbox.runner.build import Builder
from sandbox.surface import Presenter, Surface
from sandbox.trace import EpisodeSpec


class Surfaces:
    """Opens presenters for episodes.

    Args:
        builder: knows the scenarios.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._open: dict[Surface, Surface] = {}
        self._broken: dict[Surface, str] = {}

    def broken(self, spec: EpisodeSpec) -> str:
        """Why the surface of the specification could not be had when that was tried; '' if nothing is known of it."""
        surface = self._builder.surface(spec) if self._broken else None
        return self._broken.get(surface, "") if surface is not None else ""

    async def presenters(self, spec: EpisodeSpec, stack: AsyncExitStack) -> Mapping[str, Presenter]:
        """Seat -> presenter, of the seats under evaluation; none where the scenario has no surface but its text.

        `stack` closes them.

        Raises:
            BrowserError: there is no browser, say; from then on the surface is `broken`.
        """
        wanted = self._builder.surface(spec)
        if wanted is None:
            return {}
        surface = self._open.setdefault(wanted, wanted)
        presenters = {}
        for seat in spec.evaluated:
            try:
                presenters[seat] = await surface.open(seat, spec.key)
            except BrowserError as error:
                self._broken[surface] = str(error)
                raise
            stack.push_async_callback(presenters[seat].close)
        return presenters

    async def close(self) -> None:
        """Close what was opened."""
        for surface in self._open.values():
            await surface.close()
        self._open.clear()
