"""Data: examples and their targets, where they come from, how they are split and cut into batches."""

from klarnet.data import augment, layout
from klarnet.data.alphabet import Alphabet
from klarnet.data.convert import as_dataset
from klarnet.data.corpus import Corpus, TextStream, corpus
from klarnet.data.csv_file import csv
from klarnet.data.dataset import Dataset
from klarnet.data.embedded import digits
from klarnet.data.encoded_texts import EncodedTexts
from klarnet.data.encoding import Encoding
from klarnet.data.idx import read_idx, write_idx
from klarnet.data.lazy import LazyPictures
from klarnet.data.line_pictures import LinePictures
from klarnet.data.lines import lines
from klarnet.data.mnist import mnist
from klarnet.data.numpy_file import numpy_file
from klarnet.data.picture import read_mask, read_picture
from klarnet.data.pictures import pictures
from klarnet.data.prefetch import prefetch
from klarnet.data.scaling import Scaling
from klarnet.data.sequences import Sequences
from klarnet.data.source import Source
from klarnet.data.standardise import standardise
from klarnet.data.stream import BatchStream
from klarnet.data.table import Table
from klarnet.data.text_encoding import TextEncoding
from klarnet.data.text_files import text_lines
from klarnet.data.texts import Texts, texts
from klarnet.data.truth import page_texts

__all__ = [
    "Alphabet",
    "BatchStream",
    "Corpus",
    "Dataset",
    "EncodedTexts",
    "Encoding",
    "LazyPictures",
    "LinePictures",
    "Scaling",
    "Sequences",
    "Source",
    "Table",
    "TextEncoding",
    "TextStream",
    "Texts",
    "as_dataset",
    "augment",
    "corpus",
    "csv",
    "digits",
    "layout",
    "lines",
    "mnist",
    "numpy_file",
    "page_texts",
    "pictures",
    "prefetch",
    "read_idx",
    "read_mask",
    "read_picture",
    "standardise",
    "text_lines",
    "texts",
    "write_idx",
]
