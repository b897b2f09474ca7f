"""How much of a bundle is kept, whatever its size. Together they hold a diagnosis below 1 GB of memory; tests hold them to it."""

MB = 1024 * 1024
MAX_FILES = 100_000
MAX_DEPTH = 12
MAX_MEMBER = 256 * MB
"""Of one file in an archive."""
MAX_UNPACKED = 1024 * MB
MAX_WHOLE_FILE = 8 * MB
"""A larger file of JSON is read item by item and never held."""
MAX_ITEM = 8 * MB
MAX_YAML_FILE = 32 * MB
MAX_UNFOLDED = 2_000_000
"""Values in one document of YAML, each counted as often as an alias repeats it."""
MAX_OBJECTS = 60_000
MAX_OBJECT_TEXT = 256 * MB
MAX_EVENTS = 20_000
"""Of more events the warnings are kept before the rest, and the newest before the older."""
MAX_METRIC_FILE = 64 * MB
MAX_METRIC_TEXT = 128 * MB
MAX_SERIES = 20_000
MAX_ALERTS = 5_000
MAX_PROBES = 10_000
MAX_TEXT = 2_000
MAX_LOGS = 5_000
MAX_LOG_TEXT = 16 * MB
"""Of all logs together. A log of a pod in trouble gets a larger share of it; of a longer log the beginning and the end are read."""
MAX_LINE = 16 * 1024
MAX_NAMED = 5
MAX_GAPS = 60
