// SPDX-License-Identifier: Apache-2.0
// The live feed: keeps the last minute of samples, shows the newest in figures and all in the strip.
import { openSocket } from "./socket.js";
import { makeStrip } from "./strip.js";
import { count, microseconds } from "./units.js";

const SAMPLES = 120;

export function startFeed(url) {
  const strip = makeStrip(document.querySelector("#strip"), SAMPLES);
  const note = document.querySelector("#strip-note");
  let samples = [];

  openSocket(url, document.querySelector("#live-state"), (message) => {
    if (message.period !== undefined) samples = [];
    samples = samples.concat(message.samples).slice(-SAMPLES);
    note.hidden = samples.some((sample) => sample.calls_per_s > 0);
    strip.draw(samples);
    if (samples.length > 0) showFigures(samples.at(-1));
  });
}

function showFigures(sample) {
  const put = (id, text) => {
    document.getElementById(id).textContent = text;
  };
  put("rate", count(sample.calls_per_s));
  put("median", microseconds(sample.p50_us));
  put("tail", microseconds(sample.p99_us));
  put("in-flight", count(sample.in_flight));
  put("total", count(sample.calls));
  const seen = Object.entries(sample.seen ?? {});
  const output = document.getElementById("seen");
  output.textContent = seen.length === 0
    ? output.dataset.empty : seen.map(([name, times]) => `${name} ×${times}`).join(", ");
}
