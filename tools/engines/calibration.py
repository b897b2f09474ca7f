"""From belief to a number that keeps its word: of the causes said at 80 in 100, eight in ten are right.

The ranking's belief multiplies doubts, which orders causes well and says too little in the middle. This table was read off bundles whose
authors had not seen the engine, and its own examination beside them: how often a first cause of that belief was right. It is
measured again by every run of the examination (its table of confidence), and belongs to the weights that analyzers give: who changes
those looks here.
"""

from itertools import pairwise

_MEASURED = (
    (0.0, 0.0),
    (0.2, 0.12),
    (0.35, 0.3),
    (0.45, 0.52),
    (0.57, 0.75),
    (0.65, 0.86),
    (0.75, 0.9),
    (0.85, 0.94),
    (0.94, 0.98),
    (1.0, 0.98),
)


def calibrated(belief: float) -> float:
    """Between the measured points as the straight line goes, so that what was surer stays surer."""
    for (low, said), (high, known) in pairwise(_MEASURED):
        if belief <= high:
            return round(said + (known - said) * (belief - low) / (high - low), 3)
    return _MEASURED[-1][1]
