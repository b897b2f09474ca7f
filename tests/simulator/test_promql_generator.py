import pytest

from simulator.promql.engine import checked
from simulator.promql.errors import PromqlError
from tests.simulator.promql_generator import Generator
from tests.simulator.promql_vocabularies import VOCABULARIES


def made(kind: str, seed: int, count: int = 200) -> list[str]:
    generator = Generator(seed, VOCABULARIES[kind])
    return [generator.expression() for _ in range(count)]


def test_a_seed_makes_the_same_expressions_again_and_another_seed_others() -> None:
    assert made("odd", 3) == made("odd", 3)
    assert made("odd", 3) != made("odd", 4)


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_nearly_all_that_is_made_is_well_formed_and_hardly_any_twice(kind: str) -> None:
    expressions = made(kind, 9)
    assert sum(well_formed(expression) for expression in expressions) >= 190
    assert len(set(expressions)) >= 180


def well_formed(expression: str) -> bool:
    try:
        checked(expression)
    except PromqlError:
        return False
    return True
