"""`python -m flip_trust.synthetic`: write one synthetic hospital into a folder. Deterministic by seed."""

import argparse
from pathlib import Path

from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.omop import choose_accessions, write_omop


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m flip_trust.synthetic", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trust", required=True, help="its name sets the style of its scanner")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--persons", type=int, default=2000)
    parser.add_argument("--accessions", type=int, default=12)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    accessions = choose_accessions(arguments.trust, arguments.seed, arguments.persons, arguments.accessions)
    write_omop(arguments.out / "omop.duckdb", arguments.seed, arguments.persons, accessions)
    write_dicom(arguments.out / "dicom", arguments.seed, arguments.trust, accessions)


if __name__ == "__main__":
    main()
