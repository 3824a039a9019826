"""The style sheet of a report: one column on a phone, light or dark as the reader has it, and
black on white on paper.

No fonts or pictures from anywhere: a report opens on a line PC without a network. Blue and
vermilion are Okabe and Ito's, told apart by the colour-blind.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --ink: #1c2129; --soft: #5d6673; --line: #dde1e7;
  --good: #0072b2; --anomalous: #d55e00; --undecided: #7a7f87; --right: #e4f1ea;
  --wrong: #fbe3d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1d2128; --ink: #e6e9ee; --soft: #9aa4b2; --line: #333a45;
    --good: #56a8e0; --anomalous: #f0803c; --undecided: #9a9fa7; --right: #1d3a2c;
    --wrong: #4b2a17;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 74rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .6rem; }
h3 small, .note { color: var(--soft); font-weight: normal; font-size: .9rem; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.1rem 1.2rem; margin-top: 1rem;
}
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); }
.tile {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .8rem 1rem; display: flex; flex-direction: column-reverse;
}
.tile dt { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.tile dd { margin: 0; font-size: 1.35rem; font-weight: 650; font-variant-numeric: tabular-nums; }
dl { margin: 0; }
.columns {
  display: grid; gap: 0 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-size: .85rem; color: var(--soft); font-weight: 600; }
th:first-child, .provenance td { text-align: left; }
tbody th { color: var(--ink); overflow-wrap: anywhere; }
tfoot th, tfoot td { border-bottom: 0; font-weight: 650; }
td.right { background: var(--right); }
td.wrong { background: var(--wrong); font-weight: 650; }
.provenance th { width: 12rem; vertical-align: top; }
.provenance td { font-family: ui-monospace, monospace; font-size: .82rem; overflow-wrap: anywhere; }
.chart { display: block; width: 100%; max-width: 44rem; margin: 0 auto; }
.chart text { fill: var(--ink); font-size: 12px; font-family: inherit; }
.chart .note { fill: var(--soft); }
.chart .good rect { fill: var(--good); }
.chart .anomalous rect { fill: var(--anomalous); }
.chart .axis { stroke: var(--ink); }
.chart .tick { stroke: var(--line); }
.chart .threshold { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 3; }
.legend {
  display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; color: var(--soft); font-size: .9rem;
}
.legend i {
  display: inline-block; vertical-align: -.1em; width: .9em; height: .9em; margin-right: .4em;
}
.legend i.heat {
  width: 4.5rem;
  background: linear-gradient(90deg, #000004, #420a68, #932667, #dd513a, #fca50a, #fcffa4);
}
.legend i.mask { border: 2px solid #00dede; }
.legend i.good { background: var(--good); }
.legend i.anomalous { background: var(--anomalous); }
.cases {
  display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
}
figure {
  margin: 0; break-inside: avoid; border: 1px solid var(--line); border-radius: 8px;
  overflow: hidden;
}
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.pair img { display: block; width: 100%; height: auto; }
figcaption { padding: .5rem .7rem; font-size: .9rem; }
figcaption b { display: block; overflow-wrap: anywhere; }
figcaption .score { float: right; font-variant-numeric: tabular-nums; }
.badge { color: #fff; border-radius: 4px; padding: 0 .4em; font-size: .8rem; font-weight: 600; }
.badge.good { background: #0072b2; }
.badge.anomalous { background: #b84f00; }
.badge.undecided { background: #666b73; }
figure.wrong { border: 2px solid var(--anomalous); }
@media print {
  :root {
    --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --good: #0072b2;
    --anomalous: #d55e00; --right: #e4f1ea; --wrong: #fbe3d6;
  }
  html { font-size: 10px; }
  body { font-size: 10px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { padding: 0; max-width: none; }
  .cases { grid-template-columns: repeat(3, 1fr); gap: .5rem; }
  section, .tile { break-inside: avoid; }
  section.gallery { break-inside: auto; }
  .chart { max-width: 34rem; }
  h2, h3 { break-after: avoid; }
}
"""
