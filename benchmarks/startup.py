"""What the command line costs before it does anything: CPU seconds of `sandbox --help` and `sandbox list`.

Run `python -m compileall` over the installation first; targets are 0.35 and 0.5 CPU seconds on an idle machine.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

RUNS = 5


def cpu_seconds(*words: str) -> float:
    """User and system time of one run of `python WORDS`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    for words in (["-c", "pass"], ["-m", "sandbox", "--help"], ["-m", "sandbox", "list"]):
        cpu_seconds(*words)  # the first run compiles what is not compiled yet
        times = [cpu_seconds(*words) for _ in range(RUNS)]
        print(f"python {' '.join(words):<24} median {statistics.median(times):.3f} CPU s of {RUNS} runs")
