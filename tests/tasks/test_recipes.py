"""Recipes: what may stand in them, where what may not stands, and that they survive their file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import klarnet as kn
from klarnet.tasks import recipes
from klarnet.tasks.recipes import as_toml, find_recipe, flat, in_full, parse, set_option
from klarnet.tasks.recipes.lines import lines_of
from klarnet.tasks.recipes.origin import shown

SMALL = """\
seed = 3
[data]
source = "digits"
[network]
layers = [
    {kind = "flatten"},
    {kind = "dense", units = 8, activation = "relu"},
    {kind = "dense", units = 10},   # as many as classes
    {kind = "softmax"},
]
[optimizer]
kind = "gradient_descent"
momentum = 0.9
[training]
epochs = 2
"""


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


@pytest.mark.parametrize("name", recipes.built_in())
def test_a_built_in_recipe_says_what_it_is_and_survives_its_file(name: str, tmp_path: Path) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name and recipe.about
    assert "#" in recipes.built_in_text(name)  # to be read by people
    full = in_full(recipe)
    recipes.write_recipe(tmp_path / "recipe.toml", full)
    again = find_recipe(tmp_path)
    assert flat(in_full(again)) == flat(full)


def test_the_layers_of_a_list() -> None:
    recipe = parse(SMALL, "my.toml", "my")
    net = recipes.network_of(recipe, (28, 28, 1), 10)
    assert [v.name for v in net.graph.vertices if v.layer] == [
        "flatten_1",
        "dense_1",
        "relu_1",
        "dense_2",
        "softmax_1",
    ]
    assert net.seed == 3
    optimizer = recipes.optimizer_of(recipe)
    assert isinstance(optimizer, kn.GradientDescent) and optimizer.momentum == 0.9


def test_schedule_regularisation_and_augmentation_become_objects() -> None:
    text = """
[schedule]
kind = "warm_up"
epochs = 1.5
then = {kind = "cosine", minimum = 0.1}
[regularisation]
label_smoothing = 0.2
[[augmentation]]
kind = "mirror"
[[augmentation]]
kind = "shift"
horizontal = 3
[transfer]
unfreeze = {3 = "dense_1", 5 = ["dense_*"]}
"""
    recipe = parse(SMALL + text, "my.toml", "my")
    schedule = recipes.schedule_of(recipe)
    assert (
        isinstance(schedule, kn.WarmUp)
        and isinstance(schedule.then, kn.Cosine)
        and schedule.then.minimum == 0.1
    )
    loss = recipes.loss_of(recipe)
    assert isinstance(loss, kn.CrossEntropy) and loss.label_smoothing == 0.2
    mirror, shift = recipes.augmentation_of(recipe)
    assert (mirror.name, shift.name) == ("mirror", "shift") and shift.horizontal == 3
    unfreezing = recipes.unfreezing_of(recipe)
    assert unfreezing is not None and unfreezing.groups == {3: ["dense_1"], 5: ["dense_*"]}
    again = parse(as_toml(in_full(recipe)), "x", "my")
    assert flat(in_full(again)) == flat(in_full(recipe))
    assert repr(recipes.schedule_of(again)) == repr(schedule)


def test_every_layer_of_the_library_has_a_word() -> None:
    words = recipes.layer_kinds()
    assert {"conv2d", "max_pool2d", "lstm", "batch_norm", "leaky_relu", "conv_transpose2d"} <= set(words)
    assert "add" not in words and "concat" not in words  # they take several inputs
    for word, kind in words.items():
        assert issubclass(kind, kn.Layer) and word == word.lower()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            changed("epochs", "epoch"),
            "my.toml:15: [training]: setting 'epoch' is not known, expected one of epochs, ",
        ),
        (changed("epochs", "epoch"), "; did you mean 'epochs'?"),
        (
            changed("[training]", "[trainig]"),
            "my.toml:14: setting 'trainig' is not known, expected one of data, ",
        ),
        (changed("= 2", '= "2"'), "my.toml:15: training.epochs '2', expected a whole number"),
        (changed("= 2", "= 0"), "my.toml:15: training.epochs 0, expected a whole number, 1 or more"),
        (changed("= 2", "= 2.5"), "my.toml:15: training.epochs 2.5, expected a whole number"),
        (changed("units = 8", "unit = 8"), "my.toml:7: [network.layers[1]]: setting 'unit' is not known"),
        (changed("units = 8", "units = -8"), "my.toml:7: [network.layers[1]]: Dense: units is -8"),
        (
            changed("units = 8, ", ""),
            "my.toml:7: network.layers[1].units is missing, expected a whole number",
        ),
        (
            changed('kind = "flatten"', 'kind = "flaten"'),
            "my.toml:6: network.layers[0].kind 'flaten' is not known",
        ),
        (changed('kind = "flatten"', ""), "my.toml:6: network.layers[0].kind is missing, expected one of "),
        (
            changed("momentum = 0.9", "momentum = 1.9"),
            "my.toml:11: [optimizer]: GradientDescent: momentum is 1.9",
        ),
        (
            changed("momentum = 0.9", "momentum = true"),
            "my.toml:13: optimizer.momentum True, expected a number",
        ),
        (changed("momentum = 0.9", "beta1 = 0.9"), "my.toml:13: [optimizer]: setting 'beta1' is not known"),
        (
            changed("[network]", '[network]\nbuilder = "mlp"'),
            "my.toml:4: [network] has both builder and layers",
        ),
        (
            changed("[network]", "[network]\ndepth = 3"),
            "my.toml:5: [network]: setting 'depth' cannot stand beside",
        ),
        (changed('source = "digits"', 'source = "digit"'), "my.toml:3: data.source 'digit' is not known"),
        (
            changed('source = "digits"', ""),
            "my.toml:2: data.source is missing, expected one of digits, mnist",
        ),
        (changed("seed = 3", "seed = -3"), "my.toml:1: seed -3, expected a whole number, 0 or more"),
        (
            changed("seed = 3", "engine = 'cuda'"),
            "my.toml:1: engine 'cuda' is not known, expected one of native, for",
        ),
        (changed("seed = 3", "training = 3\n"), "my.toml:15: no valid TOML: "),
        (changed("seed = 3", "seed ="), "my.toml:1: no valid TOML: "),
        (changed("seed = 3", "loss = 3"), "my.toml:1: loss 3, expected a table"),
        ("[network]\nbuilder = 'mlp'", "my.toml: data is missing, expected a table"),
        ("training = 3", "my.toml:1: training 3, expected a table [training]"),
        ("[data]\nsource = 'digits'\n[network]\n", "my.toml:3: [network] has neither builder nor layers"),
        (
            "[data]\nsource='digits'\n[network]\nlayers = []",
            "my.toml:4: network.layers: expected a list of tables",
        ),
        (
            "[data]\nsource='digits'\n[network]\nbuilder='vgg'\nfilters=['a']",
            "my.toml:5: network.filters[0] 'a', exp",
        ),
        (
            "[data]\nsource='digits'\n[network]\nbuilder='vgg'\nseed=1",
            "my.toml:5: [network]: setting 'seed' is not",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text, "my.toml", "my")
    found = str(caught.value)
    assert message in found and found.startswith("my.toml") and "\n" not in found, found


def test_what_only_the_network_finds_has_the_place_of_the_network() -> None:
    recipe = parse(changed('{kind = "flatten"}', '{kind = "max_pool2d", window = 40}'), "my.toml", "my")
    with pytest.raises(
        ValueError, match=r"^my.toml:4: \[network\]: max_pool2d_1 .*a window of 40 does not fit"
    ):
        recipes.network_of(recipe, (28, 28, 1), 10)


def test_a_file_that_is_no_text_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b"seed = 1\n\xff\xfe")
    with pytest.raises(ValueError, match=r"my.toml: byte 9 is no UTF-8"):
        find_recipe(tmp_path / "my.toml")
    with pytest.raises(FileNotFoundError, match=r"gone.toml: no such file"):
        find_recipe(tmp_path / "gone.toml")
    with pytest.raises(recipes.UnknownRecipeError, match="'dgits' is not known.*did you mean 'digits'"):
        find_recipe("dgits")
    with pytest.raises(recipes.UnknownRecipeError, match=r"expected one of digits, mnist(, \w+)*$"):
        find_recipe("xylophone")


def test_paths_are_meant_from_the_folder_of_the_recipe(tmp_path: Path) -> None:
    text = "[data]\nsource = 'mnist'\npath = '{}'\n[network]\nbuilder = 'mlp'\n"
    for given, meant in (("data/m", tmp_path / "data" / "m"), ("/data/m", Path("/data/m"))):
        (tmp_path / "my.toml").write_text(text.format(given))
        assert find_recipe(tmp_path / "my.toml").data["path"] == str(meant)


def test_names_come_from_the_file_unless_they_are_said(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SMALL)
    assert find_recipe(tmp_path / "mine.toml").name == "mine"
    (tmp_path / "mine.toml").write_text('name = "other"\n' + SMALL)
    assert find_recipe(tmp_path / "mine.toml").name == "other"


@pytest.mark.parametrize(
    ("option", "path", "value"),
    [
        ("training.epochs=3", "training.epochs", 3),
        ("optimizer.learning_rate = 1e-3", "optimizer.learning_rate", 1e-3),
        ("network.filters=[8, 16]", "network.filters", [8, 16]),
        ("network.builder=vgg", "network.builder", "vgg"),
        ('network.builder="vgg"', "network.builder", "vgg"),
        ("data.path=data/x.csv", "data.path", "data/x.csv"),
        ("data.stratified=false", "data.stratified", False),
        ("network.layers.1.units=5", "network.layers.1.units", 5),
        ("loss={kind = 'huber'}", "loss", {"kind": "huber"}),
    ],
)
def test_one_setting_from_the_command_line(option: str, path: str, value: Any) -> None:
    found, given, place = set_option(option)
    assert (shown(found), given) == (path, value) and place == f"--set {path}"


@pytest.mark.parametrize("option", ["training.epochs", "=3", "a=3e", "a b=3", "a=[1", "a=1 b"])
def test_what_is_no_setting_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match="^--set "):
        set_option(option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("training.epochs=0", "--set training.epochs: training.epochs 0, expected a whole number, 1 or more"),
        ("training.epoch=3", "--set training.epoch: [training]: setting 'epoch' is not known"),
        ("network.layers.1.units=0", "--set network.layers.1.units: [network.layers[1]]: Dense: units is 0"),
        (
            "network.layers.9.units=3",
            "--set network.layers.9.units: network.layers has the elements 0 to 3, got '9'",
        ),
        ("seed.x=1", "--set seed.x: seed is 3 and holds no setting 'x'"),
        ("optimizer=adam", "--set optimizer: optimizer 'adam', expected a table"),
        ('data={source="pictures",channels=2}', "data.channels 2 is not known, expected one of 1, 3"),
    ],
)
def test_options_that_do_not_fit_name_themselves(option: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(SMALL, "my.toml", "my", [set_option(option)])
    assert message in str(caught.value)


def test_options_win_over_the_file() -> None:
    options = [
        set_option("training.epochs=7"),
        set_option("network.layers.1.units=5"),
        set_option("loss.kind=huber"),
    ]
    recipe = parse(SMALL, "my.toml", "my", options)
    assert recipe.training.epochs == 7 and recipe.network["layers"][1]["units"] == 5
    assert recipe.loss == {"kind": "huber"}


def test_in_full_every_setting_has_its_value() -> None:
    full = in_full(parse(SMALL, "my.toml", "my"))
    assert full.optimizer == {
        "kind": "gradient_descent",
        "learning_rate": 0.01,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 0.0,
    }
    text = as_toml(full)
    assert tomllib.loads(text)["training"]["batch_size"] == 32
    assert flat(parse(text, "x", "my")) == flat(full)
    assert flat(full)["network.layers[1].units"] == 8


def test_odd_texts_survive_the_file() -> None:
    options = [(("about",), 'odd "name" ä\n[x]\n', "-"), (("optimizer", "learning_rate"), 1e-30, "-")]
    options += [(("seed",), 2**63 - 1, "-")]
    recipe = parse(SMALL, "my.toml", "my", options)
    assert flat(parse(as_toml(recipe), "x", "my")) == flat(recipe)


def test_lines_of_every_form_of_toml() -> None:
    text = '''\
a.b = 1      # not c = 2
"quoted.key" = """
x = 1
"""
[ t . u ]
list = [1,
  {k = "}]", 'l' = [
     2]}, # ] }
  3]
lit = '\\'
[[many]]
x = 1
[many.inner]
y = """a\\""" # z"""
[[many]]
x = 2
[[many.deep]]
z = 1979-05-27T07:32:00Z
'''
    tomllib.loads(text)
    found = lines_of(text)
    expected = {
        ("a",): 1,
        ("a", "b"): 1,
        ("quoted.key",): 2,
        ("t", "u"): 5,
        ("t", "u", "list"): 6,
        ("t", "u", "list", 0): 6,
        ("t", "u", "list", 1): 7,
        ("t", "u", "list", 1, "k"): 7,
        ("t", "u", "list", 1, "l", 0): 8,
        ("t", "u", "list", 2): 9,
        ("t", "u", "lit"): 10,
        ("many",): 11,
        ("many", 0, "x"): 12,
        ("many", 0, "inner", "y"): 14,
        ("many", 1, "x"): 16,
        ("many", 1, "deep", 0, "z"): 18,
    }
    assert {path: found.get(path) for path in expected} == expected
