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
  turnTo(0);
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

// ---- pages of images: a phone would scroll for ever

const ON_PAGE = matchMedia("(max-width: 40rem)").matches ? 12 : 24;
let pageShown = 0;

function left() {
  return [...byId("cases").children].filter((figure) => !figure.hidden);
}

function turnTo(number) {
  const all = left();
  const last = Math.max(0, Math.ceil(all.length / ON_PAGE) - 1);
  pageShown = Math.min(Math.max(number, 0), last);
  const first = pageShown * ON_PAGE;
  all.forEach((figure, place) => {
    figure.classList.toggle("off-page", place < first || place >= first + ON_PAGE);
  });
  const end = Math.min(first + ON_PAGE, all.length);
  byId("page-text").textContent = `images ${first + 1} to ${end} of ${all.length}`;
  byId("pages").hidden = last === 0;
  document.querySelector("[data-page='-1']").disabled = pageShown === 0;
  document.querySelector("[data-page='1']").disabled = pageShown === last;
}

function turn(by) {
  turnTo(pageShown + by);
  byId("cases").closest("section").scrollIntoView();
  left()[pageShown * ON_PAGE]?.querySelector(".pair").focus({ preventScroll: true });
}

// ---- one image enlarged

let opened = null;
let from = null; // the button outside of the gallery that opened it

function enlarge(figure) {
  opened = figure;
  const pair = figure.querySelector(".pair");
  const copies = [...pair.children].map((child) => child.cloneNode(true));
  for (const copy of copies) copy.querySelector("image[id]")?.removeAttribute("id");
  const shown = byId("large").querySelector(".pair");
  const ratio = Number(pair.style.getPropertyValue("--ratio"));
  shown.className = ratio > 4 / 3 ? "pair wide" : "pair tall";
  shown.style.cssText = pair.style.cssText;
  shown.replaceChildren(...copies);
  byId("large").querySelector(".caption").replaceChildren(
    ...figure.querySelector("figcaption").cloneNode(true).childNodes,
  );
  if (!byId("large").open) byId("large").showModal();
}

function step(by) {
  const visible = left();
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
  figure.querySelector(".pair").addEventListener("click", () => {
    from = null;
    enlarge(figure);
  });
}
for (const button of document.querySelectorAll("[data-page]")) {
  button.addEventListener("click", () => turn(Number(button.dataset.page)));
}
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    from = button;
    enlarge(figures.find((figure) => caseOf(figure) === Number(button.dataset.show)));
  });
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
byId("large").addEventListener("close", () => {
  if (from) {
    from.focus();
    return;
  }
  turnTo(Math.floor(left().indexOf(opened) / ON_PAGE)); // it may lie on another page by now
  opened.querySelector(".pair").focus();
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const help of document.querySelectorAll(".help[open]")) help.open = false;
});

turnTo(0);
show(threshold); // says it to screen readers too
