"""Where it was measured."""

import os
import platform
from pathlib import Path
from typing import Any

import psutil


def describe() -> dict[str, Any]:
    """Processor, cores, memory (MiB), system, and the Python of all the Python servers."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_mib": psutil.virtual_memory().total >> 20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def busy() -> float:
    """The share of all cores that others use at this moment, 0 to 1, looked at for a second."""
    return float(psutil.cpu_percent(interval=1.0)) / 100


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
