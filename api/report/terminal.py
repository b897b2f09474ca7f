"""A diagnosis in a terminal: a tree from cause to effects, sparklines beside what was measured, and colour where there is any."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text as Line
from rich.tree import Tree

from api.report.outline import AGAINST, EFFECTS, EVIDENCE, MORE, TIMELINE, Branch, Outline, Proof, sections
from core.language import Language

MAX_LINES = 12
MAX_PROOF_ROWS = 4
"""Of one piece of evidence; the whole of it is in --json and in a report."""
_BAD, _FAINT, _STRONG = "bold red", "dim", "bold"


def render(read: Outline, language: Language) -> Group:
    parts: list[RenderableType] = [Line(f"{read.subject}  {read.window}", style=_FAINT)]
    parts += [_tree(branch, language) for branch in read.branches]
    if not read.branches:
        parts.append(Line(read.verdict, style=_STRONG))
    for heading, lines in sections(read, language):
        parts.append(Line(f"\n{heading}", style=_STRONG))
        parts += [Padding(Line(line), (0, 0, 0, 2)) for line in _last(lines, heading, language)]
    return Group(*parts)


def _last(lines: Sequence[str], heading: str, language: Language) -> Sequence[str]:
    """Of the timeline its end, of all else everything: a gap is never left out."""
    if heading != TIMELINE(language) or len(lines) <= MAX_LINES:
        return lines
    return [f"… {MORE(language, count=len(lines) - MAX_LINES)}", *lines[-MAX_LINES:]]


def show(read: Outline, language: Language, console: Console) -> None:
    console.print(render(read, language))


def _tree(branch: Branch, language: Language) -> Tree:
    head = Line.assemble((f"\n{branch.title}", _BAD), "  ", (branch.component, _STRONG), "  ")
    head.append("  ".join(part for part in (branch.sure, branch.since) if part), style=_FAINT)
    tree = Tree(head)
    tree.add(Line(branch.statement))
    _proofs(tree, EVIDENCE(language), branch.proofs)
    _proofs(tree, AGAINST(language), branch.against)
    if branch.effects:
        below = tree.add(Line(EFFECTS(language), style=_STRONG))
        for effect in branch.effects:
            below.add(Line(effect))
    return tree


def _proofs(tree: Tree, heading: str, proofs: Sequence[Proof]) -> None:
    if not proofs:
        return
    below = tree.add(Line(heading, style=_STRONG))
    for proof in proofs:
        below.add(_Said(proof))


@dataclass(frozen=True, slots=True)
class _Said:
    """A piece of evidence in as many rows as are read, whatever the terminal's width; where it stands is never cut off."""

    proof: Proof

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        line = Line(self.proof.text)
        line.truncate(max(1, options.max_width * MAX_PROOF_ROWS), overflow="ellipsis")
        if self.proof.spark:
            line.append(f"  {self.proof.spark}", style="cyan")
        line.append(f"  {self.proof.ref}", style=_FAINT)
        yield line
