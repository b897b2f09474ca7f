"""What reading a bundle may cost at most. A bundle comes from somebody else, so nothing in it decides how much memory we take.

Objects are kept whole, because any field may matter; events are kept up to MAX_EVENTS, warnings and the newest first, because a cluster in
trouble repeats itself a million times. Logs are streamed and only their digest is kept. Of metrics each series is thinned to MAX_POINTS.
The sum of these, with the largest objects that fit, is what MAX_BYTES_OBJECTS bounds.
"""

from dataclasses import dataclass

MAX_FILES = 50_000
MAX_FILE_BYTES = 256 * 2**20
MAX_BYTES_OBJECTS = 512 * 2**20
MAX_OBJECTS = 200_000
MAX_EVENTS = 50_000
MAX_LOG_BYTES = 64 * 2**20
MAX_ALL_LOG_BYTES = 4 * 2**30
MAX_SERIES = 20_000
MAX_GAPS = 60
MAX_ALERTS = 5_000
MAX_PROBES = 10_000


@dataclass(slots=True)
class Budget:
    """What is left to be read; a file that does not fit any more is a gap and not a crash."""

    files: int = MAX_FILES
    object_bytes: int = MAX_BYTES_OBJECTS
    log_bytes: int = MAX_ALL_LOG_BYTES
