"""The formats that people keep their knowledge in, one file each, all read to structured Markdown.

`table.FORMATS` names them; each is a pure function from bytes to a Reading. What a hostile file could make expensive is bounded by work
that is counted (bytes, characters, pages, entries), never by a clock, so that the same file is taken or refused on every machine.
"""
