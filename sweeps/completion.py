"""Completion in the shell: in bash, ``eval "$(seedbed completion bash)"`` and then the tab key."""

import argparse
import io
import os
import re
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module

import yaml

from sweeps import CONF

COMPOSED = ("train", "tune", "study")
"""Commands that take ``KEY=VALUE``."""

NOT_TAKEN = {"train": {"space", "study"}, "tune": {"experiment", "space", "study"}, "study": set()}
"""Groups of ``conf/`` that are no settings of a command."""

KEYS_OF = {"tune": "tune.yaml", "study": "study_plan.yaml"}
"""Files with keys of a command's own."""

ASK = "_SEEDBED_LINE"
"""The environment variable by which a shell asks for candidates: the command line up to the cursor."""

SCRIPTS = {
    "bash": """\
_seedbed() {
    local line="${COMP_LINE:0:COMP_POINT}" word before
    word="${line##* }"
    before="${word%"${COMP_WORDS[COMP_CWORD]#[=:]}"}"  # what bash takes for words of their own: key, =, value
    COMPREPLY=($(_SEEDBED_LINE="$line" seedbed completion bash 2>/dev/null))
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=./] ]] && compopt -o nospace 2>/dev/null
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
}
complete -o default -F _seedbed seedbed
""",
    "zsh": """\
_seedbed() {
    local -a found
    found=($(_SEEDBED_LINE="${(j: :)words[1,CURRENT]}" seedbed completion zsh 2>/dev/null))
    if (( ${#found} )); then
        compadd -S '' -- ${(M)found:#*[=./]}
        compadd -- ${found:#*[=./]}
    else
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _seedbed seedbed
""",
    "fish": """\
function __seedbed
    _SEEDBED_LINE=(commandline -cp) seedbed completion fish 2>/dev/null
end
complete -c seedbed -a '(__seedbed)'
""",
}


def candidates(line: str) -> list[str]:
    """The completions of the last word of a command line; none for a file or a free value.

    Args:
        line: ``seedbed`` and what follows it, up to the cursor.
    """
    from sweeps.cli import COMMANDS

    _, *words = line.split()
    word = "" if line.endswith(" ") else words.pop() if words else ""
    if not words:
        return [name for name in COMMANDS if name.startswith(word)]
    name = words[0]
    if name not in COMMANDS:
        return []
    if word.startswith("-"):
        options = re.findall(r"(?<![\w-])--?[a-z][\w-]*", _printed(COMMANDS[name].module, ["--help"]))
        return sorted({option for option in options if option.startswith(word)})
    if name == "completion":
        return [shell for shell in SCRIPTS if shell.startswith(word)]
    if name in COMPOSED and words[-1] != "--config-dir":
        return _overrides(name, words[1:], word)
    return []


def _overrides(command: str, words: list[str], word: str) -> list[str]:
    """Groups, their options, and keys: those of a run's config, as the words before compose it, and the command's."""
    options = _options()
    if command == "study" and not word.startswith("hydra"):
        taken = {each for each in options if each.startswith("study=")} | {"study="}
        return sorted(each for each in taken | _own_keys(command) if each.startswith(word) and each != word)
    taken = {each for each in options if each.split("=")[0] not in NOT_TAKEN[command]}
    groups = {each.split("=")[0] for each in options}
    known = taken if "=" in word else {f"{each.split('=')[0]}=" for each in taken} | _own_keys(command)
    composed = [] if command == "study" else words  # a plan is no config of a run
    found = {each for each in _asked_hydra(composed, word) if each.split("=")[0] not in NOT_TAKEN[command]}
    return sorted(found - groups | {each for each in known if each.startswith(word)})


def _options() -> set[str]:
    """``GROUP=OPTION`` for every file of ``conf/``: Hydra leaves out those in folders, such as acrobot/ppo."""
    files = (path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.glob("*/**/*.yaml"))
    return {name.replace("/", "=", 1) for name in files if not name.startswith("hydra/")}


def _own_keys(command: str) -> set[str]:
    if command not in KEYS_OF:
        return set()
    content = yaml.safe_load((CONF / KEYS_OF[command]).read_text(encoding="utf-8"))
    return {f"{key}=" for key in content if key != "defaults"}


def _asked_hydra(words: list[str], word: str) -> set[str]:
    """Hydra's answer, without the sign of equality behind a group."""
    options = []
    if "--config-dir" in words:
        place = words.index("--config-dir")
        options = words[place : place + 2]
        del words[place : place + 2]
    os.environ["COMP_LINE"] = " ".join(["train", *words, word])
    return set(_printed("sweeps.hydra_command", [*options, "--shell-completion", "query=bash"]).split())


def _printed(module: str, arguments: list[str]) -> str:
    """The output of a command."""
    with redirect_stdout(io.StringIO()) as out, suppress(SystemExit):
        import_module(module).main(arguments)
    return out.getvalue()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="seedbed completion",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Print a script that lets your shell complete commands, options and settings.",
        epilog="""to keep it, add the line to the file that your shell reads when it starts:
  ~/.bashrc                    eval "$(seedbed completion bash)"
  ~/.zshrc                     eval "$(seedbed completion zsh)"
  ~/.config/fish/config.fish   seedbed completion fish | source""",
    )
    result.add_argument("shell", choices=SCRIPTS, help="your shell")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the script for a shell or, when the shell asks, one candidate a line."""
    shell = parser().parse_args(arguments).shell
    line = os.environ.get(ASK)
    print(SCRIPTS[shell] if line is None else "\n".join(candidates(line)), end="" if line is None else "\n")


if __name__ == "__main__":
    main()
