"""Foreseen times beside measured ones; exit code 1 if any is further off than the limit.

Usage: compare.py PLAN.csv MEASURED.csv [--limit PERCENT] [--by median|min]

PLAN.csv is what `apus plan --csv` writes, MEASURED.csv what `apus bench all-reduce --csv` does (or
anything with the columns algorithm, bytes, ranks, nodes, microseconds_min, microseconds_median).
"""
import argparse
import csv

parser = argparse.ArgumentParser()
parser.add_argument("plan")
parser.add_argument("measured")
parser.add_argument("--limit", type=float, default=15)
parser.add_argument("--by", choices=("median", "min"), default="median")
options = parser.parse_args()

foreseen = {}
with open(options.plan) as file:
    for row in csv.DictReader(file):
        if row["what"] == "all-reduce":
            key = row["algorithm"], row["bytes"], row["ranks"], row["nodes"]
            foreseen[key] = float(row["microseconds"])

print(f"{'algorithm':28}{'bytes':>10}{'ranks':>7}{'nodes':>7}{'foreseen us':>14}"
      f"{'measured us':>14}{'off by':>9}")
worst, lines = 0.0, 0
with open(options.measured) as file:
    for row in csv.DictReader(file):
        key = row["algorithm"], row["bytes"], row["ranks"], row["nodes"]
        if key not in foreseen:
            continue
        measured = float(row["microseconds_" + options.by])
        difference = 100 * (foreseen[key] / measured - 1)
        worst, lines = max(worst, abs(difference)), lines + 1
        print(f"{key[0]:28}{key[1]:>10}{key[2]:>7}{key[3]:>7}{foreseen[key]:>14.1f}"
              f"{measured:>14.1f}{difference:>+8.1f}%")
if lines == 0:
    raise SystemExit("compare.py: the two files have nothing in common")
if worst > options.limit:
    raise SystemExit(f"compare.py: off by up to {worst:.1f} %, more than {options.limit:g} %")
