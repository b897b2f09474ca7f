"""What a log says: entries out of lines, templates out of entries, and sentences with a meaning out of both."""
