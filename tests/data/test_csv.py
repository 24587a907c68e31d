"""Tables from CSV files: kinds of columns, split before fitting, new rows, and errors with file, line and column."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Dataset, Encoding, Scaling, Table, csv

PEOPLE = """age,city,height,label
31,Berlin,1.80,yes
25,Rome,1.65,no
47,Berlin,1.72,no
52,Paris,1.90,yes
38,Rome,1.58,no
29,Berlin,1.77,yes
"""


@pytest.fixture
def file(tmp_path):
    """file(text, name="a.csv"): the path of a file with this text."""

    def make(text: str, name: str = "a.csv", charset: str = "utf-8"):
        (tmp_path / name).write_bytes(text.encode(charset))
        return tmp_path / name

    return make


def test_the_obvious_way(file):
    table = csv(file(PEOPLE), target="label", one_hot=["city"])
    assert isinstance(table, Table) and len(table) == 6
    assert repr(table) == "<Table 'a.csv': 6 rows, columns age, city (text), height, target label>"
    data = table.encode()
    assert isinstance(data, Dataset) and data.class_names == ("no", "yes") and data.name == "a.csv"
    assert data.t.tolist() == [1, 0, 0, 1, 0, 1] and data.t.dtype == np.int64
    assert data.encoding.features == ("age", "city=Berlin", "city=Paris", "city=Rome", "height")
    assert data.X[:2].tolist() == [[31, 1, 0, 0, 1.8], [25, 0, 0, 1, 1.65]] and data.X.dtype == np.float64
    Z = data.scaling.apply(data.X)
    assert np.allclose(Z[:, [0, 4]].mean(axis=0), 0, atol=1e-6) and np.allclose(Z[:, [0, 4]].std(axis=0), 1)
    assert np.array_equal(Z[:, 1:4], data.X[:, 1:4])  # the ones and zeros of categories stay
    assert csv(file(PEOPLE), target="label", one_hot=["city"], standardise=False).encode().scaling is None


def rows(n: int, seed: int = 0) -> str:
    random = np.random.default_rng(seed)
    lines = [
        f"{random.normal(1e6, 3):.6f},{random.choice(['red', 'green', 'blue'])},{'ab'[i % 2]},{i // 4}"
        for i in range(n)
    ]
    return "x,colour,label,person\n" + "\n".join(lines) + "\n"


def test_everything_is_fitted_on_the_first_part_only(file):
    table = csv(file(rows(60)), target="label", columns=["x", "colour"], one_hot=["colour"])
    train, validation, test = table.split(0.6, 0.2, 0.2, seed=1, stratified=True)
    assert (len(train), len(validation), len(test)) == (36, 12, 12)
    x = train.X[:, 0]
    assert np.isclose(train.scaling.factor[0], 1 / x.std()) and np.isclose(
        train.scaling.offset[0], -x.mean() / x.std()
    )
    assert train.encoding is validation.encoding is test.encoding and test.scaling == train.scaling
    whole = table.encode()
    assert whole.scaling != train.scaling
    plain = Dataset(np.arange(60.0), whole.t)
    for part, other in zip(
        (train, validation, test), plain.split(0.6, 0.2, 0.2, seed=1, stratified=True), strict=True
    ):
        assert np.array_equal(part.X, whole.X[other.X.astype(int)])  # the same rows as any data set's split


def test_a_column_far_from_zero_keeps_its_digits(file):
    train, test = csv(file(rows(200)), target="label", columns=["x"]).split(0.5, 0.5, seed=1)
    net = kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(1,))
    net._learn_about(kn.training.feed.Feed(train))
    (scaled,) = net.arrays(test.X)
    exact = (test.X - train.X.mean(axis=0)) / train.X.std(axis=0)
    assert (
        scaled.dtype == np.float32 and np.abs(scaled - exact).max() < 1e-6
    )  # float32 alone would be off by 0.02


def test_groups_stay_whole(file):
    table = csv(file(rows(80)), target="label", columns=["x"], group="person")
    assert len(table.columns) == 1
    for seed in range(5):
        train, test = table.split(0.75, 0.25, seed=seed)
        found = [{float(f"{x:.6f}") for x in part.X[:, 0]} for part in (train, test)]
        person = {float(line.split(",")[0]): line.split(",")[3] for line in rows(80).splitlines()[1:]}
        assert not {person[x] for x in found[0]} & {person[x] for x in found[1]}
        assert (len(train), len(test)) == (60, 20)


def test_train_save_and_predict_new_rows(file, tmp_path):
    table = csv(file(PEOPLE * 1 + "\n".join(PEOPLE.splitlines()[1:] * 5)), target="label", one_hot=["city"])
    train = table.encode()
    net = kn.Network([kn.Dense(8, activation="tanh"), kn.Dense(2), kn.Softmax()], input_shape=(5,), seed=1)
    net.fit(train, epochs=40, optimizer=kn.Adam(0.05), progress=False)
    assert net.evaluate(train).accuracy == 1.0
    net.save(tmp_path / "net.klarnet")
    loaded = kn.load(tmp_path / "net.klarnet")
    encoding = Encoding.of(loaded)
    assert encoding == train.encoding and encoding.scaling == train.scaling
    new = [
        {"age": 31, "city": "Berlin", "height": "1.80", "label": "unread"},
        {"age": "25", "city": "Rome", "height": 1.65},
    ]
    X = encoding.rows(new)
    assert np.array_equal(X, train.X[:2]) and np.array_equal(
        X, encoding.rows([[31, "Berlin", 1.8], (25, " Rome ", "1.65")])
    )
    assert np.array_equal(loaded.predict(X), net.predict(train.X[:2]))
    assert np.allclose(loaded.predict(X.astype(np.float32)), loaded.predict(X), rtol=1e-5)
    assert np.array_equal(loaded.freeze_for_inference(2)(X), loaded.predict(X))
    assert loaded.class_names == ("no", "yes") and np.argmax(loaded.predict(X), axis=1).tolist() == [1, 0]
    assert net.copy().encoding == net.encoding
    with pytest.raises(ValueError, match="not trained on a table"):
        Encoding.of(kn.Network([kn.Dense(2)], input_shape=(2,)))


def test_the_encoding_travels_also_where_nothing_is_scaled(file, tmp_path):
    train = csv(file(PEOPLE), target="label", one_hot=["city"], columns=["city"]).encode()
    assert train.scaling is None  # there is no column of numbers
    net = kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(3,))
    net.fit(train, epochs=1, progress=False)
    net.save(tmp_path / "net.klarnet")
    assert Encoding.of(kn.load(tmp_path / "net.klarnet")) == train.encoding
    fresh = kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(3,))
    fresh.load_weights(tmp_path / "net.klarnet")
    assert fresh.encoding == net.encoding and Encoding.of(fresh).class_names == ("no", "yes")


def test_a_test_file_is_read_like_the_training_part(file):
    train = csv(file(PEOPLE), target="label", one_hot=["city"], missing="mean").encode()
    path = file("height,label,city,note,age\n1.5,no,Paris,x,40\n,no,,y,41\n", "test.csv")
    test = csv(path, like=train.encoding).encode()
    assert test.X.tolist() == [[40, 0, 1, 0, 1.5], [41, 1, 0, 0, np.mean([1.8, 1.65, 1.72, 1.9, 1.58, 1.77])]]
    assert test.t.tolist() == [0, 0] and test.class_names == ("no", "yes") and test.encoding == train.encoding
    asked = csv(file("age,city,height\n40,Paris,1.5\n", "new.csv"), like=train.encoding).encode()
    assert asked.t is None and asked.X.tolist() == [[40, 0, 1, 0, 1.5]]
    with pytest.raises(
        ValueError, match=r"new.csv: no column 'city', which the training part has; the file has age, h"
    ):
        csv(file("age,height\n40,1.5\n", "new.csv"), like=train.encoding)
    bad = file("age,city,height,label\n40,Paris,1.5,maybe\n", "bad.csv")
    with pytest.raises(
        ValueError, match=r"bad.csv:2: column 'label': class 'maybe' is not known, expected one of no, yes"
    ):
        csv(bad, like=train.encoding)
    other = csv(file(PEOPLE.replace("yes", "ja"), "other.csv"), target="label", one_hot=["city"])
    with pytest.raises(
        ValueError, match="other.csv: other classes than in training, ja, no instead of no, yes"
    ):
        other.encode(train.encoding)
    with pytest.raises(ValueError, match="a.csv: column 'city' was read as text in training"):
        csv(
            file(PEOPLE.replace("Berlin", "1").replace("Rome", "2").replace("Paris", "3")), target="label"
        ).encode(train.encoding)


def test_a_new_category_is_refused_or_zeros(file):
    train = csv(file(PEOPLE), target="label", one_hot=["city"]).encode()
    path = file("age,city,height\n40,Paris,1.5\n40,Oslo,1.5\n", "new.csv")
    words = r"new.csv:3: column 'city' holds 'Oslo', which the training part did not have, expected one of Berlin, Par"
    with pytest.raises(ValueError, match=words):
        csv(path, like=train.encoding).encode()
    with pytest.raises(ValueError, match=r"rows\[0\]: column 'city' holds 'Oslo'"):
        train.encoding.rows([[40, "Oslo", 1.5]])
    lenient = csv(file(PEOPLE), target="label", one_hot=["city"], unknown="zero").encode()
    assert csv(path, like=lenient.encoding).encode().X[1].tolist() == [40, 0, 0, 0, 1.5]


GAPS = "x,city,y\n1,Rome,0.5\n,Rome,1.5\n5,?,2.5\nNA,Oslo,3.5\n6, Rome ,4.5\n"


def test_gaps_are_refused_filled_or_dropped(file):
    path = file(GAPS)
    with pytest.raises(ValueError, match=r"a.csv:3: column 'x': a value is missing; missing='mean'"):
        csv(path, target="y", one_hot=["city"])
    mean = csv(path, target="y", one_hot=["city"], missing="mean").encode()
    assert mean.encoding.fill == {"x": 4.0, "city": "Rome"}
    assert mean.X.tolist() == [[1, 0, 1], [4, 0, 1], [5, 0, 1], [4, 1, 0], [6, 0, 1]]
    assert csv(path, target="y", columns=["x"], missing="median").encode().X[:, 0].tolist() == [1, 5, 5, 5, 6]
    dropped = csv(path, target="y", one_hot=["city"], missing="drop").encode()
    assert dropped.X.tolist() == [[1, 1], [6, 1]] and dropped.t.tolist() == [[0.5], [4.5]]
    assert mean.encoding.rows([{"x": None, "city": ""}]).tolist() == [[4, 0, 1]]
    with pytest.raises(
        ValueError, match=r"rows\[0\]: column 'x' is missing; the training part was read without"
    ):
        dropped.encoding.rows([["", "Rome"]])


def test_gaps_are_filled_with_figures_of_the_training_part(file):
    random = np.random.default_rng(1)
    text = "x,label\n" + "".join(f"{random.normal() if i % 3 else ''},{'ab'[i % 2]}\n" for i in range(90))
    table = csv(file(text), target="label", missing="mean")
    train, test = table.split(0.5, 0.5, seed=2)
    x = table.columns["x"]
    rows_of_train = Dataset(np.arange(90.0), table.t).split(0.5, 0.5, seed=2)[0].X.astype(int)
    figure = np.nanmean(x[rows_of_train])
    assert figure != np.nanmean(x) and train.encoding.fill["x"] == pytest.approx(figure)
    assert np.sum(test.X[:, 0] == train.encoding.fill["x"]) > 5


def test_targets_are_classes_or_numbers(file):
    text = "x,a,b,c\n1,3,1.5,u\n2,3,2,v\n4,10,3,v\n3,2,0.5,u\n"
    assert csv(file(text), target="b", columns=["x"]).encode().t.tolist() == [[1.5], [2], [3], [0.5]]
    two = csv(file(text), target=["a", "b"], columns=["x"]).encode()
    assert two.t.tolist() == [[3, 1.5], [3, 2], [10, 3], [2, 0.5]] and two.class_names is None
    whole = r"a.csv: column 'a' holds whole numbers: task='classes' takes them for the names of classes, task='numbers'"
    with pytest.raises(ValueError, match=whole):
        csv(file(text), target="a", columns=["x"])
    classes = csv(file(text), target="a", columns=["x"], task="classes").encode()
    assert classes.class_names == ("2", "3", "10") and classes.t.tolist() == [1, 1, 2, 0]
    assert csv(file(text), target="a", columns=["x"], task="numbers").encode().t.tolist() == [
        [3],
        [3],
        [10],
        [2],
    ]
    given = csv(file(text), target="c", columns=["x"], class_names=["v", "w", "u"]).encode()
    assert given.t.tolist() == [2, 0, 0, 2] and given.class_names == ("v", "w", "u")
    last = csv(file(text), target=-1, columns=[0, "b"]).encode()
    assert last.X.tolist() == [[1, 1.5], [2, 2], [4, 3], [3, 0.5]] and last.class_names == ("u", "v")


def test_other_ways_of_writing(file):
    german = "Größe;Art\n1,5;a\n2,25;b\n-3e2;a\n"
    data = csv(file("\ufeff" + german), target="Art", decimal=",").encode()
    assert data.X[:, 0].tolist() == [1.5, 2.25, -300] and data.encoding.columns == ("Größe",)
    assert csv(
        file(german, charset="latin-1"), target="Art", decimal=",", charset="latin-1"
    ).encode().t.tolist() == [0, 1, 0]
    for sign in ";\t|":
        data = csv(file(PEOPLE.replace(",", sign)), target="label", one_hot=["city"]).encode()
        assert data.X.shape == (6, 5)
    quoted = 'x, y\r\n1.5, "a, with ""marks"""\r\n\r\n2.5, "two\r\nlines"\r\n3.5,a\r\n'
    table = csv(file(quoted), target="y")
    assert table.class_names == ("a", 'a, with "marks"', "two\r\nlines") and table.places.tolist() == [
        2,
        4,
        6,
    ]
    bare = csv(file("1,2.5,u\n3,4.5,v\n"), target=2, header=False).encode()
    assert bare.X.tolist() == [[1, 2.5], [3, 4.5]] and bare.encoding.columns == ("0", "1")
    assert csv(file(",x,t\n0,1.5,a\n1,2.5,b\n"), target="t").encode().encoding.columns == ("0", "x")
    marked = csv(file("x,t\n-9,a\n1,b\n3,a\n"), target="t", missing="mean", missing_marks=["-9"]).encode()
    assert marked.X[:, 0].tolist() == [2, 1, 3]


def test_chunks_are_put_together(file):
    n = 10000
    text = "i,t\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(n))
    data = csv(file(text), target="t").encode()
    assert np.array_equal(data.X[:, 0], np.arange(n) + 0.5) and np.array_equal(data.t, np.arange(n) % 2)
    with pytest.raises(ValueError, match=r"a.csv:9002: column 'i': expected a finite number, got 'x'"):
        csv(file(text.replace("9000.5", "x")), target="t")


WRONG = {
    "text among numbers": (
        "x,t\n1,a\nabc,b\n",
        {},
        r":3: column 'x': expected a finite number, got 'abc'; a column of text",
    ),
    "a decimal comma": (
        "x;t\n1;a\n2,5;b\n",
        {},
        ":3: column 'x': .* got '2,5'; a decimal comma[?] decimal=',' reads it",
    ),
    "a decimal point": (
        "x;t\n1,5;a\n2.5;b\n",
        {"decimal": ","},
        ":3: column 'x': .* a decimal point[?] decimal='.'",
    ),
    "infinity": ("x,t\n1,a\n-inf,b\n", {}, ":3: column 'x': expected a finite number, got '-inf'$"),
    "a number with a line": (
        "x,t\n1,a\n1_000,b\n",
        {},
        ":3: column 'x': expected a finite number, got '1_000'",
    ),
    "too few cells": ("x,t\n1,a\n2\n", {}, ":3: 1 cells, expected 2 as in the first row"),
    "too many cells": ("x,t\n1,a\n2,b,c\n", {}, ":3: 3 cells, expected 2"),
    "too few of semicolons": ("x;t\n1,5;a\n2,5\n", {"decimal": ","}, ":3: 1 cells, expected 2"),
    "no target": ("x,t\n1,a\n2,\n", {}, ":3: column 't', the target, is missing; missing='drop'"),
    "one class": ("x,t\n1,a\n2,a\n", {}, ": column 't' holds one class only, 'a'; expected two or more"),
    "text or numbers": (
        "x,t\n1,2.5\n2,a\n",
        {},
        ":3: column 't' holds 'a', but '2.5' elsewhere: text or numbers[?]",
    ),
    "text as numbers": (
        "x,t\n1,2.5\n2,a\n",
        {"task": "numbers"},
        ":3: column 't': expected a finite number, got 'a'",
    ),
    "an unknown class": (
        "x,t\n1,a\n2,bb\n",
        {"class_names": ["a", "b"]},
        ":3: column 't': class 'bb' is not known, expected",
    ),
    "an unknown column": (
        "x,t\n1,a\n2,b\n",
        {"columns": ["X"]},
        ": column 'X' is not known, .*did you mean 'x'",
    ),
    "a column too far": ("x,t\n1,a\n2,b\n", {"columns": [2]}, ": no column 2, there are 2, counted from 0"),
    "target as input": (
        "x,t\n1,a\n2,b\n",
        {"columns": ["x", "t"]},
        ": column 't' is an input and the target",
    ),
    "one column twice": ("x,t\n1,a\n2,b\n", {"columns": ["x", 0]}, ": column 'x' is an input and an input"),
    "no inputs": ("t\na\nb\n", {}, ": no input columns, it has only t"),
    "text not read": ("x,t\n1,a\n2,b\n", {"one_hot": ["t"]}, ": one_hot names 't', which is no input column"),
    "names twice": ("x,x,t\n1,1,a\n", {}, ":1: two columns are called 'x'"),
    "no header": (
        "1,2\n3,4\n",
        {},
        ":1: the first row holds numbers only, expected names of columns; header=False",
    ),
    "empty": ("", {}, ": empty, expected a table"),
    "no rows": ("x,t\n", {}, ": no rows below the names"),
    "open quotes": ('x,t\n1,a\n2,"b\n', {}, ":3: unexpected end of data"),
    "no column has values": (
        "x,t\n,a\n,b\n",
        {"missing": "mean"},
        ": column 'x' has no value in the training part",
    ),
    "nothing left": ("x,t\n,a\n,b\n", {"missing": "drop"}, ": every row has a missing value, none is left"),
    "missing": ("x,t\n1,a\n2,b\n", {"missing": "drp"}, ": missing 'drp' is not known, .*did you mean 'drop'"),
    "unknown": (
        "x,t\n1,a\n2,b\n",
        {"unknown": "ignore"},
        ": unknown 'ignore' is not known, expected one of refuse, zero",
    ),
    "task": (
        "x,t\n1,a\n2,b\n",
        {"task": "class"},
        "csv: task 'class' is not known, .*did you mean 'classes'",
    ),
    "decimal": ("x,t\n1,a\n", {"decimal": ";"}, "csv: decimal must be '.' or ','"),
    "delimiter": ("x,t\n1,a\n", {"delimiter": ", "}, "csv: delimiter must be one sign"),
    "charset": ("x,t\n1,a\n", {"charset": "utf8-de"}, "csv: charset 'utf8-de' is not known"),
    "a group that is an input": (
        "x,t\n1,a\n2,b\n",
        {"columns": ["x"], "group": "x"},
        ": column 'x' is an input and the group",
    ),
    "no group": ("x,g,t\n1,1,a\n2,,b\n", {"group": "g"}, ":3: column 'g', the group, is missing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(file, case):
    text, options, words = WRONG[case]
    path = file(text)
    where = "" if words.startswith("csv: ") else f"^{path}"
    with pytest.raises(ValueError, match=f"{where}{words}") as caught:
        csv(path, target="t", **options).encode()
    assert "\n" not in str(caught.value)


def test_what_is_no_text_or_no_file(file, tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.csv: no such file"):
        csv(tmp_path / "gone.csv", target="t")
    with pytest.raises(ValueError, match=r"a.csv:3: no utf-8 text \(.*\); charset='latin-1'"):
        csv(file("x,t\n1,a\n2,ä\n", charset="latin-1"), target="t")
    with pytest.raises(ValueError, match="cannot be read"):
        csv(tmp_path, target="t")
    with pytest.raises(TypeError, match=r"csv: columns must be a list of columns, got 'x'; \['x'\]\?"):
        csv(file("x,t\n1,a\n"), target="t", columns="x")
    with pytest.raises(TypeError, match="a column is a name or a place, got 1.5"):
        csv(file("x,t\n1,a\n"), target=1.5)
    with pytest.raises(TypeError, match="fit: a table is first split, or encoded as a whole"):
        table = csv(file("x,t\n1,a\n2,b\n"), target="t")
        kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(1,)).fit(table, progress=False)


def test_a_column_that_never_changes_is_told_of_and_becomes_zero(file):
    with pytest.warns(
        UserWarning, match="a.csv: columns that never change in the training part: y; they tell"
    ) as caught:
        data = csv(file("x,y,t\n1,0.1,a\n2,0.1,b\n3,0.1,a\n"), target="t").encode()
    assert np.all(data.scaling.apply(data.X)[:, 1] == 0) and caught[0].category is UserWarning


@pytest.mark.parametrize(
    "rows, error, words",
    [
        ([], ValueError, "rows: no rows"),
        ({"age": 1}, TypeError, "rows: expected a list of rows, got dict"),
        (["31"], TypeError, r"rows\[0\]: expected a dict by column or a list, got '31'"),
        (
            [{"age": 1, "city": "Rome"}],
            ValueError,
            r"rows\[0\]: no column 'height', expected age, city, height",
        ),
        ([[1, "Rome"]], ValueError, r"rows\[0\]: 2 values, expected 3: age, city, height"),
        ([["x", "Rome", 1]], ValueError, r"rows\[0\]: column 'age': expected a finite number, got 'x'"),
        ([[1, "Rome", [2]]], TypeError, r"rows\[0\]: column 'height': expected a number, got \[2\]"),
        ([[1, "Rome", float("inf")]], ValueError, r"rows\[0\]: column 'height' is inf"),
    ],
)
def test_new_rows_that_do_not_fit(file, rows, error, words):
    encoding = csv(file(PEOPLE), target="label", one_hot=["city"]).encode().encoding
    with pytest.raises(error, match=words):
        encoding.rows(rows)


def test_regression_from_a_file(file):
    random = np.random.default_rng(0)
    X = random.normal([100, -5], [20, 0.1], (200, 2))
    y = 0.03 * X[:, 0] + 4 * X[:, 1]
    text = "a,b,y\n" + "".join(f"{p:.6f},{q:.6f},{t:.6f}\n" for (p, q), t in zip(X, y, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, validation, test = csv(file(text), target="y").split(0.6, 0.2, 0.2, seed=1)
    net = kn.Network([kn.Dense(1)], input_shape=(2,), seed=1)
    net.fit(train, validation=validation, epochs=60, optimizer=kn.Adam(0.3), progress=False)
    assert net.evaluate(test).loss < 0.05 * np.var(y)


def test_scaling_by_column():
    scaling = Scaling((2, 0.5), (1, -1))
    assert scaling.apply(np.array([[1, 2], [3, 4]])).tolist() == [[3, 0], [7, 1]]
    assert Scaling(np.array([2, 0.5]), [1, -1]) == scaling and hash(scaling) == hash(
        Scaling([2, 0.5], [1, -1])
    )
    for wrong in (((1, 0),), ((1, 2), (1, 2, 3)), ((),), ((1, float("nan")),)):
        with pytest.raises(ValueError, match="Scaling: expected"):
            Scaling(*wrong)
