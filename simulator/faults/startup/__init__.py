"""What does not come up."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.startup import bindings, images, pods
from simulator.faults.startup.incorrect_image_reference import IncorrectImageReference

FAULTS: tuple[Fault, ...] = (IncorrectImageReference(), *images.FAULTS, *bindings.FAULTS, *pods.FAULTS)
