"""What the benchmarks share: the processor that a figure is of, and what a command costs."""

import os
import platform
import subprocess
from pathlib import Path

# Flags of /proc/cpuinfo that each level of x86-64 adds to the one before.
LEVELS = [
    ("v2", {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    ("v3", {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}),
    ("v4", {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
]


def processor() -> str:
    """The processor's name and vector level; what is not known, is unknown."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    known: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known.setdefault(name.strip(), value.strip())
    flags = set(known.get("flags", "").split())
    level = "unknown level"
    if flags and platform.machine() == "x86_64":
        level = "x86-64"
        for name, needs in LEVELS:
            if not needs <= flags:
                break
            level = f"x86-64-{name}"
    return f"{known.get('model name', 'unknown processor')}, {level}"


PROCESSOR = processor()


def say(line: str) -> None:
    """Prints a line of figures, and what processor they are of."""
    print(f"{line}  [{PROCESSOR}]", flush=True)


def measured(command: list[str], out: Path) -> tuple[float, float, int]:
    """CPU seconds, peak megabytes and exit status of a command whose output goes to a file."""
    with open(out, "wb") as file:
        child = subprocess.Popen(command, stdout=file)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode
