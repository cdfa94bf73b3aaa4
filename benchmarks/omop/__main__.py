"""`python -m benchmarks.omop synth | engines | federation [--persons N] [--mart FILE] …`."""

import argparse
import resource
import time
from pathlib import Path

from benchmarks.omop import engines, federation

from flip_trust.synthetic.omop import synthesise


def synth(mart: Path, persons: int) -> None:
    """Make the mart in this process and say what it cost."""
    rows: dict[str, int] = {}
    start, cpu = time.perf_counter(), time.process_time()
    synthesise(mart, 1, persons, rows.__setitem__)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{persons:,} persons, {sum(rows.values()):,} rows: {seconds:.1f} s ({cpu:.1f} s CPU), "
        f"{mart.stat().st_size / 1e6:.0f} MB on disk, at most {memory:.1f} GiB of memory"
    )
    for table, count in rows.items():
        print(f"  {count:>12,}  {table}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.omop", description=__doc__)
    parser.add_argument("what", choices=["synth", "engines", "federation"])
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--mart", type=Path, default=Path(".demo/benchmark-omop.duckdb"))
    parser.add_argument("--repeats", type=int, default=3, help="of each query; the least is told")
    parser.add_argument("--postgres", action="store_true", help="engines: load the mart into PostgreSQL and ask it too")
    parser.add_argument("--trusts", type=int, default=5)
    parser.add_argument("--queries", type=int, default=20, help="federation: how many different cohorts are asked")
    given = parser.parse_args()
    if given.what == "synth" or not given.mart.exists():
        synth(given.mart, given.persons)
    if given.what == "engines":
        engines.run(given.mart, given.repeats, postgres=given.postgres)
    if given.what == "federation":
        federation.run(given.mart, given.trusts, given.queries)


if __name__ == "__main__":
    main()
