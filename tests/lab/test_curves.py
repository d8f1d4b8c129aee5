from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.errors import Cancelled, CorpusError, LabError
from mrl_demo.lab.curves import CurveSet, CurvesService, save_text, speed_to_json
from mrl_demo.lab.lab import Lab


@pytest.fixture
def service(lab: Lab) -> CurvesService:
    return CurvesService(lab)


@pytest.fixture
def measured(service: CurvesService) -> CurveSet:
    return service.measure("fruit", arms=("tiny", "bm25"), precisions=("float32", "binary"))


def test_a_corpus_is_measured_without_keeping_what_grows_with_its_queries(measured: CurveSet) -> None:
    assert {row.arm for row in measured.sweep.rows} == {"tiny", "bm25"}
    assert measured.sweep.n_queries == 2
    assert not measured.sweep.per_query
    assert not measured.sweep.first_ranks
    assert not measured.is_shipped


def test_lost_queries_belong_to_arms_that_can_be_cut(measured: CurveSet) -> None:
    assert list(measured.lost) == ["tiny"]
    found = measured.lost["tiny"]
    assert found.n_broken <= found.n_found <= found.n_queries == 2
    for each in found.worst:
        assert each.full_rank <= found.k < each.broken_rank
        assert each.breaks_at < each.holds_from


def test_documents_that_nobody_asked_anything_are_measured_by_their_titles(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    rows = [f"Chair number {i},It has {i} legs. A seat of oak {i * i}." for i in range(40)]
    path.write_text("\n".join(["title,text", *rows]))
    name = lab.add_corpus(path)
    curves = CurvesService(lab).measure(name, arms=("tiny",), precisions=("float32",))
    assert curves.sweep.stand_ins == "titles" and curves.sweep.n_queries == 40
    assert {"ndcg@10", "overlap@10"} <= {row.metric for row in curves.sweep.rows}
    assert curves.fingerprint == lab.corpus(name).fingerprint
    assert all(query.text.startswith("Chair") for query in curves.lost["tiny"].worst)


def test_measuring_can_be_cancelled(service: CurvesService) -> None:
    def stop(_share: float, _line: str) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        service.measure("fruit", stop, arms=("tiny",))


def test_an_unknown_corpus_is_named_with_those_there_are(service: CurvesService) -> None:
    with pytest.raises(CorpusError, match="builtin"):
        service.measure("nowhere")


def test_shipped_curves_are_read_for_corpora_of_the_menu_alone(settings: Settings, measured: CurveSet) -> None:
    assets = settings.cache_dir / "assets"
    save_text(assets / "results" / "builtin.json", measured.to_json())
    shutil.copytree(settings.assets_dir / "collection", assets / "collection")
    save_text(assets / "secret.json", "{}")
    service = CurvesService(Lab(replace(settings, assets_dir=assets)))
    found = service.shipped("builtin")
    assert found is not None
    assert found.is_shipped
    assert found.sweep.rows == measured.sweep.rows
    assert found.is_stale  # They are of another collection than the one this menu entry reads.
    assert service.shipped("python") is None
    assert service.shipped("../secret") is None


def test_damaged_shipped_files_are_named_as_such(settings: Settings) -> None:
    assets = settings.cache_dir / "assets"
    save_text(assets / "results" / "builtin.json", "{broken")
    save_text(assets / "results" / "speed.json", "{}")
    service = CurvesService(Lab(replace(settings, assets_dir=assets)))
    with pytest.raises(CorpusError, match="no stored curves"):
        service.shipped("builtin")
    with pytest.raises(CorpusError, match="no stored times"):
        service.shipped_speed()


def test_without_files_nothing_is_shipped(settings: Settings, tmp_path: Path) -> None:
    service = CurvesService(Lab(replace(settings, assets_dir=tmp_path)))
    assert service.shipped("builtin") is None
    assert service.shipped_speed() is None


def test_what_ships_names_its_date_machine_and_no_path_of_it() -> None:
    service = CurvesService(Lab(Settings()))
    found, speed = service.shipped("builtin"), service.shipped_speed()
    assert found is not None
    assert speed is not None
    assert found.sweep.hardware
    assert found.sweep.date[:2] == "20"
    assert {"base", "bm25"} <= {arm.name for arm in found.sweep.arms}
    assert all(row.low <= row.value <= row.high for row in found.sweep.rows)
    for text in (found.to_json(), speed_to_json(speed)):
        assert str(CODE_ROOT) not in text
        assert str(Path.home()) not in text


def test_times_need_memory(service: CurvesService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrl_demo.evaluation.speed.searches.measure_free_memory", lambda: 1_000_000)
    monkeypatch.setattr(service.lab, "arms", lambda: (service.lab.builder.menu.arms()[-1],))
    with pytest.raises(LabError, match="choose fewer vectors"):
        service.speed(1_000_000, corpus="fruit")
