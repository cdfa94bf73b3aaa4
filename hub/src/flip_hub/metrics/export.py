"""A run's points for other tools: CSV, Parquet, TensorBoard. Memory stays flat: a chunk at a time."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flip_hub.metrics.reading import SERVER_APP, Columns

COLUMNS = ("trust", "label", "x_label", "x", "value", "round", "at", "client_name")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a text that begins so


def as_csv(chunks: Iterable[Columns]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for chunk in chunks:
        for x, y, round_, at in zip(chunk.xs, chunk.ys, chunk.rounds, chunk.ats, strict=True):
            when = datetime.fromtimestamp(float(at), UTC).isoformat()
            name = _plain(chunk.client_name)
            x_label = _plain(chunk.x_label)
            writer.writerow((chunk.trust or "", chunk.label, x_label, float(x), float(y), int(round_), when, name))
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def write_csv(chunks: Iterable[Columns], target: Path) -> None:
    with target.open("wb") as sink:
        sink.writelines(as_csv(chunks))


def as_parquet(chunks: Iterable[Columns], target: Path) -> None:
    import pyarrow as pa  # 100 MB that only an export needs
    import pyarrow.parquet as pq

    names = pa.dictionary(pa.int32(), pa.string())
    fields: list[Any] = [
        ("trust", names),
        ("label", names),
        ("x_label", names),
        ("x", pa.float64()),
        ("value", pa.float64()),
        ("round", pa.int32()),
        ("at", pa.timestamp("us", "UTC")),
        ("client_name", names),
    ]
    schema = pa.schema(fields)
    with pq.ParquetWriter(target, schema) as writer:
        for chunk in chunks:
            n = len(chunk.xs)
            texts = [
                pa.array([t] * n, pa.string()) for t in (chunk.trust, chunk.label, chunk.x_label, chunk.client_name)
            ]
            at = pa.array((chunk.ats * 1e6).astype("int64"), pa.int64())
            columns = [*texts[:3], pa.array(chunk.xs), pa.array(chunk.ys), pa.array(chunk.rounds), at, texts[3]]
            cast = [
                column.cast(f.type) if column.type != f.type else column
                for column, f in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(cast, schema=schema))


def as_tensorboard(chunks: Iterable[Columns], target: Path) -> None:
    """A zip of event files: a folder for each trust, which TensorBoard shows as a run of its own."""
    from tensorboardX import SummaryWriter

    with TemporaryDirectory() as name:
        folder, writers = Path(name), {}
        for chunk in chunks:
            source = chunk.trust or SERVER_APP
            if source not in writers:
                writers[source] = SummaryWriter(str(folder / source), write_to_disk=True)
            tag = chunk.label if chunk.x_label == "round" else f"{chunk.label}/{chunk.x_label}"
            for x, y, at in zip(chunk.xs, chunk.ys, chunk.ats, strict=True):
                writers[source].add_scalar(tag, float(y), round(float(x)), walltime=float(at))
        for writer in writers.values():
            writer.close()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
