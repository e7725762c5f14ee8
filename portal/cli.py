"""The `yinxin` command: one group per context, errors with code and remedy, exit codes of `portal.exits`."""

import sys

import click

from portal.commands.authority import authority
from portal.commands.issue import issue
from portal.commands.keys import keys
from portal.commands.ledger import ledger
from portal.commands.output import show_error
from portal.commands.register import register
from portal.commands.seal import seal
from portal.commands.service import bench, demo, init, serve
from portal.commands.sso import sso
from portal.commands.verify import verify
from portal.commands.witness import witness
from portal.exits import exit_code_of
from portal.telemetry import configure_logging
from trust.kernel.errors import InternalFault, MalformedInput, TrustError

ABORTED = 130  # what a shell reports after an interrupt


class CommandLineUnreadable(MalformedInput):
    """The words after `yinxin` name no command, or an option or value that the command does not take."""

    code = "command-line"
    title = "The command line cannot be read."
    title_zh = "命令行无法识别。"
    remedy = "Correct what the line above names; --help lists the commands and options."
    remedy_zh = "请更正上一行所指之处；--help 列出全部命令与选项。"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="yinxin-trust-service", prog_name="yinxin")
def yinxin() -> None:
    """印信 yinxin: electronic certificates, e-seals, verification and trust passing for a government counter."""
    configure_logging("warning")  # to standard error: standard output holds nothing but the result


for command in (init, serve, demo, issue, verify, seal, keys, ledger, authority, register, sso, witness, bench):
    yinxin.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the designed code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing but our own errors is ever shown as a traceback."""
    try:
        result = yinxin.main(args=arguments, prog_name="yinxin", standalone_mode=False)
    except TrustError as error:
        return show_error(error)
    except click.exceptions.Abort:
        return ABORTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return exit_code_of(CommandLineUnreadable)
    except click.ClickException as error:
        error.show()
        return show_error(CommandLineUnreadable(field=_option(error)))
    except Exception as error:  # noqa: BLE001  whatever it is, its text may quote the data it choked on
        return show_error(InternalFault(f"{type(error).__name__} in a place that did not expect it."))
    return result if isinstance(result, int) else 0


def _option(error: click.ClickException) -> str | None:
    parameter = error.param if isinstance(error, click.BadParameter) else None
    return None if parameter is None else parameter.name
