"""What containers write: kept per container run, current and previous, bounded."""

from simulator.logs.book import LogBook, LogLine

__all__ = ["LogBook", "LogLine"]
