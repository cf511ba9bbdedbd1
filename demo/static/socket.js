// SPDX-License-Identifier: Apache-2.0
// A WebSocket that comes back by itself and shows its state in a lamp.
const LONGEST_WAIT_MS = 5000;

export function openSocket(url, lamp, onMessage) {
  let socket;
  let wait = 250;

  function show(state, text) {
    lamp.dataset.state = state;
    lamp.textContent = text;
  }

  function open() {
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      wait = 250;
      show("open", "connected");
    });
    socket.addEventListener("message", (event) => onMessage(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      show("lost", "connection lost, trying again");
      setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    });
  }

  open();
  return {
    // Returns whether the text was sent.
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
  };
}
