// SPDX-License-Identifier: Apache-2.0
// Ties the page together: the head line's facts, the call cards, the feed and the conversations.
import { makeCards } from "./calls.js";
import { keepBusy } from "./busy.js";
import { startFeed } from "./feed.js";
import { startTalk } from "./talk.js";

const about = await fetch("/about").then((answer) => answer.json()).catch(() => ({}));
for (const place of document.querySelectorAll("[data-about]")) {
  const value = about[place.dataset.about];
  if (value !== undefined) place.textContent = value.toLocaleString("en");
}

makeCards(document.querySelectorAll("form[data-path]"));
keepBusy(document.querySelector("#busy"));
startFeed(`ws://${location.host}/live`);
startTalk(document.querySelector("#talk-ws"), `ws://${location.host}/ws`);
if (about.chat_port !== undefined) {
  document.querySelector("#chat-port").textContent = about.chat_port;
  startTalk(document.querySelector("#talk-chat"), `ws://${location.hostname}:${about.chat_port}/chat`);
}
document.documentElement.dataset.ready = "yes";
