"""Packed bundles: read like their folders, and whatever an archive of a stranger tries is refused and named."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Conflict
from tests.tools.bundle.folder import TAKEN, listing, pod, put, whys
from tools.bundle import archive, limits
from tools.bundle.archive import packing
from tools.bundle.read import read_bundle
from tools.engines.snapshot import Snapshot


def bundle(root: Path) -> Path:
    put(root, "objects/pods.json", listing("PodList", pod()))
    put(root, "meta.json", {"taken_at": TAKEN})
    return root


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for info, content in members:
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return path


def named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def packed_as_tar(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as made:
        made.add(folder, arcname="support-1")
    return path


def packed_as_zip(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for file in folder.rglob("*.json"):
            made.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize(
    ("name", "packed"), [("b.tar.gz", packed_as_tar), ("b.tgz", packed_as_tar), ("b.zip", packed_as_zip)]
)
def test_a_packed_bundle_is_read_like_its_folder(
    tmp_path: Path, name: str, packed: Callable[[Path, Path], Path]
) -> None:
    folder = bundle(tmp_path / "folder")
    found, plain = read_bundle(packed(folder, tmp_path / name)), read_bundle(folder)
    assert (found.objects, found.taken_at, found.gaps) == (plain.objects, plain.taken_at, plain.gaps)


@pytest.mark.parametrize("name", ["../escaped.json", "/firstmate-escaped.json", "a/../../escaped.json"])
def test_a_name_that_leads_out_is_refused_and_named(tmp_path: Path, name: str) -> None:
    found = read_bundle(tar_of(tmp_path / "x.tgz", (named(name), b"{}")))
    assert whys(found, "escaped.json") == ["its name leads out of the bundle"]
    assert not list(tmp_path.rglob("*escaped*"))
    assert not Path("/firstmate-escaped.json").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    link = named("objects/all.json", kind, "/etc/passwd")
    found = read_bundle(tar_of(tmp_path / "x.tgz", (link, b"")))
    assert "not followed" in whys(found, "objects/all.json")[0]


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("objects/all.json")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr(info, "/etc/passwd")
    assert "not followed" in whys(read_bundle(tmp_path / "x.zip"), "objects/all.json")[0]


def bombed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Snapshot:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 3 * limits.MB)
    nothing = b"0" * 2 * limits.MB
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as made:
            for number in range(4):
                made.writestr(f"logs/{number}.txt", nothing)
        return read_bundle(tmp_path / name)
    return read_bundle(tar_of(tmp_path / name, *((named(f"logs/{number}.txt"), nothing) for number in range(4))))


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_a_bomb_ends_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert whys(bombed(tmp_path, monkeypatch, name), "rest of the archive") == ["an archive is unpacked up to 3 MB"]


def test_what_unfolds_at_once_whatever_a_few_bytes_stand_for_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("objects/all.json", b"{}")
    assert whys(read_bundle(tmp_path / "x.zip"), "objects/all.json") == ["of a zip only what is deflated is unpacked"]
    with tarfile.open(tmp_path / "x.tar", "w:bz2") as packed:
        packed.addfile(named("objects/all.json"), io.BytesIO())
    assert "broken" in whys(read_bundle(tmp_path / "x.tar"), "x.tar")[0]


def test_a_map_without_end_of_a_sparse_file_is_not_read(tmp_path: Path) -> None:
    sparse = named("objects/all.json")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    with tarfile.open(tmp_path / "x.tgz", "w:gz", format=tarfile.PAX_FORMAT) as made:
        sparse.size = len(content := b"1000000000\n" + b"0\n" * 1000)
        made.addfile(sparse, io.BytesIO(content))
    old = tar_of(tmp_path / "old.tgz", (named("objects/all.json", tarfile.GNUTYPE_SPARSE), b""))
    for path in (tmp_path / "x.tgz", old):
        assert "a sparse file" in whys(read_bundle(path), path.name)[0]


def test_a_link_that_waits_for_the_unfinished_archive_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / ".b.tar.gz.part").symlink_to(tmp_path / "victim")
    with packing(tmp_path / "b.tar.gz") as folder:
        bundle(folder)
    assert not (tmp_path / "victim").exists()
    assert (tmp_path / "b.tar.gz").is_file()


def test_of_too_many_members_the_first_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    found = read_bundle(tar_of(tmp_path / "x.tgz", *((named(f"{n}.txt"), b"") for n in range(5))))
    assert whys(found, "rest of the archive") == ["an archive is read up to 2 members"]


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b\x08\x00broken"])
def test_garbage_is_a_gap(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert any("broken" in why for why in whys(read_bundle(tmp_path / name), name))


def test_of_an_archive_that_breaks_off_what_came_before_is_read(tmp_path: Path) -> None:
    whole = packed_as_tar(bundle(tmp_path / "folder"), tmp_path / "b.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[:-20])
    found = read_bundle(tmp_path / "cut.tar.gz")
    assert any("broken" in gap.why for gap in found.gaps)


def test_what_was_packed_here_is_for_its_owner_and_reads_again(tmp_path: Path) -> None:
    with packing(tmp_path / "b.tar.gz") as folder:
        bundle(folder)
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz"]
    assert len(read_bundle(tmp_path / "b.tar.gz").objects) == 1


def test_a_header_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    long_name = named("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    found = read_bundle(tar_of(tmp_path / "x.tgz", (long_name, b"a" * 2 * limits.MB), (named("a.txt"), b"")))
    assert "a header of 2097152 bytes" in whys(found, "x.tgz")[0]


def test_a_folder_is_written_as_it_was_named_and_an_archive_is_never_overwritten(tmp_path: Path) -> None:
    with packing(tmp_path / "b") as folder:
        assert folder == tmp_path / "b"
    (tmp_path / "b.tgz").write_text("mine")
    with pytest.raises(Conflict), packing(tmp_path / "b.tgz"):
        pass
    assert (tmp_path / "b.tgz").read_text() == "mine"
