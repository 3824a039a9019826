// The images of a report: their verdicts, their order, and one of them enlarged.
// Runs after threshold.js, in the same script; the order is that of case.py.

const figures = [...byId("cases").children];

function showBadges() {
  for (const figure of figures) {
    const index = caseOf(figure);
    const badge = figure.querySelector(".badge");
    badge.textContent = outcomeOf(index);
    badge.className = `badge ${outcomeOf(index)}`;
    figure.querySelector(".mistake").textContent = mistakeOf(index);
    figure.classList.toggle("wrong", isWrong(index));
  }
  byId("errors").textContent = data.scores.filter((_, index) => isWrong(index)).length;
}

function mistakeOf(index) {
  if (!isWrong(index)) return "";
  return data.kindOf[index] === data.good ? "false alarm" : "missed";
}

function caseOf(figure) {
  return Number(figure.dataset.case);
}

function nameOf(figure) {
  return figure.querySelector("b").textContent;
}

// Errors, the most certain one first; then undecided; then the rest, narrowest margin first.
function badness(index) {
  const score = data.scores[index];
  if (score === null) return [1, 0];
  const margin = Math.abs(logit(score) - logit(threshold));
  if (outcomeOf(index) === "undecided") return [1, margin];
  return isWrong(index) ? [0, -margin] : [2, margin];
}

const KEYS = {
  worst: badness,
  high: (index) => [-(data.scores[index] ?? -1)],
  low: (index) => [data.scores[index] ?? 2],
  name: () => [],
  kind: (index) => [data.kindOf[index]],
};

function compare(one, other) {
  const part = one.findIndex((value, index) => value !== other[index]);
  if (part < 0) return 0;
  return one[part] < other[part] ? -1 : 1;
}

function arrange() {
  const order = document.querySelector("input[name=order]:checked").value;
  const keyed = figures.map((figure) => ({
    figure,
    key: [...KEYS[order](caseOf(figure)), nameOf(figure)],
  }));
  keyed.sort((one, other) => compare(one.key, other.key));
  byId("cases").append(...keyed.map((each) => each.figure));
  filter();
}

function filter() {
  const errorsOnly = byId("errors-only").checked;
  const kind = byId("kind")?.value ?? "";
  for (const figure of figures) {
    const index = caseOf(figure);
    const otherKind = kind !== "" && data.kindOf[index] !== Number(kind);
    figure.hidden = otherKind || (errorsOnly && !isWrong(index));
  }
  byId("nothing").hidden = figures.some((figure) => !figure.hidden);
}

// ---- one image enlarged

let opened = null;

function enlarge(figure) {
  opened = figure;
  const pair = figure.querySelector(".pair");
  const copies = [...pair.children].map((child) => child.cloneNode(true));
  for (const copy of copies) copy.querySelector("image[id]")?.removeAttribute("id");
  const shown = byId("large").querySelector(".pair");
  shown.className = pair.className;
  shown.style.cssText = pair.style.cssText;
  shown.replaceChildren(...copies);
  byId("large").querySelector(".caption").replaceChildren(
    ...figure.querySelector("figcaption").cloneNode(true).childNodes,
  );
  if (!byId("large").open) byId("large").showModal();
}

function step(by) {
  const visible = [...byId("cases").children].filter((figure) => !figure.hidden);
  const next = visible[visible.indexOf(opened) + by];
  if (next) enlarge(next);
}

function leave() {
  byId("large").close();
}

// ---- what people do

for (const control of document.querySelectorAll("input[name=order], #errors-only, #kind")) {
  control.addEventListener("change", arrange);
}
byId("stretch").addEventListener("change", () => {
  byId("report").classList.toggle("stretched", byId("stretch").checked);
});
for (const figure of figures) {
  figure.querySelector(".pair").addEventListener("click", () => enlarge(figure));
}
for (const button of document.querySelectorAll("[data-step]")) {
  const by = Number(button.dataset.step);
  button.addEventListener("click", () => (by ? step(by) : leave()));
}
byId("large").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
byId("large").addEventListener("click", (event) => {
  if (event.target === byId("large")) leave();
});
byId("large").addEventListener("close", () => opened.querySelector(".pair").focus());

show(threshold); // says it to screen readers too
