"""The choice model of others: `choice_peer.py statsmodels|xlogit FILE`; the table is made before the clock starts."""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
from spent import Spent, tell

warnings.filterwarnings("ignore")  # of their own, at every fit


def main(peer: str, file: str) -> None:
    """Seconds of a fit, by Newton's method where there is a choice."""
    with np.load(file) as found:
        features, chosen = found["features"], found["chosen"]
    sets, alternatives, width = features.shape
    rows, set_of = features.reshape(-1, width), np.repeat(np.arange(sets), alternatives)
    taken = (np.arange(alternatives) == chosen[:, np.newaxis]).ravel().astype(int)
    if peer == "statsmodels":
        from statsmodels.discrete.conditional_models import ConditionalLogit

        def fit() -> None:
            ConditionalLogit(taken, rows, groups=set_of).fit(method="newton", disp=False)
    else:
        from xlogit import MultinomialLogit

        names, alts = [f"x{place}" for place in range(width)], np.tile(np.arange(1, alternatives + 1), sets)

        def fit() -> None:
            MultinomialLogit().fit(X=rows, y=taken, varnames=names, alts=alts, ids=set_of, verbose=0)

    began = time.perf_counter()
    with Spent() as spent:
        fit()
    tell(wall=time.perf_counter() - began, cpu=spent.cpu, instructions=spent.instructions)


if __name__ == "__main__":
    main(*sys.argv[1:])
