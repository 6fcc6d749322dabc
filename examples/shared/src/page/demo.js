"use strict";

const token = document.getElementById("token");
const status = document.getElementById("status");
const challenge = document.getElementById("challenge");
const body = document.getElementById("body");

async function knock(path, method, content) {
  const headers = {};
  if (token.value.trim()) headers.Authorization = "Bearer " + token.value.trim();
  if (content) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(path, { method, headers, body: content });
    status.textContent = `${method} ${path}: ${response.status} ${response.statusText}`;
    challenge.textContent = response.headers.get("WWW-Authenticate") ?? "";
    const text = await response.text();
    try {
      body.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      body.textContent = text;
    }
  } catch (error) {
    status.textContent = `${method} ${path}: no answer`;
    challenge.textContent = "";
    body.textContent = String(error);
  }
}

for (const button of document.querySelectorAll("button[data-path]")) {
  button.addEventListener("click", () =>
    knock(button.dataset.path, button.dataset.method ?? "GET", button.dataset.body));
}
