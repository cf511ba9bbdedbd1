// SPDX-License-Identifier: Apache-2.0
// The two conversations: /ws returns a message as Erlang processed it, the chat sends it to all.
import { openSocket } from "./socket.js";
import { microseconds } from "./units.js";

const MESSAGES_KEPT = 100;

export function startTalk(form, url) {
  const list = form.querySelector(".messages");
  const input = form.elements.text;
  const echoes = url.endsWith("/ws");
  let me = null;

  const socket = openSocket(url, form.querySelector(".state"), (message) => {
    if (message.error) say(list, "event error", message.error);
    else if (message.you) me = message.you;
    else if (message.joined) {
      say(list, "event", message.joined === me
        ? `You are ${me}; ${here(message.here)}.` : `${message.joined} came; ${here(message.here)}.`);
    } else if (message.left) say(list, "event", `${message.left} left; ${here(message.here)}.`);
    else if (echoes) say(list, "theirs", message.reversed, processing(message));
    else if (message.from === me) say(list, "mine", message.text, processing(message));
    else say(list, "theirs", message.text, `${message.from} · ${processing(message)}`);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    if (!socket.send(text)) {
      say(list, "event error", "Not connected; the message was not sent.");
      return;
    }
    if (echoes) say(list, "mine", text);
    input.value = "";
  });
}

function here(people) {
  return people === 1 ? "nobody else is here" : `${people} are here`;
}

function processing(message) {
  const words = message.words === 1 ? "1 word" : `${message.words} words`;
  return `${words}, by ${message.answered_by} in ${microseconds(message.took_us)}`;
}

function say(list, name, text, small) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const item = document.createElement("li");
  item.className = name;
  item.textContent = text;
  if (small !== undefined) {
    const line = document.createElement("small");
    line.textContent = small;
    item.append(line);
  }
  list.append(item);
  while (list.children.length > MESSAGES_KEPT) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}
