// A charger with one car, for as long as it is wanted, on ocpp-rpc in strict mode (see session.mjs).
//
// usage: node charger.mjs ENDPOINT IDENTITY TOKEN MOST_A START_WH STOP_WH
// Prints one JSON object per line: {"limit_a": 13.5, "transaction": 7} for each limit that it is given and follows from
// then on, and when its stdin has ended and it has stopped, {"done": true, "transaction": 7, "failures": []}.

import rpc from "ocpp-rpc";

const [endpoint, identity, token, mostA, startWh, stopWh] = process.argv.slice(2);
const SAMPLE_MS = 1000;

const failures = [];
const say = (fact) => console.log(JSON.stringify(fact));
const now = () => new Date().toISOString();

const client = new rpc.RPCClient({
  endpoint,
  identity,
  protocols: ["ocpp1.6"],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: 20_000,
});
client.on("strictValidationFailure", ({ error }) => failures.push(String(error)));
client.on("badMessage", ({ error }) => failures.push(String(error)));

let transactionId = null;
let drawnA = 0;
let known;
const commissioned = new Promise((resolve) => (known = resolve));

// The limit of the first period in force: the schedule's own start counts, not the moment of its arrival.
function limitNow({ startSchedule, chargingSchedulePeriod }) {
  const elapsed = (Date.now() - Date.parse(startSchedule)) / 1000;
  return chargingSchedulePeriod.filter((period) => period.startPeriod <= elapsed).at(-1).limit;
}

client.handle("SetChargingProfile", ({ params }) => {
  const { chargingProfilePurpose, chargingSchedule, transactionId: meant } = params.csChargingProfiles;
  if (chargingProfilePurpose === "TxDefaultProfile") {
    known();
  } else if (meant !== transactionId) {
    return { status: "Rejected" };
  } else {
    const limit = limitNow(chargingSchedule);
    drawnA = Math.min(limit, Number(mostA));
    say({ limit_a: limit, transaction: transactionId });
  }
  return { status: "Accepted" };
});
client.handle("ChangeConfiguration", () => ({ status: "Accepted" }));
client.handle("TriggerMessage", () => ({ status: "NotImplemented" }));

const status = (value) =>
  client.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: value, timestamp: now() });

async function measure() {
  const sampledValue = ["L1", "L2", "L3"].map((phase) => ({
    value: drawnA.toFixed(1),
    measurand: "Current.Import",
    unit: "A",
    phase,
  }));
  await client.call("MeterValues", { connectorId: 1, transactionId, meterValue: [{ timestamp: now(), sampledValue }] });
}

const unwanted = new Promise((resolve) => process.stdin.on("end", resolve).resume());

try {
  await client.connect();
  await client.call("BootNotification", { chargePointVendor: "Foreign", chargePointModel: "Strict" });
  await status("Available");
  await commissioned;
  await status("Preparing");
  await client.call("Authorize", { idTag: token });
  const start = { connectorId: 1, idTag: token, meterStart: Number(startWh), timestamp: now() };
  ({ transactionId } = await client.call("StartTransaction", start));
  await status("Charging");
  let wanted = true;
  unwanted.then(() => (wanted = false));
  while (wanted) {
    await measure();
    await Promise.race([unwanted, new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))]);
  }
  const stop = { transactionId, meterStop: Number(stopWh), timestamp: now(), reason: "EVDisconnected" };
  await client.call("StopTransaction", stop);
  await status("Available");
  await client.close();
} catch (error) {
  failures.push(String(error));
  await client.close({ force: true }).catch(() => {});
}
say({ done: true, transaction: transactionId, failures });
process.exit(failures.length ? 1 : 0);
