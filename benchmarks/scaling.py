"""Table, CSV and plot of scaling.sh's runs.

Reads FOLDER/KIND-RANKS-ROUND/log.jsonl; the speed of a kind and number of ranks is the median of
samples per second over the reports of all rounds. Efficiency is speed-up over the smallest number of
ranks, divided by how many times as many ranks there are: in strong scaling the same work is done by
more ranks, in weak scaling more work in the same time.
"""
import argparse
import collections
import glob
import json
import os
import re
import statistics


def speeds(folder, skip):
    """{kind: {ranks: samples per second}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in glob.glob(f"{folder}/*/log.jsonl"):
        kind, ranks, _ = re.search(r"(\w+)-(\d+)-(\d+)/log.jsonl$", path).groups()
        with open(path) as log:
            lines = [json.loads(line) for line in log]
        found[kind][int(ranks)] += [
            line["samples_per_second"] for line in lines
            if line["event"] == "progress" and line["step"] > skip]
    if not all(rates for kind in found.values() for rates in kind.values()):
        raise SystemExit("scaling: a run is too short to have reports to count; raise --steps")
    return {
        kind: {ranks: statistics.median(found[kind][ranks]) for ranks in sorted(found[kind])}
        for kind in ("strong", "weak")}


def table(measured):
    """Rows: kind, ranks, samples per second, speed-up, efficiency."""
    rows = []
    for kind, rates in measured.items():
        fewest = min(rates)
        for ranks, rate in rates.items():
            speedup = rate / rates[fewest]
            rows.append((kind, ranks, rate, speedup, speedup * fewest / ranks))
    return rows


def plot(rows, title):
    """Efficiency over ranks (a place per number of ranks) as SVG."""
    width, height, left, right, top, bottom = 560, 340, 60, 80, 40, 50
    counts = sorted({row[1] for row in rows})
    highest = max(1.0, max(row[4] for row in rows)) * 1.05

    def x(ranks):
        return left + (width - left - right) * (counts.index(ranks) + 0.5) / len(counts)

    def y(efficiency):
        return height - bottom - (height - top - bottom) * efficiency / highest

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{width / 2}" y="22" text-anchor="middle" font-size="14">{title}</text>']
    for percent in range(0, int(highest * 100) + 1, 20):
        place = y(percent / 100)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{place:.1f}" y2="{place:.1f}" '
                     f'stroke="{"#888" if percent in (0, 100) else "#ddd"}"/>')
        parts.append(f'<text x="{left - 8}" y="{place + 4:.1f}" text-anchor="end">{percent} %</text>')
    for ranks in counts:
        parts.append(f'<text x="{x(ranks):.1f}" y="{height - bottom + 18}" '
                     f'text-anchor="middle">{ranks}</text>')
    parts.append(f'<text x="{(left + width - right) / 2}" y="{height - 12}" '
                 'text-anchor="middle">ranks</text>')
    for kind, colour in (("strong", "#0b62a4"), ("weak", "#c0392b")):
        points = [(x(row[1]), y(row[4])) for row in rows if row[0] == kind]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in points]
    # Names at the right, apart even where the lines end together.
    ends = {kind: [y(row[4]) for row in rows if row[0] == kind][-1] for kind in ("strong", "weak")}
    gap = ends["weak"] - ends["strong"]
    if abs(gap) < 16:
        push = (16 - abs(gap)) / 2 * (1 if gap >= 0 else -1)
        ends = {"strong": ends["strong"] - push, "weak": ends["weak"] + push}
    for kind, colour in (("strong", "#0b62a4"), ("weak", "#c0392b")):
        parts.append(f'<text x="{width - right + 8}" y="{ends[kind] + 4:.1f}" '
                     f'fill="{colour}">{kind}</text>')
    return "\n".join(parts + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runs")
    parser.add_argument("--model", required=True)
    parser.add_argument("--skip", type=int, required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    rows = table(speeds(options.runs, options.skip))
    print(f"{'scaling':8}{'ranks':>7}{'samples/s':>14}{'speed-up':>10}{'efficiency':>12}")
    for kind, ranks, rate, speedup, efficiency in rows:
        print(f"{kind:8}{ranks:7}{rate:14,.0f}{speedup:10.2f}{100 * efficiency:10.1f} %")
    csv = os.path.join(options.output, "scaling.csv")
    with open(csv, "w") as file:
        file.write("scaling,ranks,samples_per_second,speedup,efficiency\n")
        for kind, *numbers in rows:
            file.write(",".join([kind] + [f"{number:.6g}" for number in numbers]) + "\n")
    svg = os.path.join(options.output, "scaling.svg")
    with open(svg, "w") as file:
        file.write(plot(rows, f"{options.model}: efficiency of scaling"))
    print(f"written: {csv}, {svg}")


if __name__ == "__main__":
    main()
