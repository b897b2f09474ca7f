"""Answers to some questions over a few documents, printed: to be compared with those of another process."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from core.clock import SystemClock
from tests.evaluation.knowledge.questions import DOCUMENTS, questions
from tests.knowledge_base.fakes import empty_database, knowledge


async def told() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        for page in sorted(DOCUMENTS.iterdir())[::5]:
            shutil.copy(page, folder)
        database = await empty_database(Path(folder))
        base = knowledge(database, SystemClock(), Path(folder))
        await base.load()
        answers = [await base.search(question.text) for question in questions()[::12]]
        await database.close()
    return [repr([hit.model_dump(exclude={"path"}) for hit in answer.hits]) for answer in answers]


if __name__ == "__main__":
    sys.stdout.write("\n".join(asyncio.run(told())) + "\n")
