// Keeps a page at what the line does now. Without this script the page renews itself every five seconds.
"use strict";

const EVERY = 1000; // milliseconds
const LATE = 5000; // of an answer
const renewed = document.body.hasAttribute("data-renewed");
const lost = document.getElementById("lost");
const shown = new Map(); // by station, the id of the verdict whose picture is shown
let heard = Date.now();

async function ask(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(LATE), cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

// A page that hears nothing must not look as if all were well.
function say(hears) {
  if (hears) heard = Date.now();
  const silent = Math.round((Date.now() - heard) / 1000);
  lost.hidden = hears || silent < 3;
  lost.textContent = `No connection to the line for ${silent} s: what stands here is old.`;
  document.body.classList.toggle("old", !lost.hidden);
}

async function renewParts() {
  const answer = await ask(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const found = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (found && found.innerHTML !== part.innerHTML) part.replaceChildren(...found.childNodes);
  }
}

async function renewPicture(picture, newest) {
  const station = picture.dataset.station;
  if (!newest || shown.get(station) === newest.id) return;
  const answer = await ask(picture.dataset.picture);
  const content = await answer.blob();
  const before = picture.src;
  picture.src = URL.createObjectURL(content);
  shown.set(station, newest.id);
  tell(picture.nextElementSibling, answer.headers);
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
}

// What the picture shows may be newer than the verdict beside it, so it says which part it is.
function tell(caption, headers) {
  caption.hidden = !headers.has("x-sequence");
  caption.textContent = `part ${headers.get("x-sequence")}: ${headers.get("x-verdict")}`;
}

async function renew() {
  const status = await (await ask("/api/status")).json();
  const newest = new Map(status.stations.map((each) => [each.name, each.newest]));
  const pictures = [...document.querySelectorAll("img[data-picture]")];
  await Promise.all([
    renewParts(),
    ...pictures.map((each) => renewPicture(each, newest.get(each.dataset.station))),
  ]);
}

async function goOn() {
  if (!document.hidden) {
    try {
      await renew();
      say(true);
    } catch {
      say(false);
    }
  }
  setTimeout(goOn, EVERY);
}

if (renewed) goOn();
