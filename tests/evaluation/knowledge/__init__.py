"""How well questions are answered from the shipped pages and from documents as teams keep them: `questions/`, `documents/`.

A question is a line of a file: id, its language, its kind, the pages that answer (any of them), what the passage that answers holds (one
of these), and its text as somebody typed or pasted it. `same`: the page is in the question's language. `cross`: it exists in the other
one only. `none`: nothing here answers. Half of them, told by a hash of the id, is never looked at while the search is being tuned.
"""
