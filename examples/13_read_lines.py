"""Chapter 4: a network that reads lines of print. Convolutions look, an LSTM in both directions reads, CTC aligns.

    python examples/13_read_lines.py uw3-lines.zip --part train --unseen 0
    python examples/13_read_lines.py fraktur-lines.zip --select "186?/*"

The path is a folder or a zip of LINE.png with LINE.gt.txt. A part of the lines is kept unseen, and read at the end.
"""

from argparse import ArgumentParser

import klarnet as kn


def reader(alphabet: kn.data.Alphabet) -> kn.Network:
    line = kn.Input((48, None, 1), lengths=True)  # the width varies, lengths travel with it
    x = kn.MaxPool2D(2)(kn.Conv2D(40, 3, padding="half", activation="relu")(line))
    x = kn.MaxPool2D(2)(kn.Conv2D(60, 3, padding="half", activation="relu")(x))
    s = kn.Bidirectional(kn.LSTM(200))(kn.ToSequence(axis="width")(x))
    y = kn.Dense(len(alphabet) + 1)(kn.Dropout(0.5)(s))  # class 0 is the blank
    return kn.Network(inputs=line, outputs=y, seed=1)


def main(arguments: list[str] | None = None) -> float:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--select", default="*", help="of which files, by name")
    parser.add_argument("--part", help="the sub-folder that holds them")
    parser.add_argument("--unseen", type=float, default=0.1, help="the share of lines to be tested on")
    parser.add_argument("--epochs", type=int, default=60)
    a = parser.parse_args(arguments)

    lines = kn.data.lines(a.path, select=a.select, part=a.part)
    train, unseen = lines.split(1 - a.unseen, a.unseen, seed=1) if a.unseen else (lines, None)
    net = reader(lines.alphabet)
    net.fit(
        train,
        loss=kn.CTC(infeasible="skip"),
        optimizer=kn.Adam(2e-3),
        schedule=kn.OneCycle(),
        clip_norm=5.0,
        batch_size=8,
        epochs=a.epochs,
    )
    rate = 0.0
    for name, some in (("training", train), ("unseen", unseen)):
        if some is not None:
            rate = net.evaluate(some, metrics=["character_error_rate"]).character_error_rate
            print(f"character error rate, {len(some)} {name} lines: {100 * rate:.2f} %")
    shown = (unseen or train)[:5]
    for text, Y in zip(shown.texts, net.predict(shown), strict=True):
        print(f"  {text}\n> {lines.alphabet.decode(kn.ctc.best_path(Y).labels)}")
    return rate


if __name__ == "__main__":
    main()
