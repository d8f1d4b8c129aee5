"""A folder or zip of pictures as a collection: read, embedded by a CLIP, searched with words and with pictures."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sentence_transformers import SentenceTransformer

from mrl_demo.cli import main
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError, ModelError
from mrl_demo.core.types import Document
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.pictures import read_picture
from mrl_demo.corpora.own.preview import preview_path
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab
from mrl_demo.lab.likeness import like_query
from tests.models.tiny_clip import save_tiny_clip

COLOURS = {"red": (220, 40, 30), "green": (40, 160, 60), "blue": (40, 70, 200)}


def draw(path: Path, colour: str, shape: str) -> None:
    image = Image.new("RGB", (900, 600), (245, 245, 240))
    pen = ImageDraw.Draw(image)
    (pen.ellipse if shape == "circle" else pen.rectangle)((300, 100, 600, 500), fill=COLOURS[colour])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "shapes"
    names = [(shape, colour) for shape in ("circle", "square") for colour in COLOURS]
    for shape, colour in names:
        draw(folder / shape / f"{colour}_{shape}.png", colour, shape)
    with (folder / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "caption"])
        rows.writerows((f"{shape}/{colour}_{shape}.png", f"a {colour} {shape}") for shape, colour in names)
        rows.writerow(["lost.png", "a lost one"])
    (folder / "square" / "broken.jpg").write_bytes(b"no picture")
    (folder / "README.txt").write_text("about these pictures")
    return folder


@pytest.fixture
def lab(tmp_path: Path, clip: Path, pictures: Path) -> Iterator[Lab]:
    made = Lab(Settings(cache_dir=tmp_path / "cache"))
    made.add_corpus(pictures)
    made.add_arm(str(clip))
    yield made


def test_captions_become_questions_folders_labels_and_what_is_left_out_is_said(pictures: Path) -> None:
    corpus = load_path(pictures)
    assert len(corpus) == 6 and corpus.has_pictures
    assert {document.topic for document in corpus.documents} == {"circle", "square"}
    asked = {query.text: next(iter(corpus.judgements[query.id])) for query in corpus.queries}
    assert asked["a red circle"] == "circle/red_circle.png" and len(asked) == 6
    said = " ".join(map(str, corpus.notes))
    for words in ("384 pixels", "6 captions are questions", "1 picture cannot be read", "names a picture that is not"):
        assert words in said, said
    assert max(opened(document).size[0] for document in corpus.documents) == 384


def opened(document: Document) -> Image.Image:
    assert document.picture is not None
    return Image.open(io.BytesIO(document.picture.jpeg))


def test_a_zip_reads_as_the_folder_does_and_another_picture_makes_another_collection(
    pictures: Path, tmp_path: Path
) -> None:
    def packed(name: str) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for path in pictures.rglob("*"):
                archive.write(path, path.relative_to(pictures.parent))
        return tmp_path / name

    first = load_path(packed("a.zip"))
    assert first.fingerprint == load_path(pictures).fingerprint
    draw(pictures / "circle" / "red_circle.png", "blue", "circle")
    assert load_path(packed("b.zip")).fingerprint != first.fingerprint


def test_texts_beside_pictures_make_a_collection_of_texts(pictures: Path) -> None:
    (pictures / "metadata.csv").unlink()
    (pictures / "essay.md").write_text("# Shapes\n\nCircles are round.")
    assert not load_path(pictures).has_pictures


def test_a_picture_with_too_many_pixels_is_left_out_unopened(tmp_path: Path) -> None:
    Image.new("1", (9_000, 9_000)).save(tmp_path / "huge.png")
    with pytest.raises(CorpusError, match="9,000 x 9,000 pixels"):
        read_picture(tmp_path / "huge.png")


def test_vectors_are_those_of_sentence_transformers_and_kept(lab: Lab, clip: Path, tmp_path: Path) -> None:
    corpus = lab.corpus("shapes")
    arm = lab.builder.menu.find("tiny-clip")
    ours = lab.builder.documents(arm.encoder, corpus)
    images = [opened(document) for document in corpus.documents]
    theirs = SentenceTransformer(str(clip), device="cpu").encode(images, normalize_embeddings=True)
    assert (np.sum(ours * theirs, axis=1) > 0.9999).all()
    again = Lab(Settings(cache_dir=tmp_path / "cache"))
    again.add_corpus(tmp_path / "shapes")
    again.add_arm(str(clip))
    assert again.builder.is_ready(again.builder.menu.find("tiny-clip"), again.corpus("shapes"))


def test_words_a_picture_and_a_document_search_pictures(lab: Lab, pictures: Path) -> None:
    def best(query: str) -> str:
        comparison = lab.compare(query, corpus="shapes", arms=["tiny-clip"], dim=16)
        return comparison.arms[0].result.hits[0].document.id

    assert best("a red circle")
    assert lab.compare("a red circle", corpus="shapes", arms=["tiny-clip"], dim=24).arms[0].result.answer_rank
    assert best(like_query("square/blue_square.png")) == "square/blue_square.png"
    assert best(lab.keep_picture(pictures / "circle" / "green_circle.png")) == "circle/green_circle.png"
    with pytest.raises(LabError, match="no document with the id 'nothing'"):
        best("like:nothing")
    with pytest.raises(LabError, match="give it again"):
        best("picture:0123456789abcdef")


def test_like_works_on_texts_too_and_with_a_space_it_is_words(lab: Lab) -> None:
    document = lab.corpus("builtin").documents[7]
    found = lab.compare(like_query(document.id), corpus="builtin", arms=["base"], dim=384)
    assert found.arms[0].result.hits[0].document == document
    words = lab.compare("like: a rolling stone", corpus="builtin", arms=["base"], dim=64)
    assert words.query == "like: a rolling stone"


def test_a_model_of_texts_says_that_it_reads_no_pictures(lab: Lab) -> None:
    with pytest.raises(ModelError, match=r"minilm reads no pictures.*clip"):
        lab.compare("a red circle", corpus="shapes", arms=["base"], dim=16)
    assert lab.arms_serving("shapes", ["base", "tuned"]) == ("tiny-clip", "tiny-clip")
    assert lab.arms_serving("builtin", ["base", "tuned"]) == ("base", "tuned")


def test_the_command_line_searches_and_measures_pictures(
    pictures: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ["--cache-dir", str(tmp_path / "cache")]
    own = ["--corpus", str(pictures), "--json", *cache]
    picture = str(pictures / "square" / "red_square.png")
    assert main(["search", "--picture", picture, "--arm", str(clip), "--dim", "16", *own]) == 0
    hit = json.loads(capsys.readouterr().out)["arms"][0]["hits"][0]
    assert (hit["id"], hit["kind"]) == ("square/red_square.png", "picture")
    assert main(["evaluate", "--arms", f"{clip},tiny-clip+pca", "--dims", "8,24", *own]) == 0
    assert {row["arm"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"tiny-clip", "tiny-clip+pca"}
    (pictures / "metadata.csv").unlink()  # Without captions pictures are searched for their neighbours.
    assert main(["evaluate", "--arms", str(clip), "--dims", "8,24", *own]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]


def test_the_preview_counts_pictures(pictures: Path) -> None:
    preview, _ = preview_path(pictures)
    assert (preview.n_documents, preview.n_queries, preview.n_labels) == (6, 6, 2)


@pytest.fixture
def gallery(tmp_path: Path, clip: Path) -> Lab:
    """A lab with sixty pictures in two folders, all different, and the tiny CLIP."""
    random = np.random.default_rng(0)
    for number in range(60):
        image = Image.fromarray(random.integers(256, size=(4, 4, 3), dtype=np.uint8)).resize((64, 64))
        path = tmp_path / "gallery" / ("old" if number % 2 else "new") / f"a_blue_bird_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    made = Lab(Settings(cache_dir=tmp_path / "cache"))
    made.add_corpus(tmp_path / "gallery")
    made.add_arm(str(clip))
    return made


def test_rotations_and_codes_are_fitted_to_pictures_and_cost_nothing_in_full(gallery: Lab) -> None:
    suffixes = ("pca", "adapted", "leanvec", "hierarchical")
    arms = tuple(gallery.add_arms([f"tiny-clip+{suffix}" for suffix in suffixes]))
    plan = SweepPlan(("tiny-clip", *arms), dims=(4, 24), metrics=("overlap@10", "accuracy"), against=("tiny-clip",))
    result = gallery.evaluate("gallery", plan)
    assert {row.arm for row in result.rows} == {"tiny-clip", *arms}, result.notes
    for name in ("tiny-clip+pca", "tiny-clip+adapted", "tiny-clip+hierarchical"):
        assert result.row(name, 24, "overlap@10").value == pytest.approx(1.0)
    at_four = {name: result.row(name, 4, "overlap@10").value for name in ("tiny-clip", "tiny-clip+adapted")}
    assert at_four["tiny-clip+adapted"] > at_four["tiny-clip"]
    reached = gallery.compare(like_query("old/a_blue_bird_7.png"), corpus="gallery", arms=["tiny-clip+adapted"], dim=8)
    assert reached.arms[0].result.hits[0].document.id == "old/a_blue_bird_7.png"


def test_pictures_without_names_of_three_words_have_heads_too(lab: Lab) -> None:
    """The file names are two words each: nothing stands in for a question."""
    for suffix in ("adapted", "leanvec"):
        name = lab.add_arm(f"tiny-clip+{suffix}")
        assert lab.compare("a red circle", corpus="shapes", arms=[name], dim=8).arms[0].result.hits
