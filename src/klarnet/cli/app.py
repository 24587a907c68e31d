"""The program: its commands and what its help says."""

from __future__ import annotations

from collections.abc import Callable

from cyclopts import App

import klarnet

from .apply import EVALUATE_EXAMPLES, PREDICT_EXAMPLES, evaluate, predict
from .compare import COMPARE_EXAMPLES, compare
from .cross_validate import CROSS_VALIDATE_EXAMPLES, cross_validate
from .explain import EXPLAIN_EXAMPLES, explain
from .lm import LM_SCORE_EXAMPLES, LM_TRAIN_EXAMPLES, lm_score, lm_train
from .preview import PREVIEW_EXAMPLES, augment_preview
from .recipes import RECIPE_EXAMPLES, RECIPES_EXAMPLES, recipe, recipes
from .sample import SAMPLE_EXAMPLES, sample
from .show import INFO_EXAMPLES, SUMMARY_EXAMPLES, info, summary
from .train import RESUME_EXAMPLES, TRAIN_EXAMPLES, resume, train
from .tune import LR_FIND_EXAMPLES, TUNE_EXAMPLES, lr_find, tune

HELP = "Neural networks you can read, trained fast on the CPU you have."
EPILOGUE = """\
Begin with:  klarnet train digits
More of one: klarnet train --help

Exit codes: 0 done; 1 the program failed; 2 bad input or usage; 130 Ctrl-C;
143 SIGTERM.
Errors are one line; --debug, anywhere, shows where they come from."""

app = App(
    name="klarnet",
    help=HELP,
    help_format="plaintext",
    help_epilogue=EPILOGUE,
    version=f"klarnet {klarnet.__version__}",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # ours to report
)

# What the help lists, in this order: the command, what it takes before its options, examples.
COMMANDS: tuple[tuple[Callable[..., int], str, str], ...] = (
    (train, "RECIPE", TRAIN_EXAMPLES),
    (resume, "RUN", RESUME_EXAMPLES),
    (recipes, "", RECIPES_EXAMPLES),
    (recipe, "NAME", RECIPE_EXAMPLES),
    (tune, "RECIPE", TUNE_EXAMPLES),
    (cross_validate, "RECIPE", CROSS_VALIDATE_EXAMPLES),
    (lr_find, "RECIPE", LR_FIND_EXAMPLES),
    (augment_preview, "RECIPE", PREVIEW_EXAMPLES),
    (evaluate, "RUN", EVALUATE_EXAMPLES),
    (predict, "RUN [FILE...]", PREDICT_EXAMPLES),
    (sample, "RUN", SAMPLE_EXAMPLES),
    (compare, "RUN RUN...", COMPARE_EXAMPLES),
    (summary, "WHAT", SUMMARY_EXAMPLES),
    (explain, "TOPIC WORD", EXPLAIN_EXAMPLES),
    (lm_train, "CORPUS...", LM_TRAIN_EXAMPLES),
    (lm_score, "MODEL TEXT...", LM_SCORE_EXAMPLES),
    (info, "", INFO_EXAMPLES),
)
# Commands of two words: the first one, and what its help says.
GROUPS = {"lm": "Train language models of characters, and see how well they foresee texts."}


def word(command: Callable[..., int]) -> str:
    """What a command is called: lr_find -> lr-find, lm_train -> lm train."""
    first, _, rest = command.__name__.partition("_")
    return f"{first} {rest}" if first in GROUPS else command.__name__.replace("_", "-")


groups: dict[str, App] = {}
for order, (command, takes, examples) in enumerate(COMMANDS):
    usage = " ".join(f"Usage: klarnet {word(command)} {takes} [OPTIONS]".split())
    *first, name = word(command).split()
    home = app
    for group in first:
        if group not in groups:
            groups[group] = App(
                name=group,
                help=GROUPS[group],
                help_format="plaintext",
                help_epilogue=f"More of one: klarnet {word(command)} --help",
                sort_key=order,
            )
            app.command(groups[group])
        home = groups[group]
    home.command(command, name=name, usage=usage, help_epilogue=examples, sort_key=order)
