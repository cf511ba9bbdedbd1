// SPDX-License-Identifier: Apache-2.0
// Keeps the line busy for a while: some clients that call one route after another.
const CLIENTS = 4;
const LONGEST_MS = 60_000;
const ROUTES = ["/fanout?n=200", "/user/1", "/sync/3", "/user/4", "/fanout?n=50", "/sync/6"];

export function keepBusy(button) {
  let until = 0;

  async function client(first) {
    for (let turn = first; performance.now() < until && !document.hidden; turn += 1) {
      try {
        await (await fetch(ROUTES[turn % ROUTES.length])).arrayBuffer();
      } catch {
        return;
      }
    }
  }

  button.addEventListener("click", async () => {
    if (performance.now() < until) {
      until = 0;
      return;
    }
    until = performance.now() + LONGEST_MS;
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Let it rest";
    await Promise.all(Array.from({ length: CLIENTS }, (_, first) => client(first)));
    until = 0;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Keep it busy";
  });
}
