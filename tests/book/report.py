"""Print how many of the book's printed lines this framework reproduces, entry by entry.

    python tests/book/report.py [last epoch]

Every published log is trained to its end (or to the given epoch) on the book's own numerics.
"lines" are compared as printed; "equal" are those in which every number is the same; "known" is
how many of all lines an independent NumPy run reproduces.
"""

from __future__ import annotations

import os
import sys
import time

import book_data
import book_runs


def main() -> None:
    last_epoch = int(sys.argv[1]) if len(sys.argv) > 1 else None
    if book_data.exp_bits() != book_data.EXP_BITS:
        print("np.exp rounds differently on this machine: the logs can't be reproduced here.\n")
    elif book_data.dot_bits() != book_data.DOT_BITS:
        print("This BLAS rounds differently: the dropout logs can't be reproduced here.\n")
    logs = {e["id"]: e for e in book_data.LOGS if book_data.printed_lines(e, last_epoch)}
    begin = time.perf_counter()
    print(f"{'entry':<22} {'lines':>5} {'equal':>5} {'known':>5} {'seconds':>7}  title")
    total_lines = total_equal = 0
    with book_runs.new_pool() as pool:
        runs = book_runs.start(pool, [(name, last_epoch) for name in logs])
        for name, entry in logs.items():
            result = runs[name, last_epoch].result()
            printed = book_data.printed_lines(entry, last_epoch)
            pairs = zip(printed, result["lines"], strict=True)
            equal = sum(not book_data.different(entry, line, got) for line, got in pairs)
            known = entry["robust"]["exact_lines_nnfs_numerics"]
            print(
                f"{name:<22} {len(printed):>5} {equal:>5} {known:>5} {result['seconds']:>7.1f}"
                f"  {entry['title']}",
                flush=True,
            )
            total_lines += len(printed)
            total_equal += equal
    print(f"{'all':<22} {total_lines:>5} {total_equal:>5}")
    print(f"\n{time.perf_counter() - begin:.0f} s on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
