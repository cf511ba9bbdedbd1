// SPDX-License-Identifier: Apache-2.0
// Durations as people read them: three figures and a unit.
function figures(value) {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value).toString();
}

export function microseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1000) return `${value < 10 ? value.toFixed(1) : Math.round(value)} µs`;
  return milliseconds(value / 1000);
}

export function milliseconds(value) {
  if (value < 1) return microseconds(value * 1000);
  if (value < 1000) return `${figures(value)} ms`;
  return `${figures(value / 1000)} s`;
}

export function count(value) {
  if (value >= 1e6) return `${figures(value / 1e6)}M`;
  if (value >= 1e5) return `${figures(value / 1e3)}k`;
  return Math.round(value).toLocaleString("en");
}
