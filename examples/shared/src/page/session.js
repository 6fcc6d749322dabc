// The session of this browser, as all of its tabs share it.
//
// The tokens are in cookies that no script can read. What is known here is when the access token ends, which the server
// says. Whichever tab is first renews it; the others hear of that. Tabs that do not hear of each other renew more often
// than needed, which the server takes: equal renewals get equal answers.

const LOCK = "tollgate.session";
const RECORD = "tollgate.session";
const CSRF_COOKIE = "__Host-csrf";
const ANSWER_WITHIN = 10_000;

export class Session extends EventTarget {
  // "unknown" until the server has answered, then "in" or "out".
  state = "unknown";
  // When the access token ends, and for how long it was made. Milliseconds, by the clock of this machine.
  ends = 0;
  lifetime = 0;
  // When that was learnt. Whoever renews says what they knew, and does nothing if somebody has been faster.
  #at = 0;
  #renewAt = Infinity;
  #failures = 0;
  #renewing = null;
  #channel = "BroadcastChannel" in self ? new BroadcastChannel(LOCK) : null;

  // Looks for a session, and keeps it alive from then on.
  async start() {
    this.#channel?.addEventListener("message", () => this.#listen());
    document.addEventListener("visibilitychange", () => this.#tick());
    await this.#look();
    setInterval(() => this.#tick(), 1000);
  }

  // Answers the response to POST /auth/login.
  async login(email, password, remember) {
    return this.#alone(async () => {
      const asked = Date.now();
      const response = await send("POST", "/auth/login", { email, password, mode: "cookie", remember });
      if (response.ok) {
        this.#learn(asked, (await response.clone().json()).expires_in);
        this.#note("Logged in. The tokens are in cookies that this script cannot read.");
      }
      return response;
    });
  }

  register(email, password) {
    return send("POST", "/auth/register", { email, password });
  }

  // Answers the response. A server that cannot confirm the end takes the cookies all the same: then this browser is logged
  // out, and the session may live on.
  async logout(everywhere) {
    await this.#refreshIfEnded();
    return this.#alone(async () => {
      const response = await send("POST", everywhere ? "/auth/logout-all" : "/auth/logout", {});
      if (response.ok || response.status === 401) {
        this.end(everywhere ? "Logged out everywhere." : "Logged out.");
      } else if (await isAnonymous()) {
        this.end("Logged out in this browser. The server could not confirm that the session has ended.");
      }
      return response;
    });
  }

  // Asks with the cookie, or with a token if there is one. Renews before when the access token has ended by the clock,
  // and once when the server says that it has.
  async call(method, path, body, token) {
    if (token) return send(method, path, body, token);
    await this.#refreshIfEnded();
    const known = this.#at;
    const response = await send(method, path, body);
    const again = response.status === 401 && this.state === "in" && (await this.renew(known));
    return again ? send(method, path, body) : response;
  }

  // Whether there is an access token now. Nothing is sent if it was renewed since `known`.
  renew(known = Infinity) {
    this.#renewing ??= this.#alone(() => this.#renewAlone(known)).finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  // The session is over, in this tab and in all others.
  end(why) {
    forget();
    this.#channel?.postMessage(null);
    this.#out(why);
  }

  async #renewAlone(known) {
    if (this.#takeOver(known)) return this.state === "in";
    const asked = Date.now();
    let response;
    try {
      response = await send("POST", "/auth/refresh", {});
    } catch {
      return this.#later(null, "The server does not answer.");
    }
    if (response.ok) {
      this.#learn(asked, (await response.json()).expires_in);
      this.#note("This tab renewed the access token.");
      return true;
    }
    // Only this answer ends a session. A server in trouble does not.
    if (response.status === 401) {
      this.end(this.state === "in" ? "The server has ended this session." : null);
      return false;
    }
    return this.#later(response, `The server cannot renew at present (${response.status}).`);
  }

  // What the first answer says: the cookie may still be good, or the session in need of a renewal, or there is none.
  async #look() {
    try {
      const asked = Date.now();
      const response = await send("GET", "/whoami");
      if (response.ok && !(await response.json()).anonymous) {
        const me = await send("GET", "/me");
        if (me.ok) {
          const { exp, iat } = await me.json();
          const now = Date.parse(me.headers.get("Date")) || asked;
          this.#learn(asked, Math.max(0, exp - now / 1000), exp - (iat ?? now / 1000));
          this.#note("Found a session in the cookies of this browser.");
          return;
        }
      }
      if (response.status >= 500) {
        this.#later(response, `The server cannot say at present (${response.status}).`);
      } else if (mayBeIn()) {
        await this.renew();
      } else {
        this.#out(null);
      }
    } catch {
      this.#later(null, "The server does not answer.");
    }
  }

  #tick() {
    this.#listen();
    if (this.state !== "out" && Date.now() >= this.#renewAt) {
      if (this.state === "unknown") this.#renewAt = Infinity;
      void (this.state === "in" ? this.renew(this.#at) : this.#look());
    }
    this.dispatchEvent(new Event("tick"));
  }

  // What another tab has done since.
  #listen() {
    const record = read();
    if (record === undefined || this.state === "unknown") return;
    if (record === null) {
      if (this.state === "in") this.#out("Another tab has logged out, or the session was ended.");
    } else if (record.at > this.#at) {
      const what = this.state === "in" ? "Another tab renewed the access token." : "Another tab has logged in.";
      this.#adopt(record);
      this.#note(what);
    }
  }

  #takeOver(known) {
    const record = read();
    // Ended by another tab while this one waited for its turn.
    if (record === null && this.state === "in") {
      this.#listen();
      return true;
    }
    if (!record || record.at <= known) return false;
    this.#listen();
    return true;
  }

  #refreshIfEnded() {
    return this.state === "in" && Date.now() >= this.ends ? this.renew(this.#at) : null;
  }

  #learn(at, secondsLeft, lifetime = secondsLeft) {
    const record = { at, ends: at + secondsLeft * 1000, lifetime: lifetime * 1000 };
    write(record);
    this.#channel?.postMessage(null);
    this.#adopt(record);
  }

  #adopt({ at, ends, lifetime }) {
    this.#at = at;
    this.ends = ends;
    this.lifetime = lifetime;
    this.#failures = 0;
    // A quarter before the end, a minute at most; not all tabs at the same moment.
    const before = Math.min(lifetime / 4, 60_000);
    this.#renewAt = ends - before * (1 - Math.random() / 4);
    this.#become("in");
  }

  // Later each time, not all at once, and not before the server wants it.
  #later(response, why) {
    this.#failures += 1;
    const growing = 1000 * Math.min(2 ** this.#failures, 30);
    const wait = Math.max(retryAfter(response), growing / 2) + (Math.random() * growing) / 2;
    this.#renewAt = Date.now() + wait;
    this.#note(`${why} Next try in ${Math.ceil(wait / 1000)} s; nobody is logged out.`);
    return false;
  }

  #out(why) {
    this.#at = this.ends = this.lifetime = this.#failures = 0;
    this.#renewAt = Infinity;
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

  // One tab at a time where the browser can do that.
  #alone(task) {
    return navigator.locks ? navigator.locks.request(LOCK, task) : task();
  }
}

// Rejects when there is no answer. Where the anti-CSRF token is not there, or that of an older session, asks for one. (Rights
// that are missing come with a challenge.)
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
    signal: AbortSignal.timeout(ANSWER_WITHIN),
  });
}

// Where anti-CSRF tokens are not required, there is no such cookie.
function readCookie(name) {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

async function isAnonymous() {
  const who = await send("GET", "/whoami").catch(() => null);
  return who?.ok === true && (await who.json()).anonymous;
}

// In milliseconds. It is a number of seconds or a date (RFC 9110 §10.2.3).
function retryAfter(response) {
  const value = response?.headers.get("Retry-After") ?? "0";
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}

// What tabs share is no secret: when the access token ends. `null` when nobody is logged in, `undefined` when the browser
// keeps nothing.
function read() {
  try {
    return JSON.parse(localStorage.getItem(RECORD));
  } catch {
    return undefined;
  }
}

function write(record) {
  try {
    localStorage.setItem(RECORD, JSON.stringify(record));
  } catch {
    // The tabs do without.
  }
}

function forget() {
  try {
    localStorage.removeItem(RECORD);
  } catch {
    // The tabs do without.
  }
}

function mayBeIn() {
  return read() !== null;
}
