// SPDX-License-Identifier: Apache-2.0
// The call cards: a form whose boxes are parts of a URL, and a place for its answer.
import { answered, asked } from "./cord.js";
import { milliseconds, microseconds } from "./units.js";

const ANSWERS_SHOWN = 7;
const MEANINGS = { 200: "OK", 404: "not found", 422: "invalid", 502: "failed", 503: "overloaded",
  504: "too late" };

export function makeCards(forms) {
  const template = document.querySelector("#answer");
  for (const form of forms) {
    form.append(template.content.cloneNode(true));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      call(form);
    });
    for (const preset of form.querySelectorAll("[data-fill]")) {
      preset.addEventListener("click", () => {
        for (const [name, value] of new URLSearchParams(preset.dataset.fill)) {
          form.elements[name].value = value;
        }
        call(form);
      });
    }
  }
}

function path(form) {
  return form.dataset.path.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(form.elements[name].value.trim()));
}

async function call(form) {
  const button = form.querySelector(".go");
  if (button.disabled) return;
  button.disabled = true;
  const answer = form.querySelector(".answer");
  answer.dataset.tone = "busy";
  const url = path(form);
  const started = performance.now();
  asked(url);
  try {
    const response = await fetch(url);
    const trip = performance.now() - started;
    show(answer, url, response, await response.text(), trip);
  } catch {
    fill(answer, "bad", { status: "no answer", erlang: "–", trip: "–", process: "–",
      body: "The service can't be reached. Is the demo still running?" });
  } finally {
    button.disabled = false;
  }
}

function show(answer, url, response, text, trip) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = text;
  }
  const erlang = /erlang;dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "")?.[1];
  const process = body?.answered_by;
  fill(answer, response.ok ? "good" : response.status < 500 ? "warn" : "bad", {
    status: `${response.status} ${MEANINGS[response.status] ?? response.statusText}`.trim(),
    erlang: erlang === undefined ? "–" : milliseconds(Number(erlang)),
    trip: milliseconds(trip),
    process: process ?? "–",
    body: typeof body === "string" ? body : JSON.stringify(body, null, 2),
  });
  if (process !== undefined) note(url, process, erlang);
}

function fill(answer, tone, parts) {
  answer.dataset.tone = tone;
  answered(tone, parts.process === "–" ? parts.status : parts.process);
  for (const [name, text] of Object.entries(parts)) {
    const place = answer.querySelector(`[data-part="${name}"]`);
    place.textContent = text;
    if (name !== "body") place.title = text;
    else place.scrollTop = 0;
  }
}

// Adds a line to "Who answered".
function note(url, process, erlang) {
  const rows = document.querySelector("#answers");
  const row = document.createElement("tr");
  for (const [text, name] of [
    [url, ""],
    [process, "process"],
    [erlang === undefined ? "–" : microseconds(Number(erlang) * 1000), "num"],
  ]) {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.className = name;
  }
  rows.prepend(row);
  while (rows.rows.length > ANSWERS_SHOWN) rows.deleteRow(-1);
  document.querySelector("#answers-empty").hidden = true;
}
