"""A diagnosis in a terminal: a tree from cause to effects, sparklines beside what was measured, and colour where there is any."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text as Line
from rich.tree import Tree

from api.report.outline import AGAINST, EFFECTS, EVIDENCE, Branch, Outline, Proof, sections
from core.language import Language

MAX_TIMELINE = 12
_BAD, _FAINT, _STRONG = "bold red", "dim", "bold"


def render(read: Outline, language: Language) -> Group:
    parts: list[RenderableType] = [Line(f"{read.subject}  {read.window}", style=_FAINT)]
    parts += [_tree(branch, language) for branch in read.branches]
    if not read.branches:
        parts.append(Line(read.verdict, style=_STRONG))
    for heading, lines in sections(read, language):
        parts.append(Line(f"\n{heading}", style=_STRONG))
        parts += [Line(f"  {line}") for line in lines[-MAX_TIMELINE:]]
    return Group(*parts)


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
        line = Line(proof.text)
        if proof.spark:
            line.append(f"  {proof.spark}", style="cyan")
        line.append(f"  {proof.ref}", style=_FAINT)
        below.add(line)
