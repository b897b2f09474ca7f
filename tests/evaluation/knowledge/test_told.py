"""No answer leans on the order of a set of strings, which is another one in every process."""

import os
import subprocess
import sys


def test_the_same_question_has_the_same_answer_in_a_process_that_hashes_otherwise() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-m", "tests.evaluation.knowledge.told"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert said[0].count("'page'") > 20
