// SPDX-License-Identifier: Apache-2.0
// Two plots over one minute: calls per second as an area, median and 99 % latency as lines on a
// logarithmic scale.
import { count, microseconds } from "./units.js";

const LEFT = 58;
const RIGHT = 14;
const TOP = 14;
const GAP = 22;
const BOTTOM = 24;

export function makeStrip(canvas, capacity) {
  const context = canvas.getContext("2d");
  let samples = [];
  let pointer = null;

  function paint() {
    const box = canvas.getBoundingClientRect();
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const plot = new Plot(context, box.width, box.height, capacity);
    plot.rates(samples);
    plot.latencies(samples);
    plot.times();
    if (pointer !== null) plot.readout(samples, pointer);
  }

  new ResizeObserver(paint).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  canvas.addEventListener("pointermove", (event) => {
    pointer = event.offsetX;
    paint();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    paint();
  });
  return {
    draw(newest) {
      samples = newest;
      paint();
    },
  };
}

class Plot {
  constructor(context, width, height, capacity) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.c = context;
    this.capacity = capacity;
    this.width = width;
    this.height = height;
    this.colours = Object.fromEntries(
      ["ink", "soft", "rule", "erlang", "python", "card"].map((name) => [name, colour(name)]));
    this.mono = `11px ${colour("mono")}`;
    const room = height - TOP - GAP - BOTTOM;
    this.upper = { top: TOP, bottom: TOP + room * 0.56 };
    this.lower = { top: TOP + room * 0.56 + GAP, bottom: height - BOTTOM };
  }

  // The newest sample stands at the right edge.
  x(index, total) {
    const step = (this.width - LEFT - RIGHT) / (this.capacity - 1);
    return this.width - RIGHT - (total - 1 - index) * step;
  }

  grid(y, text) {
    const { c } = this;
    c.strokeStyle = this.colours.rule;
    c.lineWidth = 1;
    c.setLineDash([]);
    c.beginPath();
    c.moveTo(LEFT, Math.round(y) + 0.5);
    c.lineTo(this.width - RIGHT, Math.round(y) + 0.5);
    c.stroke();
    c.fillStyle = this.colours.soft;
    c.font = this.mono;
    c.textAlign = "right";
    c.textBaseline = "middle";
    c.fillText(text, LEFT - 8, y);
  }

  rates(samples) {
    const { c } = this;
    const { top, bottom } = this.upper;
    const most = roundUp(Math.max(10, ...samples.map((sample) => sample.calls_per_s)));
    const y = (value) => bottom - (value / most) * (bottom - top);
    for (const value of [0, most / 2, most]) this.grid(y(value), count(value));
    if (samples.length < 2) return;
    c.beginPath();
    samples.forEach((sample, i) => c.lineTo(this.x(i, samples.length), y(sample.calls_per_s)));
    c.strokeStyle = this.colours.erlang;
    c.lineWidth = 2;
    c.lineJoin = "round";
    c.stroke();
    c.lineTo(this.x(samples.length - 1, samples.length), bottom);
    c.lineTo(this.x(0, samples.length), bottom);
    c.globalAlpha = 0.16;
    c.fillStyle = this.colours.erlang;
    c.fill();
    c.globalAlpha = 1;
  }

  latencies(samples) {
    const { top, bottom } = this.lower;
    const known = samples.flatMap((s) => [s.p50_us, s.p99_us]).filter((value) => value > 0);
    const low = Math.floor(Math.log10(Math.max(1, Math.min(10, ...known))));
    const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1000, ...known))));
    const y = (value) => bottom - ((Math.max(Math.log10(value), low) - low) / (high - low)) * (bottom - top);
    for (let decade = low; decade <= high; decade += 1) {
      this.grid(y(10 ** decade), microseconds(10 ** decade).replace(/\.0+ /, " "));
    }
    this.line(samples, (sample) => sample.p50_us, y, []);
    this.line(samples, (sample) => sample.p99_us, y, [2, 3]);
  }

  // A line with gaps where nothing was measured; a lone value is a dot.
  line(samples, read, y, dash) {
    const { c } = this;
    c.strokeStyle = c.fillStyle = this.colours.python;
    c.lineWidth = 2;
    c.setLineDash(dash);
    c.beginPath();
    let drawing = false;
    samples.forEach((sample, i) => {
      const value = read(sample);
      if (!(value > 0)) {
        drawing = false;
        return;
      }
      const x = this.x(i, samples.length);
      if (!drawing) {
        c.moveTo(x, y(value));
        if (!(read(samples[i + 1] ?? {}) > 0)) c.fillRect(x - 1.5, y(value) - 1.5, 3, 3);
      } else c.lineTo(x, y(value));
      drawing = true;
    });
    c.stroke();
    c.setLineDash([]);
  }

  times() {
    const { c } = this;
    c.fillStyle = this.colours.soft;
    c.font = this.mono;
    c.textBaseline = "alphabetic";
    const span = this.width - LEFT - RIGHT;
    for (const [share, text, align] of [[0, "1 min ago", "left"], [0.5, "30 s", "center"],
      [1, "now", "right"]]) {
      c.textAlign = align;
      c.fillText(text, LEFT + share * span, this.height - 7);
    }
  }

  readout(samples, pointer) {
    const step = (this.width - LEFT - RIGHT) / (this.capacity - 1);
    const back = Math.round((this.width - RIGHT - pointer) / step);
    const sample = samples[samples.length - 1 - back];
    if (back < 0 || sample === undefined) return;
    const { c } = this;
    const x = this.x(samples.length - 1 - back, samples.length);
    c.strokeStyle = this.colours.soft;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(x, TOP);
    c.lineTo(x, this.lower.bottom);
    c.stroke();
    const text = `${count(sample.calls_per_s)}/s  ${microseconds(sample.p50_us)}  ${
      microseconds(sample.p99_us)}`;
    c.font = this.mono;
    const width = c.measureText(text).width + 16;
    const left = Math.min(Math.max(x - width / 2, LEFT), this.width - RIGHT - width);
    const top = this.upper.bottom + 1;
    c.fillStyle = this.colours.ink;
    c.fillRect(left, top, width, GAP - 2);
    c.fillStyle = this.colours.card;
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.fillText(text, left + 8, top + GAP / 2 - 1);
  }
}

// The next of 1, 2, 5, 10, 20, 50, ...
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((factor) => factor * power >= value) * power;
}
