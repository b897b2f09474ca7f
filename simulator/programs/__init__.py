"""How programs behave inside their containers: what they need to come up, what they say when they do not, how they ail while they run."""

from simulator.programs.ends import Exit, Note
from simulator.programs.launch import Launch, Refusal
from simulator.programs.start import come_up, refusal

__all__ = ["Exit", "Launch", "Note", "Refusal", "come_up", "refusal"]
