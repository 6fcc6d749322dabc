// The session of this browser, shared by all of its tabs.
//
// The tokens are in cookies that scripts cannot read. The page only has the expiry time of the access token,
// from the server's responses. The first tab to refresh the token tells the others. If tabs cannot exchange
// messages, each tab refreshes on its own. The server accepts that: it gives the same response to the same
// refresh token for some seconds.

const LOCK = "tollgate.session";
const RECORD = "tollgate.session";
const CSRF_COOKIE = "__Host-csrf";
const TIMEOUT = 10_000;

export class Session extends EventTarget {
  // "unknown" until the server has responded, then "in" or "out".
  state = "unknown";
  // Expiry time and lifetime of the access token, in milliseconds by the clock of this machine.
  expires = 0;
  lifetime = 0;
  // The time of the request that returned them. Before a refresh, a tab compares it with the shared record, and
  // skips the refresh if another tab has already done it.
  #at = 0;
  #refreshAt = Infinity;
  #failures = 0;
  #refreshing = null;
  #channel = "BroadcastChannel" in self ? new BroadcastChannel(LOCK) : null;

  // Detects an existing session, and keeps it refreshed from then on.
  async start() {
    this.#channel?.addEventListener("message", () => this.#sync());
    document.addEventListener("visibilitychange", () => this.#tick());
    await this.#detect();
    setInterval(() => this.#tick(), 1000);
  }

  // Returns the response to POST /auth/login.
  async login(email, password, remember) {
    return this.#exclusive(async () => {
      const sent = Date.now();
      const response = await send("POST", "/auth/login", { email, password, mode: "cookie", remember });
      if (response.ok) {
        this.#update(sent, (await response.clone().json()).expires_in);
        this.#note("Logged in. The tokens are in cookies that scripts cannot read.");
      }
      return response;
    });
  }

  register(email, password) {
    return send("POST", "/auth/register", { email, password });
  }

  // Returns the response. A server that cannot confirm the revocation clears the cookies all the same. This
  // browser is then logged out, but the session may still be valid.
  async logout(everywhere) {
    await this.#refreshIfExpired();
    return this.#exclusive(async () => {
      const response = await send("POST", everywhere ? "/auth/logout-all" : "/auth/logout", {});
      if (response.ok || response.status === 401) {
        this.end(everywhere ? "Logged out everywhere." : "Logged out.");
      } else if (await isAnonymous()) {
        this.end("Logged out in this browser. The server could not confirm that it revoked the session.");
      }
      return response;
    });
  }

  // Sends a request with the given token, or with the cookie. Refreshes first if the access token has expired by the
  // clock, and refreshes and retries once if the server says that it has.
  async call(method, path, body, token) {
    if (token) return send(method, path, body, token);
    await this.#refreshIfExpired();
    const known = this.#at;
    const response = await send(method, path, body);
    const again = response.status === 401 && this.state === "in" && (await this.refresh(known));
    return again ? send(method, path, body) : response;
  }

  // Returns whether there is an access token now. Sends nothing if a tab has refreshed it since `known`.
  refresh(known = Infinity) {
    this.#refreshing ??= this.#exclusive(() => this.#refreshAlone(known)).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  // Marks the session as ended, in this tab and in all others.
  end(why) {
    removeRecord();
    this.#channel?.postMessage(null);
    this.#out(why);
  }

  async #refreshAlone(known) {
    if (this.#isAlreadyDone(known)) return this.state === "in";
    const sent = Date.now();
    let response;
    try {
      response = await send("POST", "/auth/refresh", {});
    } catch {
      return this.#retryLater(null, "The server does not respond.");
    }
    if (response.ok) {
      this.#update(sent, (await response.json()).expires_in);
      this.#note("This tab refreshed the access token.");
      return true;
    }
    // Only a 401 ends the session. Any other failure is the server's, and does not.
    if (response.status === 401) {
      this.end(this.state === "in" ? "The session was revoked or has expired." : null);
      return false;
    }
    return this.#retryLater(response, `The server cannot refresh the session right now (${response.status}).`);
  }

  // Finds out whether the cookie is still valid, the session needs a refresh, or there is no session.
  async #detect() {
    try {
      const sent = Date.now();
      const response = await send("GET", "/whoami");
      if (response.ok && !(await response.json()).anonymous) {
        const me = await send("GET", "/me");
        if (me.ok) {
          const { exp, iat } = await me.json();
          const now = Date.parse(me.headers.get("Date")) || sent;
          this.#update(sent, Math.max(0, exp - now / 1000), exp - (iat ?? now / 1000));
          this.#note("Found a session in the cookies of this browser.");
          return;
        }
      }
      if (response.status >= 500) {
        this.#retryLater(response, `The server cannot check the session right now (${response.status}).`);
      } else if (mayBeLoggedIn()) {
        await this.refresh();
      } else {
        this.#out(null);
      }
    } catch {
      this.#retryLater(null, "The server does not respond.");
    }
  }

  #tick() {
    this.#sync();
    if (this.state !== "out" && Date.now() >= this.#refreshAt) {
      if (this.state === "unknown") this.#refreshAt = Infinity;
      void (this.state === "in" ? this.refresh(this.#at) : this.#detect());
    }
    this.dispatchEvent(new Event("tick"));
  }

  // Adopts what another tab has recorded since.
  #sync() {
    const record = readRecord();
    if (record === undefined || this.state === "unknown") return;
    if (record === null) {
      if (this.state === "in") this.#out("Another tab logged out, or the session was revoked.");
    } else if (record.at > this.#at) {
      const what = this.state === "in" ? "Another tab refreshed the access token." : "Another tab logged in.";
      this.#adopt(record);
      this.#note(what);
    }
  }

  // Returns whether another tab has refreshed or ended the session since `known`, and adopts its record if so.
  #isAlreadyDone(known) {
    const record = readRecord();
    // Another tab ended the session while this one waited for the lock.
    if (record === null && this.state === "in") {
      this.#sync();
      return true;
    }
    if (!record || record.at <= known) return false;
    this.#sync();
    return true;
  }

  #refreshIfExpired() {
    return this.state === "in" && Date.now() >= this.expires ? this.refresh(this.#at) : null;
  }

  #update(at, secondsLeft, lifetime = secondsLeft) {
    const record = { at, expires: at + secondsLeft * 1000, lifetime: lifetime * 1000 };
    writeRecord(record);
    this.#channel?.postMessage(null);
    this.#adopt(record);
  }

  #adopt({ at, expires, lifetime }) {
    this.#at = at;
    this.expires = expires;
    this.lifetime = lifetime;
    this.#failures = 0;
    // Refresh when a quarter of the lifetime is left, but at most a minute early. The jitter spreads out the tabs.
    const before = Math.min(lifetime / 4, 60_000);
    this.#refreshAt = expires - before * (1 - Math.random() / 4);
    this.#become("in");
  }

  // Exponential backoff with jitter, and not before the server's `Retry-After`.
  #retryLater(response, why) {
    this.#failures += 1;
    const growing = 1000 * Math.min(2 ** this.#failures, 30);
    const wait = Math.max(retryAfter(response), growing / 2) + (Math.random() * growing) / 2;
    this.#refreshAt = Date.now() + wait;
    this.#note(`${why} Retrying in ${Math.ceil(wait / 1000)} s. This does not log you out.`);
    return false;
  }

  #out(why) {
    this.#at = this.expires = this.lifetime = this.#failures = 0;
    this.#refreshAt = Infinity;
    if (why) this.#note(why);
    this.#become("out");
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  #note(text) {
    this.dispatchEvent(new CustomEvent("note", { detail: text }));
  }

  // Runs the task in one tab at a time, in browsers with the Web Locks API.
  #exclusive(task) {
    return navigator.locks ? navigator.locks.request(LOCK, task) : task();
  }
}

// Rejects when the server does not respond. After a 403 because the anti-CSRF token is missing or belongs to an older
// session, requests a new one and retries. (A 403 for missing rights has a challenge.)
async function send(method, path, body, token) {
  const before = readCookie(CSRF_COOKIE);
  const response = await sendOnce(method, path, body, token);
  if (response.status !== 403 || response.headers.has("WWW-Authenticate") || token || method === "GET") return response;
  await sendOnce("POST", "/auth/csrf");
  return readCookie(CSRF_COOKIE) === before ? response : sendOnce(method, path, body);
}

function sendOnce(method, path, body, token) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const csrfToken = token ? undefined : readCookie(CSRF_COOKIE);
  if (csrfToken) headers["X-CSRF-Token"] = csrfToken;
  return fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: token ? "omit" : "same-origin",
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT),
  });
}

// Returns `undefined` if there is no such cookie, as when the server does not require anti-CSRF tokens.
function readCookie(name) {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

async function isAnonymous() {
  const who = await send("GET", "/whoami").catch(() => null);
  return who?.ok === true && (await who.json()).anonymous;
}

// Returns milliseconds. The header holds a number of seconds or a date (RFC 9110 §10.2.3).
function retryAfter(response) {
  const value = response?.headers.get("Retry-After") ?? "0";
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}

// Reads what the tabs share, which is no secret: the expiry time of the access token. Returns `null` if the
// browser is logged out, and `undefined` if its storage is unavailable.
function readRecord() {
  try {
    return JSON.parse(localStorage.getItem(RECORD));
  } catch {
    return undefined;
  }
}

function writeRecord(record) {
  try {
    localStorage.setItem(RECORD, JSON.stringify(record));
  } catch {
    // Without storage, each tab works on its own.
  }
}

function removeRecord() {
  try {
    localStorage.removeItem(RECORD);
  } catch {
    // Without storage, each tab works on its own.
  }
}

function mayBeLoggedIn() {
  return readRecord() !== null;
}
