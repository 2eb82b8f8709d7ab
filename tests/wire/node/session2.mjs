// A whole charging session in OCPP 2.0.1 from a client that shares no code with the central system. In strict
// mode ocpp-rpc checks every call and every answer, in both directions, against schemas of its own.
//
// usage: node session2.mjs ENDPOINT IDENTITY PASSWORD TOKEN
// Prints one JSON object: the answers it got, the calls it received, and what failed validation.

import rpc from "ocpp-rpc";

const [endpoint, identity, password, token] = process.argv.slice(2);
const TIMEOUT_MS = 20_000;
const REGISTER = "Energy.Active.Import.Register";

const seen = { answers: {}, profiles: [], variables: [], costs: [], failures: [] };
const waiters = [];

const client = new rpc.RPCClient({
  endpoint,
  identity,
  password,
  protocols: ["ocpp2.0.1"],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: TIMEOUT_MS,
});
client.on("strictValidationFailure", ({ error }) => seen.failures.push(String(error)));
client.on("badMessage", ({ error }) => seen.failures.push(String(error)));

client.handle("SetChargingProfile", ({ params }) => {
  seen.profiles.push(params);
  waiters.forEach((look) => look());
  return { status: "Accepted" };
});
client.handle("SetVariables", ({ params }) => {
  seen.variables.push(...params.setVariableData.map(({ variable, attributeValue }) => [variable.name, attributeValue]));
  waiters.forEach((look) => look());
  const setVariableResult = params.setVariableData.map(({ component, variable }) => ({
    attributeStatus: "Accepted",
    component,
    variable,
  }));
  return { setVariableResult };
});
client.handle("CostUpdated", ({ params }) => {
  seen.costs.push(params);
  waiters.forEach((look) => look());
  return {};
});
client.handle("TriggerMessage", () => ({ status: "NotImplemented" }));

// What is looked for, as soon as it is there.
function there(look, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${what} came`)), TIMEOUT_MS);
    const again = () => {
      const found = look();
      if (found) {
        clearTimeout(timer);
        resolve(found);
      }
    };
    waiters.push(again);
    again();
  });
}

const profile = (purpose) =>
  there(() => seen.profiles.find((p) => p.chargingProfile.chargingProfilePurpose === purpose), purpose);

async function call(action, payload, name = action) {
  seen.answers[name] = await client.call(action, payload);
}

const now = () => new Date().toISOString();
const status = (connectorStatus) =>
  call("StatusNotification", { timestamp: now(), connectorStatus, evseId: 1, connectorId: 1 });
const idToken = { idToken: token, type: "ISO14443" };
const evse = { id: 1, connectorId: 1 };
const register = (value, context) => [
  { timestamp: now(), sampledValue: [{ value, context, measurand: REGISTER, unitOfMeasure: { unit: "Wh" } }] },
];

let seqNo = 0;
const event = (eventType, triggerReason, chargingState, more) =>
  call(
    "TransactionEvent",
    {
      eventType,
      timestamp: now(),
      triggerReason,
      seqNo: seqNo++,
      transactionInfo: { transactionId: "foreign-1", chargingState, ...more.info },
      evse,
      ...more.rest,
    },
    eventType,
  );

try {
  await client.connect();
  await call("BootNotification", { reason: "PowerUp", chargingStation: { vendorName: "Foreign", model: "Strict" } });
  await status("Available");
  await profile("TxDefaultProfile");
  await there(() => seen.variables.length === 4, "settings");
  await status("Occupied");
  await call("Authorize", { idToken });
  const begun = register(12000, "Transaction.Begin");
  await event("Started", "Authorized", "Charging", { rest: { idToken, meterValue: begun } });
  const limited = await profile("TxProfile");
  const amperes = limited.chargingProfile.chargingSchedule[0].chargingSchedulePeriod[0].limit;
  const sampledValue = ["L1", "L2", "L3"].map((phase) => ({ value: amperes, measurand: "Current.Import", phase }));
  sampledValue.push({ value: 12.345, measurand: REGISTER, unitOfMeasure: { unit: "Wh", multiplier: 3 } });
  await event("Updated", "MeterValuePeriodic", undefined, { rest: { meterValue: [{ timestamp: now(), sampledValue }] } });
  await there(() => seen.costs.length, "CostUpdated");
  await call("Heartbeat", {});
  const info = { stoppedReason: "EVDisconnected" };
  await event("Ended", "EVDeparted", "Idle", { info, rest: { meterValue: register(12500, "Transaction.End") } });
  await status("Available");
  await call("DataTransfer", { vendorId: "Foreign" });
  await client.close();
} catch (error) {
  seen.failures.push(String(error));
  await client.close({ force: true }).catch(() => {});
}
console.log(JSON.stringify(seen));
process.exit(seen.failures.length ? 1 : 0);
