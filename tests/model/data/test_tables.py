"""Tables: separators, headings, the column of the labels, and what is wrong with a line."""

from pathlib import Path

import pytest

from prunus_data import message_of
from prunus_model.data.datasets import load

NUMBERS = "numbers only, and words only in a column headed 'label'"


def table(folder: Path, text: str, name: str = "t.csv") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,0,90,0\n2,7,0,0\n", "first column"),
        ("0,90,0,1\n7,0,0,2\n", None),
        ("0.5;90.5;0.5;1\n7.5;0.5;0.5;2\n", "last column"),
        ("a,b,label,c\n0,90,1,3\n7,0,2,3\n", "column 3, 'label'"),
        ('"Label"\t"p"\n1\t7\n2\t8\n', "column 1, 'label'"),
        ("1 0.5 3.5\n2 3.5 0.5\n", "first column"),
        ("\ufeff1,0.5,3.5\r\n2,3.5,0.5\r\n", "first column"),
    ],
)
def test_column_of_the_labels(tmp_path: Path, text: str, told: str | None) -> None:
    path = table(tmp_path, text)
    if told is None:
        assert message_of(lambda: load(path, "train")) == (
            f"File {path} must have labels, whole numbers in 0..255, in the first or the last "
            "column, and both may be: head the column with 'label'"
        )
        return
    split = load(path, "train")
    assert split.labels.tolist() == [1, 2]
    assert split.notes == (f"Labels of {path} are in the {told}",)


def test_whole_numbers_are_levels_and_others_are_scaled(tmp_path: Path) -> None:
    whole = load(table(tmp_path, "1,0,90,0\n2,7,0,0\n"), "train")
    assert whole.images.tolist() == [[0, 90, 0], [7, 0, 0]]
    scaled = load(table(tmp_path, "1,-1,0,2.5\n2,4,0,0\n"), "train")
    assert scaled.images.tolist() == [[0, 51, 179], [255, 51, 51]]
    assert scaled.image_shape == (1, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "5.1,3.5,setosa\n4.9,3.0,setosa\n",
            f"{NUMBERS}, not 'setosa' in line 2, column 3",
        ),
        ("1,2,3\n2,3\n", "3 values in each line, not 2 in line 2"),
        (
            "label,a\n1,2\n\n2,,3\n",
            f"{NUMBERS}, not '' in line 4, column 2",
        ),
        ("label,a\ncat,2\n,3\n", f"{NUMBERS}, not '' in line 3, column 1"),
        ("label,a\ncat,2\n7,3\n", f"{NUMBERS}, not '7' in line 3, column 1"),
        ("label,a\n7,2\ncat,3\n", f"{NUMBERS}, not 'cat' in line 3, column 1"),
        ("label,a\ncat,dog\n", f"{NUMBERS}, not 'dog' in line 2, column 2"),
        ("label,a\nC#,2\n7,3 # odd\n", f"{NUMBERS}, not '7' in line 3, column 1"),
        ("label,a\ncat,2\ndog,3,4\n", "2 values in each line, not 3 in line 3"),
        ("", "lines of a label and at least one value, not 0 lines of 1"),
        ("label,x\n", "lines of a label and at least one value, not 0 lines of 1"),
        ("1\n2\n", "lines of a label and at least one value, not 2 lines of 1"),
        ("label,label\n1,2\n", "one column 'label', not 2"),
        (
            "0.5,1.5\n2.5,3.5\n",
            (
                "labels, whole numbers in 0..255, in the first or the last column, and neither may "
                "be: head the column with 'label'"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = table(tmp_path, text)
    assert message_of(lambda: load(path, "train")) == f"File {path} must have {message}"


def test_classes_may_be_words(tmp_path: Path) -> None:
    head = "a,Label,b\n"
    table(tmp_path, f'{head}1,"worn out",2\n3,loose,4\n\n5, worn out ,6\n', "train.csv")
    table(tmp_path, f"{head}7,worn out,8\n", "test.csv")
    train, test = load(str(tmp_path), "train"), load(str(tmp_path), "test")
    assert train.class_names == test.class_names == ("loose", "worn out")
    assert (train.labels.tolist(), test.labels.tolist()) == ([1, 0, 1], [1])
    assert train.images.tolist() == [[1, 2], [3, 4], [5, 6]]
    # The order of words is that of the file of the training alone, and of nothing in the test.
    named = f"Column 2 of {tmp_path}/test.csv, the labels,"
    table(tmp_path, f"{head}7,new,8\n", "test.csv")
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"{named} must be words of the training, not 'new'"
    )
    table(tmp_path, f"{head}1,1,2\n", "train.csv")
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"{named} must have integers in 0..255, as those of the training"
    )


def test_a_word_may_have_the_sign_of_a_comment(tmp_path: Path) -> None:
    split = load(table(tmp_path, "a,label\n# all:\n1,C\n2,C#\n3,C # a comment\n"), "train")
    assert split.class_names == ("C", "C#")
    assert split.labels.tolist() == [0, 1, 0]
    assert split.images.tolist() == [[1], [2], [3]]


def test_unknown_word_is_told_in_one_line_without_what_a_terminal_would_obey(
    tmp_path: Path,
) -> None:
    table(tmp_path, "a,label\n1,cat\n2,dog\n", "train.csv")
    table(tmp_path, "a,label\n1,\x1b[31m\x07\n", "test.csv")
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Column 2 of {tmp_path}/test.csv, the labels, must be words of the training, "
        r"not '\x1b[31m\x07'"
    )


def test_one_long_word_does_not_take_the_memory_of_many(tmp_path: Path) -> None:
    path = table(tmp_path, f"label,x\n{200 * 'w'},1\nb,2\n")
    assert load(path, "train").class_names == ("b", 200 * "w")
    path = table(tmp_path, f"label,x\n{201 * 'w'},1\nb,2\n")
    assert message_of(lambda: load(path, "train")) == (
        f"Column 1 of {path}, the labels, must have words of at most 200 characters, not 201"
    )


def test_first_column_may_have_an_empty_heading(tmp_path: Path) -> None:
    split = load(table(tmp_path, "\tlabel\tx\n0\t7\t5\n1\t8\t6\n"), "train")
    assert split.labels.tolist() == [7, 8]
    assert split.images.tolist() == [[0, 5], [1, 6]]


def test_more_words_than_classes_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "label,x\n" + "".join(f"w{n},{n % 256}\n" for n in range(257)))
    assert message_of(lambda: load(path, "train")) == (
        f"Column 1 of {path}, the labels, must have at most 256 words, not 257"
    )


def test_labels_must_be_whole_and_values_finite(tmp_path: Path) -> None:
    path = table(tmp_path, "label,a,b\n1.5,2,3\n2,1,1\n")
    assert message_of(lambda: load(path, "train")) == (
        f"Column 1 of {path}, the labels, must have integers in 0..255, not float64"
    )
    path = table(tmp_path, "label,a,b\n1,nan,3\n2,1,1\n")
    assert message_of(lambda: load(path, "train")) == (
        f"File {path} must have finite values, not nan in image 0"
    )


def test_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe1\x002\x00")
    assert message_of(lambda: load(str(path), "train")) == f"File {path} must be text in UTF-8"


def test_too_large_a_table_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prunus_model.common.reading._memory", lambda: 10)
    path = table(tmp_path, "1,2,3\n" * 100)
    assert message_of(lambda: load(path, "train")) == (
        f"File {path} must take at most 0.0 GB, half of the memory, not 0.0 GB"
    )
