"""A bundle as the product reads it."""

from pathlib import Path

from tools.bundle.read import read_bundle
from tools.engines.snapshot import Snapshot


def read(folder: Path) -> Snapshot:
    return read_bundle(folder)
