"""`sandbox verify`: whether stored traces are what their specifications and moves give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.options import JsonOption, PluginsOption, StoreOption, builder, open_store, print_json, say

if TYPE_CHECKING:
    from sandbox.store import Store
    from sandbox.trace import Episode


def command(
    target: Annotated[str, typer.Argument(help="An episode's id, or an experiment's name; all if left out.")] = "",
    store: StoreOption = "",
    plugins_dir: PluginsOption = None,
    json: JsonOption = False,
) -> int:
    """Execute the environments again from specification and recorded moves alone, and compare every step."""
    from sandbox import interruptible
    from sandbox.errors import InputError, PluginError, StoreCorrupt, UnknownName, VerificationFailed
    from sandbox.runner.verify import Verified, verify

    made = builder(plugins_dir)
    results: list[Verified] = []
    with open_store(store, create=False) as opened:
        try:
            number = opened.experiment(target).id if target else None
            keys = [head.id for head in opened.heads(number) if head.status not in ("pending", "running")]
        except UnknownName:
            keys = [opened.find(target)]
        for key in keys:
            try:
                episode = opened.episode(key)
                results.append(interruptible.run(verify(episode, made, _parent(opened, episode))))
            except (StoreCorrupt, PluginError, InputError) as error:  # its environment may be gone, or changed
                results.append(Verified(key, None, str(error)))
    failed = [result for result in results if result.fault]
    unverifiable = [result for result in results if not result.verifiable]
    if json:
        import orjson

        rows = [
            {"episode": one.episode, "step": one.step, "fault": one.fault, "verifiable": one.verifiable}
            for one in results
        ]
        print_json(orjson.dumps({"verified": rows, "failed": len(failed)}).decode())
    else:
        say(f"{len(results) - len(failed) - len(unverifiable)} of {len(results)} episodes verified")
        for result in unverifiable:
            say(f"  {result.episode[:12]}: not verifiable: recorded as text")
    if failed:
        lines = [
            f"episode {one.episode[:12]}{'' if one.step is None else f', step {one.step + 1}'}: {one.fault}"
            for one in failed
        ]
        raise VerificationFailed("\n".join(lines))
    return 0


def _parent(store: Store, episode: Episode) -> Episode | None:
    """What the episode is a fork of, if that is in the store, too."""
    from sandbox.errors import UnknownName

    if episode.spec.fork is None:
        return None
    try:
        return store.episode(episode.spec.fork.parent)
    except UnknownName:
        return None
