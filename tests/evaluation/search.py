"""How well the shipped runbooks are found by questions as people ask them, in both languages."""

import tempfile
from pathlib import Path

from core.clock import SystemClock
from knowledge_base.knowledge import SHIPPED
from tests.evaluation.score import SearchScore, rank, search_score
from tests.knowledge_base.fakes import empty_database, knowledge, pages_of
from tests.knowledge_base.questions import CROSSING, SAME_LANGUAGE, UNANSWERABLE

LIMIT = 5


async def score() -> SearchScore:
    with tempfile.TemporaryDirectory() as folder:
        database = await empty_database(Path(folder))
        base = knowledge(database, SystemClock(), SHIPPED)
        await base.load()
        ranks = []
        for question in (*SAME_LANGUAGE, *CROSSING):
            answer = await base.search(question.text, limit=LIMIT, language=question.reads)
            ranks.append(rank(question.page, pages_of(answer.hits)))
        refused = [
            (await base.search(question.text, limit=LIMIT, language=question.reads)).nothing_found
            for question in UNANSWERABLE
        ]
        await database.close()
    return search_score(ranks, refused)
