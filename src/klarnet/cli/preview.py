"""`klarnet augment-preview`: what the augmentation of a recipe does to some examples, as a picture."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Data, RecipeName, Seed, Sets, changes

PREVIEW_EXAMPLES = """\
Examples:
  klarnet augment-preview cifar --data cifar10.zip
  klarnet augment-preview my.toml --out sheet.png --examples 4 --epochs 12"""


def augment_preview(
    recipe: RecipeName,
    /,
    *,
    data: Data = None,
    out: Annotated[
        str | None, Parameter(help="Picture to write; by default RECIPE-augmentation.png.")
    ] = None,
    set_: Sets = None,
    examples: Annotated[int, Parameter(help="Rows, of each class in turn.")] = 8,
    epochs: Annotated[int, Parameter(help="Columns behind the original.")] = 8,
    seed: Seed = None,
) -> int:
    """Draw a contact sheet of training examples and their augmentation.

    A row for each example: as it is, then as the training will see it in its
    first epochs, to the pixel.
    """
    import io
    from pathlib import Path

    from klarnet.data import Dataset
    from klarnet.data.augment import contact_sheet
    from klarnet.network.files import write_atomically
    from klarnet.tasks.parts import Examples
    from klarnet.tasks.recipes import augmentation_of, find_recipe

    chosen = find_recipe(recipe, changes(set_, data__path=data, seed=seed))
    steps = augmentation_of(chosen)
    if not steps:
        raise chosen.origin.error((), "no [[augmentation]] in this recipe, nothing to show")
    train = Examples(chosen).train
    if not isinstance(train, Dataset):
        train = train[: 16 * examples].load()
    sheet = contact_sheet(train, steps, chosen.seed, examples=examples, variants=epochs)
    path = Path(out or f"{chosen.name}-augmentation.png")
    written = io.BytesIO()
    sheet.save(written, format="PNG", optimize=True)
    write_atomically(path, written.getvalue())
    print(f"sheet: {path}")
    return 0
