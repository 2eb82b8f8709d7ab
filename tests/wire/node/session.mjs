// A whole charging session from a client that shares no code with the central system. In strict mode ocpp-rpc
// checks every call and every answer, in both directions, against its own OCPP 1.6 schemas.
//
// usage: node session.mjs ENDPOINT IDENTITY PASSWORD TOKEN
// Prints one JSON object: the answers it got, the calls it received, and what failed validation.

import rpc from "ocpp-rpc";

const [endpoint, identity, password, token] = process.argv.slice(2);
const TIMEOUT_MS = 20_000;

const seen = { answers: {}, profiles: [], settings: [], failures: [] };
const profileWaiters = [];

const client = new rpc.RPCClient({
  endpoint,
  identity,
  password,
  protocols: ["ocpp1.6"],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: TIMEOUT_MS,
});
client.on("strictValidationFailure", ({ error }) => seen.failures.push(String(error)));
client.on("badMessage", ({ error }) => seen.failures.push(String(error)));

client.handle("SetChargingProfile", ({ params }) => {
  seen.profiles.push(params);
  profileWaiters.forEach((look) => look());
  return { status: "Accepted" };
});
client.handle("ChangeConfiguration", ({ params }) => {
  seen.settings.push(params);
  return { status: "Accepted" };
});
client.handle("TriggerMessage", () => ({ status: "NotImplemented" }));

// The first profile of a purpose, as soon as it has come.
function profile(purpose) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${purpose} came`)), TIMEOUT_MS);
    const look = () => {
      const found = seen.profiles.find((p) => p.csChargingProfiles.chargingProfilePurpose === purpose);
      if (found) {
        clearTimeout(timer);
        resolve(found);
      }
    };
    profileWaiters.push(look);
    look();
  });
}

async function call(action, payload) {
  seen.answers[action] = await client.call(action, payload);
  return seen.answers[action];
}

const now = () => new Date().toISOString();
const status = (value) => call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: value });

try {
  await client.connect();
  await call("BootNotification", { chargePointVendor: "Foreign", chargePointModel: "Strict" });
  await status("Available");
  await profile("TxDefaultProfile");
  await status("Preparing");
  await call("Authorize", { idTag: token });
  const started = await call("StartTransaction", { connectorId: 1, idTag: token, meterStart: 12000, timestamp: now() });
  const transactionId = started.transactionId;
  const limited = await profile("TxProfile");
  await status("Charging");
  const amperes = limited.csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit;
  const sampledValue = ["L1", "L2", "L3"].map((phase) => ({
    value: String(amperes),
    measurand: "Current.Import",
    unit: "A",
    phase,
  }));
  sampledValue.push({ value: "12.345", measurand: "Energy.Active.Import.Register", unit: "kWh" });
  await call("MeterValues", { connectorId: 1, transactionId, meterValue: [{ timestamp: now(), sampledValue }] });
  await call("Heartbeat", {});
  await call("StopTransaction", { transactionId, idTag: token, meterStop: 12500, timestamp: now(), reason: "Local" });
  await status("Available");
  await call("DataTransfer", { vendorId: "Foreign" });
  await client.close();
} catch (error) {
  seen.failures.push(String(error));
  await client.close({ force: true }).catch(() => {});
}
console.log(JSON.stringify(seen));
process.exit(seen.failures.length ? 1 : 0);
