"""Completion in the shell: in bash, ``eval "$(seedbed completion bash)"`` and then the tab key."""

import argparse
import io
import os
import re
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module

from sweeps import CONF

COMPOSED = ("train", "tune", "study")
"""Commands that take the settings of a run."""

ASK = "_SEEDBED_LINE"
"""The environment's variable with the command line up to the cursor; a shell sets it to ask for candidates."""

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
    """What the last word of a command line can become; none where that is a file or free.

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
        return _overrides(words[1:], word)
    return []


def _overrides(words: list[str], word: str) -> list[str]:
    """Hydra's answer: groups, their options, and keys, of the config that the words before compose."""
    options = []
    if "--config-dir" in words:
        place = words.index("--config-dir")
        options = words[place : place + 2]
        del words[place : place + 2]
    os.environ["COMP_LINE"] = " ".join(["train", *words, word])
    found = set(_printed("sweeps.hydra_command", [*options, "--shell-completion", "query=bash"]).split())
    # Hydra leaves out options in folders, such as experiment=acrobot/ppo, and the sign of equality of such a group.
    files = (path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.glob("*/**/*.yaml"))
    ours = {name.replace("/", "=", 1) for name in files if not name.startswith("hydra/")}
    groups = {name.split("=")[0] for name in ours}
    known = ours if "=" in word else {f"{group}=" for group in groups}
    return sorted(found - groups | {each for each in known if each.startswith(word)})


def _printed(module: str, arguments: list[str]) -> str:
    """What a command prints."""
    with redirect_stdout(io.StringIO()) as out, suppress(SystemExit):
        import_module(module).main(arguments)
    return out.getvalue()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="seedbed completion",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Print what makes a shell complete commands, their options, and the settings of train.",
        epilog="""for good, in the file that the shell reads when it starts:
  ~/.bashrc                    eval "$(seedbed completion bash)"
  ~/.zshrc                     eval "$(seedbed completion zsh)"
  ~/.config/fish/config.fish   seedbed completion fish | source""",
    )
    result.add_argument("shell", choices=SCRIPTS, help="the shell that is to complete")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the script of a shell, or, asked by it, the candidates of a command line, one a line."""
    shell = parser().parse_args(arguments).shell
    line = os.environ.get(ASK)
    print(SCRIPTS[shell] if line is None else "\n".join(candidates(line)), end="" if line is None else "\n")


if __name__ == "__main__":
    main()
