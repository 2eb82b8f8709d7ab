// A back office on ocpp-rpc in strict mode: every frame in both directions is checked by its own OCPP schemas.
//
// usage: node backoffice.mjs PORT BOOK [HABITS]
// BOOK is its book of sessions, a JSON file that is written before anything is answered, so that it may be killed.
// A message that comes again under its id is answered as it was the first time.
// HABITS are those that it has from the beginning, as JSON.
//
// Reads one JSON object per line from stdin:
//   {"do": "call", "station": "CP01", "method": "Reset", "params": {}}   -> {"result": {}} or {"error": "..."}
//   {"do": "habits", "slow_ms": 0, "mute": ["Authorize"], "refuse": ["StopTransaction"], "blocked": ["tag"],
//    "boot": "Accepted"}                                                  -> {"habits": true}
//   {"do": "cut"}   closes every connection at once                       -> {"cut": 1}
//   {"do": "forget"}   begins anew, with an empty book                     -> {"forgotten": true}
//   {"do": "seen"}                                                        -> {"seen": [[station, outbound, text]]}
// Prints {"listening": PORT} first, and {"failure": "..."} for whatever breaks a schema.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import rpc from "ocpp-rpc";

const [port, path, told] = process.argv.slice(2);
const say = (fact) => console.log(JSON.stringify(fact));
const now = () => new Date().toISOString();

const EMPTY = { next: 5001, answers: {}, sessions: {}, order: [] };
let book = structuredClone(EMPTY);
try {
  book = JSON.parse(readFileSync(path, "utf8"));
} catch {
  // the first time
}
function keep() {
  writeFileSync(`${path}.new`, JSON.stringify(book));
  renameSync(`${path}.new`, path);
}

const GOOD = { slow_ms: 0, mute: [], refuse: [], blocked: [], boot: "Accepted" };
let habits = { ...GOOD, ...JSON.parse(told ?? "{}") };
const clients = new Map();
const seen = [];

const info = (tag) => ({ status: habits.blocked.includes(tag) ? "Blocked" : "Accepted", parentIdTag: "FLEET" });
const values = (params) => (params.meterValue ?? []).length;

// What each message does to the book, and what it is answered. Sessions are kept under the ids given here.
const deeds = {
  StartTransaction(station, params) {
    const id = book.next++;
    const { connectorId, idTag, meterStart, timestamp } = params;
    book.sessions[id] = { station, connectorId, idTag, meterStart, timestamp, values: 0, stops: 0 };
    return { transactionId: id, idTagInfo: info(idTag) };
  },
  StopTransaction(station, params) {
    const session = book.sessions[params.transactionId];
    if (session === undefined || session.station !== station) {
      book.order.push([station, "unknown transaction", params.transactionId]);
      return {};
    }
    session.meterStop = params.meterStop;
    session.stops += 1;
    return params.idTag === undefined ? {} : { idTagInfo: info(params.idTag) };
  },
  MeterValues(station, params) {
    const session = book.sessions[params.transactionId];
    if (session !== undefined && session.station === station) session.values += values(params);
    else if (params.transactionId !== undefined) book.order.push([station, "unknown transaction", params.transactionId]);
    return {};
  },
  TransactionEvent(station, params) {
    const id = params.transactionInfo.transactionId;
    const session = (book.sessions[id] ??= { station, events: [], offline: [] });
    session.events.push([params.eventType, params.seqNo]);
    session.offline.push(params.offline ?? false);
    session.evse ??= params.evse?.id;
    const values = (params.meterValue ?? []).flatMap((row) => row.sampledValue);
    for (const [context, name] of [["Transaction.Begin", "meterStart"], ["Transaction.End", "meterStop"]]) {
      const register = values.find((value) => value.context === context);
      if (register !== undefined) session[name] = register.value;
    }
    return params.idToken === undefined ? {} : { idTokenInfo: { status: info(params.idToken.idToken).status } };
  },
};
const courtesies = {
  BootNotification: () => ({ status: habits.boot, currentTime: now(), interval: 300 }),
  Heartbeat: () => ({ currentTime: now() }),
  StatusNotification: () => ({}),
  Authorize: (station, params) =>
    params.idTag === undefined
      ? { idTokenInfo: { status: info(params.idToken.idToken).status } }
      : { idTagInfo: info(params.idTag) },
  DataTransfer: (station, params) => ({ status: "Accepted", data: params.data }),
  FirmwareStatusNotification: () => ({}),
  DiagnosticsStatusNotification: () => ({}),
  NotifyEvent: () => ({}),
  NotifyReport: () => ({}),
  NotifyChargingLimit: () => ({}),
  ReportChargingProfiles: () => ({}),
  ClearedChargingLimit: () => ({}),
  SecurityEventNotification: () => ({}),
};

const server = new rpc.RPCServer({
  protocols: ["ocpp1.6", "ocpp2.0.1"],
  strictMode: true,
  callTimeoutMs: 20_000,
  pingIntervalMs: 0,
});
server.auth((accept, reject, handshake) => accept({ password: handshake.password?.toString() ?? null }));
server.on("client", (client) => {
  const station = client.identity;
  clients.set(station, client);
  client.on("close", () => clients.get(station) === client && clients.delete(station));
  client.on("message", ({ message, outbound }) => seen.push([station, outbound, String(message)]));
  client.on("strictValidationFailure", ({ error }) => say({ failure: `${station}: ${error}` }));
  client.on("badMessage", ({ error }) => say({ failure: `${station}: ${error}` }));
  client.handle(async ({ method, params, messageId }) => {
    const deed = deeds[method];
    let answer;
    if (habits.refuse.includes(method)) throw rpc.createRPCError("InternalError", "not today");
    if (deed === undefined) {
      answer = courtesies[method]?.(station, params);
      if (answer === undefined) throw rpc.createRPCError("NotImplemented");
    } else {
      const key = `${station}/${messageId}/${JSON.stringify(params)}`;
      if (book.answers[key] === undefined) {
        book.order.push([station, method, params.timestamp ?? params.meterValue?.[0]?.timestamp ?? null]);
        book.answers[key] = deed(station, params);
        keep();
      }
      answer = book.answers[key];
    }
    if (habits.slow_ms > 0) await new Promise((resolve) => setTimeout(resolve, habits.slow_ms));
    if (habits.mute.includes(method)) await new Promise(() => {});
    return answer;
  });
});

await server.listen(Number(port), "127.0.0.1");
say({ listening: Number(port) });

const orders = {
  async call({ station, method, params }) {
    const client = clients.get(station);
    if (client === undefined) return { error: "not connected" };
    try {
      return { result: await client.call(method, params) };
    } catch (error) {
      return { error: `${error.rpcErrorCode ?? ""}: ${error.message}` };
    }
  },
  habits(order) {
    habits = { ...habits, ...order };
    return { habits: true };
  },
  cut() {
    const count = clients.size;
    for (const client of [...clients.values()]) client.close({ force: true }).catch(() => {});
    return { cut: count };
  },
  forget() {
    book = structuredClone(EMPTY);
    keep();
    habits = GOOD;
    seen.length = 0;
    return { forgotten: true };
  },
  seen: () => ({ seen }),
  stations: () => ({ stations: [...clients.keys()], passwords: [...clients.values()].map((c) => c.session.password) }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...order } = JSON.parse(line);
  Promise.resolve(orders[what](order)).then(say);
}
process.exit(0);
