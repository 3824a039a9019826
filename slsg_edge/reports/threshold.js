// The threshold of a report: what it costs, wherever that stands on the page, as it moves.
// The page is right before this runs; verdicts are those of scoring.py. gallery.js follows it.
"use strict";

const LOGIT_LIMIT = 1e-7;
const data = JSON.parse(byId("data").textContent);
const slider = byId("slider");
const written = { command: byId("take-over").textContent, bundle: byId("threshold-of").textContent };
const firstPlace = slider.value;
let threshold = data.threshold;

function byId(id) {
  return document.getElementById(id);
}

// ---- scores and verdicts

function logit(score) {
  const clamped = Math.min(Math.max(score, LOGIT_LIMIT), 1 - LOGIT_LIMIT);
  return Math.log(clamped / (1 - clamped));
}

function expit(value) {
  return 1 / (1 + Math.exp(-value));
}

function scoreText(score) {
  if (score === 0 || score === 1) return String(score);
  const closest = Math.max(Math.min(score, 1 - score), LOGIT_LIMIT);
  return score.toFixed(Math.max(4, 1 - Math.floor(Math.log10(closest))));
}

function placeOf(score) {
  return (logit(score) - data.low) / (data.high - data.low);
}

function outcomeOf(index) {
  const score = data.scores[index];
  if (score === null) return "undecided";
  if (score > threshold) return "anomalous";
  return isBetween(score) ? "undecided" : "good";
}

// Only the bundle's own threshold has a lower one beside it.
function isBetween(score) {
  const lower = data.undecidedAbove;
  return threshold === data.threshold && lower !== null && score > lower;
}

function isWrong(index) {
  const outcome = outcomeOf(index);
  return outcome !== "undecided" && (outcome === "good") !== (data.kindOf[index] === data.good);
}

// ---- what the threshold costs

function countsByKind() {
  const counts = data.kinds.map(() => ({ good: 0, anomalous: 0, undecided: 0 }));
  data.kindOf.forEach((kind, index) => {
    counts[kind][outcomeOf(index)] += 1;
  });
  return counts;
}

function sum(counts, outcome) {
  return counts.reduce((total, each) => total + each[outcome], 0);
}

function showReadings(counts) {
  const good = counts.filter((_, kind) => kind === data.good);
  const defective = counts.filter((_, kind) => kind !== data.good);
  const goods = scored.filter((each) => each.good).length;
  const defects = scored.length - goods;
  const [alarms, kept] = [sum(good, "anomalous"), sum(good, "good")];
  const [misses, found] = [sum(defective, "good"), sum(defective, "anomalous")];
  const moved = threshold !== data.threshold;
  const text = scoreText(threshold);
  showReading("threshold", text, moved ? `bundle: ${scoreText(data.threshold)}` : written.bundle);
  showReading("alarms", alarms, partOf(alarms, goods));
  showReading("misses", misses, partOf(misses, defects));
  showReading("kept", kept, partOf(kept, goods));
  if (data.simulated.length) byId("found").textContent = `${(100 * foundShare()).toFixed(1)}%`;
  slider.setAttribute("aria-valuetext", `${text}: ${alarms} false alarms, ${misses} misses`);
  byId("operating")?.setAttribute(
    "d",
    `M${alarms / goods} ${found / defects}h0`,
  );
}

// Of simulated anomalies, each kind and size counting alike, as in operating_points.py.
function foundShare() {
  const shares = data.simulated.map(
    (scores) => scores.filter((score) => score > threshold).length / scores.length,
  );
  return shares.reduce((total, share) => total + share, 0) / shares.length;
}

function showReading(id, value, of) {
  byId(id).textContent = value;
  byId(`${id}-of`).textContent = of;
  byId(id).closest(".reading").classList.toggle("none", value === 0);
}

function partOf(count, total) {
  return total ? `of ${total}, ${((100 * count) / total).toFixed(1)}%` : "of 0";
}

function showVerdicts(counts) {
  for (const row of document.querySelectorAll(".verdicts tbody tr")) {
    const kind = Number(row.dataset.kind);
    for (const cell of row.querySelectorAll("[data-outcome]")) {
      const outcome = cell.dataset.outcome;
      cell.textContent = counts[kind][outcome];
      cell.className = markOf(kind, outcome, counts[kind][outcome]);
      row.querySelector(`.parts .${outcome}`).style.flexGrow = counts[kind][outcome];
    }
  }
  for (const cell of document.querySelectorAll(".verdicts tfoot [data-outcome]")) {
    cell.textContent = sum(counts, cell.dataset.outcome);
  }
}

function markOf(kind, outcome, count) {
  if (!count || outcome === "undecided") return "";
  return (outcome === "good") === (kind === data.good) ? "right" : "wrong";
}

function showCommand() {
  const line = byId("take-over");
  if (threshold === data.threshold) {
    line.textContent = written.command;
    return;
  }
  const code = document.createElement("code");
  const point = data.points.find((each) => each.threshold === threshold);
  const byHand = `${line.dataset.command} ${Number(threshold.toPrecision(9))}`;
  code.textContent = point ? point.command : byHand;
  line.replaceChildren("To take this threshold: ", code);
}

function show(value) {
  threshold = value;
  const counts = countsByKind();
  const cut = 100 * Math.min(Math.max(placeOf(value), 0), 1);
  byId("report").style.setProperty("--cut", `${cut}%`);
  showReadings(counts);
  showVerdicts(counts);
  showBadges();
  showCommand();
}

// ---- other thresholds

function atPlace(place) {
  if (place === firstPlace) return data.threshold;
  return Number(scoreText(expit(data.low + ((data.high - data.low) * place) / slider.max)));
}

// A short number that the lower score passes as good and the higher one does not.
function between(lower, higher) {
  const middle = expit((logit(lower) + logit(higher)) / 2);
  const short = Number(scoreText(middle));
  return [short, middle].find((value) => lower <= value && value < higher) ?? lower;
}

const scored = data.scores.flatMap((score, index) =>
  score === null ? [] : [{ score, good: data.kindOf[index] === data.good }],
);

function largest(values) {
  return values.reduce((one, other) => Math.max(one, other), 0);
}

function smallest(values) {
  return values.reduce((one, other) => Math.min(one, other), 1);
}

const PRESETS = {
  bundle: () => data.threshold,
  "no-miss": () => {
    const higher = smallest(scored.filter((each) => !each.good).map((each) => each.score));
    const below = [expit(data.low), ...scored.map((each) => each.score)];
    return between(largest(below.filter((score) => score < higher)), higher);
  },
  "no-alarm": () => {
    const lower = largest(scored.filter((each) => each.good).map((each) => each.score));
    const above = [expit(data.high), ...scored.map((each) => each.score)];
    return between(lower, smallest(above.filter((score) => score > lower)));
  },
};

function jump(value) {
  slider.value = slider.max * placeOf(value);
  show(value);
  arrange();
}

function followPointer(event) {
  const box = event.currentTarget.getBoundingClientRect();
  slider.value = (slider.max * (event.clientX - box.left)) / box.width;
  show(atPlace(slider.value));
}

// ---- what moves it

slider.addEventListener("input", () => show(atPlace(slider.value)));
slider.addEventListener("change", arrange);
for (const button of document.querySelectorAll("[data-preset]")) {
  button.addEventListener("click", () => jump(PRESETS[button.dataset.preset]()));
}

for (const button of document.querySelectorAll("[data-threshold]")) {
  button.addEventListener("click", () => jump(Number(button.dataset.threshold)));
}

const plot = document.querySelector(".plot");
plot.addEventListener("pointerdown", (event) => {
  plot.setPointerCapture(event.pointerId);
  followPointer(event);
});
plot.addEventListener("pointermove", (event) => {
  if (plot.hasPointerCapture(event.pointerId)) followPointer(event);
});
plot.addEventListener("lostpointercapture", arrange);

// On paper: the bundle's threshold, and what is folded away but belongs there.
let onScreen = threshold;
addEventListener("beforeprint", () => {
  onScreen = threshold;
  for (const details of document.querySelectorAll("details.on-paper")) details.open = true;
  jump(data.threshold);
});
addEventListener("afterprint", () => jump(onScreen));
