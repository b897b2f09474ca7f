"""What commands share: where the server is, and how a command ends."""

from typing import Annotated, Any

import typer

Server = Annotated[
    str, typer.Option(envvar="FIRSTMATE_SERVER", help="A running Firstmate; default: the one on this machine.")
]
Token = Annotated[str, typer.Option(envvar="FIRSTMATE_TOKEN", help="Bearer token for that server.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def run_to_its_end(work: Any) -> Any:
    """Run a coroutine to its end; an error of the tree is one sentence and exit code 1, an interrupt is no error."""
    import asyncio

    from core.errors import FirstmateError

    try:
        return asyncio.run(work)
    except FirstmateError as error:
        stop(error.sentence)
    except OSError as error:
        stop(f"{error.strerror or error}: {error.filename or 'the system'}")
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def stop(sentence: str) -> None:
    typer.echo(f"firstmate: {sentence}", err=True)
    raise typer.Exit(1)
