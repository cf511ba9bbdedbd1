// SPDX-License-Identifier: Apache-2.0
// The cord in the head: the last request, the process that answered, and a pulse back and forth.
const cord = document.querySelector("#cord");
const pulse = cord.querySelector(".hum");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const OUTSIDE = 13; // offsets of the dash: before the wire's start,
const FAR = -100; // and beyond its end

function travel(from, to) {
  if (still.matches) return;
  pulse.animate([{ strokeDashoffset: from }, { strokeDashoffset: to }],
    { duration: 420, easing: "ease-in-out" });
}

export function asked(url) {
  cord.dataset.tone = "busy";
  cord.querySelector("#cord-asked").textContent = url;
  travel(OUTSIDE, FAR);
}

export function answered(tone, who) {
  cord.dataset.tone = tone;
  cord.querySelector("#cord-answered").textContent = who;
  travel(FAR, OUTSIDE);
}
