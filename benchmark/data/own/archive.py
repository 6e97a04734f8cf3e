"""A ZIP archive, unpacked safely into a temporary folder."""

from __future__ import annotations

import errno
import lzma
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from benchmark.data.own.folder import is_hidden
from benchmark.errors import UserError
from benchmark.utils.cache_folder import has_room
from benchmark.utils.format import memory

MOST_FILES = 2_000_000
COPIED_AT_A_TIME = 1 << 20
DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, OSError, zlib.error, lzma.LZMAError)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack into an empty folder: no links, nothing outside of it, no more bytes than the archive announces.

    Raises
    ------
    UserError
        If it is no ZIP archive, damaged, encrypted or would leave the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            size = sum(member.file_size for member in members)
            if len(members) > MOST_FILES:
                raise UserError(f"{archive} has {len(members):,} files, more than {MOST_FILES:,}.", "Unpack it first.")
            if not has_room(folder, size):
                raise UserError(
                    f"{archive} unpacks to {memory(size)}, for which there is no room in {folder.parent}.",
                    "Make room, or unpack it elsewhere and name the folder.",
                )
            for member in members:
                _extract(opened, member, archive, folder)
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise UserError(f"{archive} cannot be unpacked: {error}.", "Unpack it yourself and name the folder.") from error


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, archive: Path, folder: Path) -> None:
    place = PurePosixPath(member.filename.replace("\\", "/"))
    if not place.parts:
        return
    if place.is_absolute() or ".." in place.parts or re.match("[A-Za-z]:", place.parts[0]):
        raise UserError(f"{archive} holds {member.filename!r}, which would lie outside of it.", "Do not trust it.")
    if any(is_hidden(part) for part in place.parts) or stat.S_ISLNK(member.external_attr >> 16):
        return
    if member.flag_bits & 1:
        raise UserError(f"{archive} is encrypted.", "Unpack it yourself and name the folder.")
    target = folder.joinpath(*place.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy, COPIED_AT_A_TIME)
        if copy.tell() > member.file_size:  # zipfile stops there by itself; were that to change, this would not.
            raise UserError(f"{archive}: {member.filename!r} is larger than announced.", "Do not trust it.")
