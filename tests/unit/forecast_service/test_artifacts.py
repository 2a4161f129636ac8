"""Model files are taken from MLflow once, and none are used whose digest is not the trained one."""

import pytest

from services.forecast.models import artifacts
from services.forecast.models.artifacts import ArtifactCorrupt, ModelCache
from services.forecast.models.tables import ModelVersion

FILES = {"model.json": b"{}", "mean.ubj": b"trees"}


class Upstream:
    """Stands in MLflow's place: counts, and delivers `files`."""

    def __init__(self):
        self.files = dict(FILES)
        self.asked = []

    def __call__(self, area, version, target):
        self.asked.append((area, version))
        target.mkdir()
        for name, content in self.files.items():
            (target / name).write_bytes(content)


@pytest.fixture
def upstream():
    return Upstream()


@pytest.fixture
def cache(tmp_path, upstream):
    return ModelCache(tmp_path, upstream)


@pytest.fixture
def version():
    return ModelVersion(area="north", version=3, artifact_digest=artifacts.digest(FILES))


def test_files_are_fetched_once(cache, upstream, version):
    assert cache.files(version) == cache.files(version) == FILES
    assert upstream.asked == [("north", 3)]


def test_a_damaged_copy_is_fetched_again(cache, upstream, version, tmp_path):
    cache.files(version)
    (tmp_path / "north" / "3" / "mean.ubj").write_bytes(b"other")
    assert cache.files(version) == FILES
    assert len(upstream.asked) == 2


def test_other_files_under_the_version_are_refused_and_the_good_copy_stays(cache, upstream, version, tmp_path):
    cache.files(version)
    upstream.files["mean.ubj"] = b"swapped"
    swapped = ModelVersion(area="north", version=3, artifact_digest="another")
    with pytest.raises(ArtifactCorrupt):
        cache.files(swapped)
    assert cache.files(version) == FILES
    assert sorted(path.name for path in (tmp_path / "north").iterdir()) == ["3"]


def test_two_workers_on_one_cache_may_fetch_at_the_same_time(cache, upstream, version, tmp_path, monkeypatch):
    place = tmp_path / "north" / "3"
    remove = artifacts.shutil.rmtree

    def remove_then_lose_the_race(path, **how):
        remove(path, **how)
        if path == place:
            monkeypatch.undo()
            upstream("north", 3, place)

    monkeypatch.setattr(artifacts.shutil, "rmtree", remove_then_lose_the_race)
    assert cache.files(version) == FILES
    assert cache.files(version) == FILES
    assert len(upstream.asked) == 2
    assert [path.name for path in (tmp_path / "north").iterdir()] == ["3"]


def test_the_digest_tells_files_apart_however_their_bytes_are_cut():
    assert artifacts.digest({"a": b"bc", "d": b""}) != artifacts.digest({"a": b"b", "d": b"c"})
    assert artifacts.digest({"a": b"1", "b": b"2"}) == artifacts.digest({"b": b"2", "a": b"1"})
