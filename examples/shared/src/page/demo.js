// What the page shows and what its controls do. The session itself is in session.js.

import { Session } from "./session.js";

const session = new Session();
const at = (id) => document.getElementById(id);
const problem = async (response) => (await response.json().catch(() => ({}))).detail;

// ---- login state ----

let shown = null;

session.addEventListener("change", () => {
  const { state } = session;
  const before = shown;
  shown = state;
  document.body.dataset.state = at("state").dataset.state = state;
  at("outside").hidden = state !== "out";
  at("inside").hidden = state !== "in";
  if (state === "out") {
    at("state-text").textContent = "Logged out";
    at("claims").replaceChildren();
    at("claims-json").textContent = "";
    at("sessions").replaceChildren();
    if (before === "in") at("outside-title").focus();
  } else if (state === "in") {
    draw();
    void showClaims();
    if (before !== "in") void showSessions();
    if (before === "out") at("inside-title").focus();
  }
});

session.addEventListener("tick", draw);
session.addEventListener("note", ({ detail }) => {
  const entry = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  entry.append(time, detail);
  at("journal").prepend(entry);
  while (at("journal").children.length > 50) at("journal").lastChild.remove();
});

function draw() {
  if (session.state !== "in") return;
  const left = Math.max(0, session.expires - Date.now());
  const seconds = Math.ceil(left / 1000);
  at("left").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  at("life").value = session.lifetime ? Math.min(1, left / session.lifetime) : 0;
}

// ---- token claims ----

async function showClaims() {
  const response = await session.call("GET", "/me").catch(() => null);
  if (!response?.ok) return;
  const me = await response.json();
  at("state-text").textContent = `Logged in as ${me.claims?.email ?? me.sub}`;
  const rows = [
    ["Subject", me.sub],
    ["Scopes", me.scopes?.join(" ")],
    ["Roles", me.roles?.join(" ")],
    ["Audience", me.aud?.join(" ")],
    ["Session", me.claims?.sid],
    ["Expires", moment(me.exp)],
  ];
  const cells = rows.filter(([, value]) => value).flatMap(([name, value]) => [cell("dt", name), cell("dd", value)]);
  at("claims").replaceChildren(...cells);
  at("claims-json").textContent = JSON.stringify(me.claims, null, 2);
}

function cell(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

// ---- sessions ----

async function showSessions() {
  const response = await session.call("GET", "/auth/sessions").catch(() => null);
  if (!response?.ok) return;
  const { sessions } = await response.json();
  at("sessions").replaceChildren(...sessions.map(row));
}

function row({ sid, created_at, last_used_at, current }) {
  const about = document.createElement("span");
  about.append(cell("strong", `Since ${moment(created_at)}`), cell("span", `last refreshed ${moment(last_used_at)}`));
  about.lastChild.className = "hint";
  const entry = document.createElement("li");
  entry.append(about);
  if (current) {
    entry.append(cell("em", "this browser"));
    return entry;
  }
  const button = cell("button", "Revoke");
  button.type = "button";
  button.setAttribute("aria-label", `Revoke the session since ${moment(created_at)}`);
  button.addEventListener("click", () => busy(button, () => revoke(sid)));
  entry.append(button);
  return entry;
}

async function revoke(sid) {
  const response = await session.call("DELETE", `/auth/sessions/${sid}`);
  if (!response.ok) throw new Refused(response);
  await showSessions();
  at("inside-title").focus();
}

at("logout").addEventListener("click", ({ target }) => busy(target, () => logOut(false)));
at("logout-all").addEventListener("click", ({ target }) => busy(target, () => logOut(true)));
at("refresh").addEventListener("click", ({ target }) => busy(target, () => session.refresh()));

async function logOut(everywhere) {
  const response = await session.logout(everywhere);
  if (response.ok || response.status === 401) return;
  if (session.state === "in") throw new Refused(response);
  at("login-alert").textContent =
    "This browser is logged out, but the server could not confirm that it revoked the session. Log in again and revoke it.";
}

class Refused extends Error {
  constructor(response) {
    super(`The server did not confirm the request (${response.status}). No session was revoked. Try again.`);
  }
}

// Runs one task at a time for each control, and shows the error of a task that fails.
async function busy(button, task) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  at("session-alert").textContent = "";
  try {
    await task();
  } catch (error) {
    at("session-alert").textContent = error instanceof Refused ? error.message : "The server does not respond.";
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// ---- login and registration ----

let creating = false;

at("switch").addEventListener("click", () => {
  creating = !creating;
  at("outside-title").textContent = creating ? "Create an account" : "Log in";
  at("login-submit").textContent = creating ? "Create the account" : "Log in";
  at("switch").textContent = creating ? "Log in instead" : "Create an account";
  at("switch").setAttribute("aria-pressed", String(creating));
  at("password").autocomplete = creating ? "new-password" : "current-password";
  at("password-hint").textContent = creating
    ? "A new account may read the items, and nothing else."
    : "The application printed the demo account and its password at its first start.";
  at("login-alert").textContent = "";
  at("email").focus();
});

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  void busy(at("login-submit"), logIn);
});

async function logIn() {
  const [email, password] = [at("email").value, at("password").value];
  at("login-alert").textContent = "";
  try {
    const created = creating ? await session.register(email, password) : null;
    if (created && !created.ok) return complain(created, "The account was not created.");
    const response = await session.login(email, password, at("remember").checked);
    if (!response.ok) return complain(response, "Not logged in.");
    if (creating) at("switch").click();
    at("login").reset();
  } catch {
    at("login-alert").textContent = "The server does not respond. Nothing has changed. Try again.";
  }
}

async function complain(response, what) {
  const why = {
    401: creating ? "The address already has an account. Log in with its password." : "The email or the password is wrong.",
    404: "This server issues no tokens. Call the routes with a token of your issuer instead.",
    429: "Too many attempts. Try again later.",
    503: "The server is temporarily unavailable. Try again in a moment.",
  }[response.status];
  at("login-alert").textContent = `${what} ${why ?? (await problem(response)) ?? `The response was ${response.status}.`}`;
  at(response.status === 401 ? "password" : "email").focus();
}

// ---- route calls ----

at("calls").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) void callRoute(button);
});

async function callRoute(button) {
  const { method, path, body } = button.dataset;
  const token = at("token").value.trim();
  const result = button.querySelector(".result");
  let text;
  try {
    const response = await session.call(method, path, body && JSON.parse(body), token);
    result.textContent = response.status;
    at("status").textContent = `${method} ${path}: ${response.status} ${meaning(response.status)}`;
    at("challenge").textContent = response.headers.get("WWW-Authenticate") ?? "";
    text = await response.text();
  } catch {
    result.textContent = "···";
    at("status").textContent = `${method} ${path}: no response`;
    at("challenge").textContent = text = "";
  }
  at("challenge").hidden = !at("challenge").textContent;
  at("body").textContent = pretty(text);
}

function meaning(status) {
  if (status < 300) return "Allowed";
  return { 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable" }[status] ?? "Rejected";
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

void session.start();
