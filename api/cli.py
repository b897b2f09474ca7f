"""The command line. Everything heavy is imported inside the command that needs it: `firstmate --help` must answer at once.

`ask` and `tool` are clients of the HTTP API, so the terminal is one more face on the same road: they use the server named by ``--server``
(or ``FIRSTMATE_SERVER``), else the one running on this machine, else they start one for the length of the command. `diagnose` asks such a
server too, but starts none: without one it reads the cluster itself, and bundles it always reads itself.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from api.commands import AsJson, Server, Token, run_to_its_end, stop
from api.kbcommands import kb

app = typer.Typer(
    name="firstmate",
    help="Keeps the watch over Kubernetes, explains what it sees, and repairs on your word. 值守、解释、经你同意后修复。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(help="Named tokens for people and programs.", no_args_is_help=True)
app.add_typer(tokens, name="token")
secret = typer.Typer(help="Secrets for settings and files of receivers.", no_args_is_help=True)
app.add_typer(secret, name="secret")
alerts = typer.Typer(no_args_is_help=True, help="Check rule and route files; try a receiver or a template.")
app.add_typer(alerts, name="alerts")

app.add_typer(kb, name="kb")

ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML settings file; the environment wins over it.")]


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the console and the API.")] = 8080,
    incident_after: Annotated[
        float, typer.Option(help="Seconds until an incident begins by itself; 0: none.", min=0)
    ] = 60.0,
    fault: Annotated[
        str, typer.Option(help="Which fault begins; 'any': the simulator's choice among all.")
    ] = "oom_killed",
    data_dir: Annotated[Path, typer.Option(help="Folder for what the demo keeps.")] = Path(".var/demo"),
) -> None:
    """The whole product against a simulated cluster: no key, no server, no cluster."""
    from api.demo import run_demo

    run_to_its_end(run_demo(port=port, incident_after=incident_after, fault=fault, folder=data_dir))


@app.command()
def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve against the Prometheus, clusters and models in the settings."""
    from api.server import run_server
    from core.config import check, load

    def start() -> Any:
        loaded = load(config, host=host, port=port)
        check(loaded.settings)
        return run_server(loaded)

    run_to_its_end(_guarded(start))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In Chinese or English.")],
    mode: Annotated[
        Literal["auto", "rag", "mcp"], typer.Option(help="Let it choose, or force knowledge or tools.")
    ] = "auto",
    session: Annotated[str | None, typer.Option(help="Go on with an earlier conversation.")] = None,
    alert: Annotated[str | None, typer.Option(help="Fingerprint of the alert you ask about.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse every repair without asking (for scripts).")] = False,
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Ask; a repair that needs your word is shown and asked for here."""
    from api.terminal import ask as ask_in_terminal

    run_to_its_end(
        ask_in_terminal(
            question,
            mode=mode,
            session=session,
            alert=alert,
            refuse=refuse,
            server=server,
            token=token,
            as_json=as_json,
        )
    )


@app.command()
def diagnose(
    bundles: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Support bundles, folders or .tar.gz, .tgz, .tar, .zip: read here, without a server. None: the live cluster."
        ),
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace to look at.")] = "",
    name: Annotated[str, typer.Option(help="One workload or Service in it.")] = "",
    since: Annotated[str, typer.Option(help="How far back, such as 30m or 2h.")] = "1h",
    language: Annotated[Literal["en", "zh"], typer.Option(help="Of what is said.")] = "en",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again and again, and tell what changed (the live cluster only).")
    ] = False,
    every: Annotated[str, typer.Option(help="With --watch: the time between two looks.")] = "15s",
    report: Annotated[
        Literal["html", "md"] | None, typer.Option(help="A report to mail or to file instead of text; of one bundle.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the report; its ending tells the form.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 if trouble was found, 4 if too little could be read.")
    ] = False,
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Find the cause of trouble in the live cluster or in bundles, with evidence and without any model.

    Exit codes: 0 a diagnosis was made; 1 none could be made, and why is said; 2 wrong use; 130 interrupted.
    With --exit-code: 0 healthy, 3 trouble was found, 4 nothing was found but not everything could be read.
    """
    from api.diagnosing import Ask, Wish, run_diagnose

    ask = _guarded_value(lambda: Ask(namespace, name, _seconds(since), language))
    wish = _guarded_value(
        lambda: Wish(
            as_json=as_json, report=report, output=output, every=_seconds(every) if watch else 0, exit_code=exit_code
        )
    )
    code = run_to_its_end(run_diagnose(bundles or [], ask, wish, server, token))
    if code:
        raise typer.Exit(code)


@app.command()
def collect(
    config: ConfigFile = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace to look at; default: all.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder or .tar.gz to write; default: the folder firstmate-bundle-<time>."),
    ] = None,
    since: Annotated[str, typer.Option(help="How far back metrics go, such as 30m or 2h.")] = "1h",
    context: Annotated[str, typer.Option(help="kubeconfig context; default: the current one.")] = "",
) -> None:
    """Write what a diagnosis needs of a live cluster into a folder: no Secret's value, and no server has to run."""
    from datetime import UTC, datetime

    from rich.console import Console

    from api.collecting import Wanted, summary
    from api.collecting import collect as collect_bundle
    from core.config import load

    folder = output or Path(f"firstmate-bundle-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    loaded = _guarded_value(lambda: load(config))
    wanted = _guarded_value(lambda: Wanted(namespace or None, _seconds(since), folder, context))

    async def run() -> None:
        console = Console(stderr=True, highlight=False)
        snapshot = await collect_bundle(loaded.settings, wanted, console)
        for gap in snapshot.gaps:
            console.print(f"? {gap.what}: {gap.why}", style="yellow", markup=False)
        console.print(summary(snapshot), markup=False)
        typer.echo(folder)

    run_to_its_end(run())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def tool(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A tool's name; without one the tools are listed.")] = "",
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Call one tool: firstmate tool list_objects --kind Pod --namespace shop."""
    from api.terminal import call_tool, list_tools

    if not name:
        run_to_its_end(list_tools(server=server, token=token, as_json=as_json))
        return
    run_to_its_end(call_tool(name, context.args, server=server, token=token, as_json=as_json))


@app.command()
def report(
    date: Annotated[str, typer.Option(help="A day such as 2026-03-02; default: today so far.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone of that day, such as Asia/Shanghai.")] = "UTC",
    language: Annotated[Literal["en", "zh"], typer.Option(help="Of the page.")] = "en",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the page; default: standard output.")
    ] = None,
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """One day of alerts as an HTML page with charts, or as JSON."""
    from api.terminal import daily_report

    run_to_its_end(daily_report(date, zone, language, output, server=server, token=token, as_json=as_json))


@app.command()
def duty(
    at: Annotated[str, typer.Option(help="A moment such as 2026-03-02T21:00+08:00; default: now.")] = "",
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Who is on duty, and who comes next, for every rota."""
    from api.terminal import on_duty

    run_to_its_end(on_duty(at, server=server, token=token, as_json=as_json))


@app.command()
def mcp(
    config: ConfigFile = None,
    role: Annotated[
        Literal["viewer", "operator"], typer.Option(help="What the IDE on the other end may do.")
    ] = "operator",
) -> None:
    """Speak MCP on standard input and output, for an IDE. Over HTTP, MCP is at /mcp of a running server."""
    from api.server import run_mcp_stdio
    from core.config import load

    run_to_its_end(_guarded(lambda: run_mcp_stdio(load(config), role)))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def simulator(context: typer.Context) -> None:
    """Run the simulated cluster by itself (firstmate simulator --help for its options; play --list for incidents to practise on)."""
    import subprocess

    # A process of its own: the product never imports the world it is tried in.
    sys.exit(subprocess.call([sys.executable, "-m", "simulator", *context.args]))  # noqa: S603 - our own interpreter, no shell


@app.command()
def config(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print the settings in force and where each value came from; secrets are masked."""
    from api.terminal import print_config
    from core.config import load

    print_config(_guarded_value(lambda: load(config)), as_json=as_json)


@app.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to this version's tables."""
    from api.server import run_migrations
    from core.config import load

    run_to_its_end(_guarded(lambda: run_migrations(load(config).settings)))


@alerts.command("check")
def alerts_check(
    files: Annotated[list[Path], typer.Argument(help="Rule files and Alertmanager configuration files.")],
) -> None:
    """Read files as `serve` reads them, without using them; ends with 1 if one is bad."""
    from api.alerting import check

    said = check(files)
    for sentence, _ in said:
        print(sentence)  # noqa: T201 - this command's output
    if not all(good for _, good in said):
        raise typer.Exit(1)


@alerts.command("template")
def alerts_template(
    text: Annotated[str, typer.Option("--template.text", help="The template to render.")],
    globs: Annotated[list[str] | None, typer.Option("--template.glob", help="Template files; may be repeated.")] = None,
    data: Annotated[
        Path | None, typer.Option("--template.data", help="A message as JSON (a webhook's body); default: a sample.")
    ] = None,
    kind: Annotated[Literal["text", "html"], typer.Option("--template.type", help="How values are escaped.")] = "text",
    language: Annotated[Literal["en", "zh"], typer.Option(help="Whose standard templates may be called.")] = "en",
) -> None:
    """Render a notification template to standard output, as `amtool template render` does."""
    from api.alerting import render

    typer.echo(_guarded_value(lambda: render(text, globs or [], data, kind, language)))


@alerts.command("test")
def alerts_test(
    receiver: Annotated[str, typer.Argument(help="A receiver's name, as the route file has it.")],
    server: Server = "",
    token: Token = "",
) -> None:
    """Send a receiver a message that says it is only a test; ends with 1 if it did not arrive by every way."""
    from api.client import connect

    async def send() -> None:
        async with connect(server, token) as client:
            outcomes = await client.post(f"/alerts/receivers/{quote(receiver, safe='')}/test", {})
        for one in outcomes:
            print(f"{one['way']}: {'sent' if one['delivered'] else 'NOT SENT'}, {one['said']}")  # noqa: T201 - as above
        if not outcomes or not all(one["delivered"] for one in outcomes):
            raise typer.Exit(1)

    run_to_its_end(send())


@alerts.command("unit-test")
def alerts_unit_test(
    files: Annotated[list[Path], typer.Argument(help="Files of tests, as `promtool test rules` reads them.")],
    server: Server = "",
    token: Token = "",
) -> None:
    """Test the rules that the server keeps, whatever `rule_files` says; ends with 1 if a test failed."""
    from alerts.fields import read_text
    from api.client import connect

    async def ask() -> None:
        contents = [read_text(file, "file of tests") for file in files]
        async with connect(server, token) as client:
            verdicts = [await client.post("/alerts/rules/unit-test", {"content": content}) for content in contents]
        for file, verdict in zip(files, verdicts, strict=True):
            print(f"{file}: {'passed' if verdict['passed'] else 'FAILED'}\n{verdict['said']}")  # noqa: T201 - as above
        if not all(verdict["passed"] for verdict in verdicts):
            raise typer.Exit(1)

    run_to_its_end(ask())


@secret.command("encrypt")
def secret_encrypt(config: ConfigFile = None) -> None:
    """Read a secret from standard input and print it encrypted under SECRET_KEY, to be written where the secret would be."""
    import getpass

    from core.config import load_key
    from core.errors import Invalid
    from core.secrets import encrypt

    def encrypted() -> str:
        key = load_key(config)
        given = sys.stdin.read().strip("\r\n") if not sys.stdin.isatty() else getpass.getpass("Secret: ")
        if not given:
            raise Invalid("Nothing was given: write the secret to standard input.")
        return encrypt(key, given)

    print(_guarded_value(encrypted))  # noqa: T201 - this command's output


@tokens.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    role: Annotated[Literal["viewer", "operator", "admin"], typer.Option(help="What it may do.")] = "viewer",
    days: Annotated[int, typer.Option(help="Days it is good for; 0: until removed.", min=0)] = 0,
    config: ConfigFile = None,
) -> None:
    """Make a named token; it is shown once."""
    from api.server import with_doorkeeper
    from core.config import load

    async def add() -> None:
        async with with_doorkeeper(load(config).settings) as doorkeeper:
            print(await doorkeeper.add(name, role, days or None))  # noqa: T201 - the token is this command's output

    run_to_its_end(add())


@tokens.command("list")
def token_list(config: ConfigFile = None) -> None:
    """The named tokens and their roles; never the tokens themselves."""
    from api.server import with_doorkeeper
    from api.terminal import print_tokens
    from core.config import load

    async def show() -> None:
        async with with_doorkeeper(load(config).settings) as doorkeeper:
            print_tokens(await doorkeeper.tokens())

    run_to_its_end(show())


@tokens.command("remove")
def token_remove(name: Annotated[str, typer.Argument()], config: ConfigFile = None) -> None:
    """Remove a named token; it stops working at once."""
    from api.server import with_doorkeeper
    from core.config import load

    async def remove() -> None:
        async with with_doorkeeper(load(config).settings) as doorkeeper:
            await doorkeeper.remove(name)

    run_to_its_end(remove())


def main() -> None:
    os.umask(0o077)  # what is kept here holds tokens and what systems said: for its owner alone
    app()


async def _guarded(start: Any) -> None:
    await start()


def _guarded_value(make: Any) -> Any:
    from core.errors import FirstmateError

    try:
        return make()
    except FirstmateError as error:
        stop(error.sentence)


def _seconds(text: str) -> int:
    from api.spans import seconds

    return seconds(text)


if __name__ == "__main__":
    main()
