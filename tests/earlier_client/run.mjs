// Calls every method of the client in the order of a working day and prints what came of each call, as JSON.
// GIVEN (JSON): url, email, password, organizationId, unitId (has readings), alertIds (two that are open).
import './browser.mjs';
import { mustBe } from './shapes.mjs';

const { api } = await import('./built/api-client.js');
const given = JSON.parse(process.env.GIVEN);
const steps = {};

async function step(name, type, call) {
  const began = { ok: false };
  steps[name] = began;
  try {
    began.answer = await call();
    if (type) mustBe(type, began.answer);
    began.ok = true;
  } catch (error) {
    began.error = error.message;
  }
  began.tokens = [localStorage.getItem('access_token') !== null, localStorage.getItem('refresh_token') !== null];
  began.at = window.location.href;
  return began.answer;
}

// The client has no calls for areas.
async function createArea(siteId, name) {
  const answer = await fetch(`${given.url}/sites/${siteId}/areas`, {
    method: 'POST',
    body: JSON.stringify({ name }),
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${localStorage.getItem('access_token')}` },
  });
  return answer.json();
}

await step('login with a wrong password', null, () => api.login(given.email, `${given.password}?`));
window.location.href = '/';
await step('login', 'Tokens', () => api.login(given.email, given.password));
await step('getOrganization', 'Organization', () => api.getOrganization(given.organizationId));
await step('getSites', 'Site[]', () => api.getSites(given.organizationId));
const site = await step('createSite', 'Site', () => api.createSite(given.organizationId, { name: 'Harbour', city: 'Kiel' }));
const area = await step('area', null, () => createArea(site.id, 'Kitchen'));
const made = await step('createUnit', 'Unit', () =>
  api.createUnit(area.id, { name: 'Fridge', unitType: 'fridge', tempMin: 0, tempMax: 4.5 }),
);
await step('createUnit without limits', 'Unit', () => api.createUnit(area.id, { name: 'Freezer', unitType: 'freezer' }));
await step('getUnits', 'Unit[]', () => api.getUnits(area.id));
const unit = await step('getUnit', 'Unit', () => api.getUnit(made.id));
await step('updateUnit', 'Unit', () => api.updateUnit(made.id, { tempMax: 6 }));
await step('updateUnit with a whole unit', 'Unit', () => api.updateUnit(made.id, { ...unit, name: 'Cooler' }));
await step('getReadings 24h', 'SensorReading[]', () => api.getReadings(given.unitId, '24h'));
await step('getReadings 7d', 'SensorReading[]', () => api.getReadings(given.unitId, '7d'));
await step('getReadings of nothing', 'SensorReading[]', () => api.getReadings(made.id, '24h'));
await step('getAlerts', 'Alert[]', () => api.getAlerts(given.unitId));
await step('acknowledgeAlert', 'Alert', () => api.acknowledgeAlert(given.alertIds[0]));
await step('resolveAlert', 'Alert', () => api.resolveAlert(given.alertIds[1]));
await step('getAlerts afterwards', 'Alert[]', () => api.getAlerts(given.unitId));
await step('getUnit of nobody', null, () => api.getUnit('00000000-0000-4000-8000-000000000000'));
const token = localStorage.getItem('access_token');
await step('logout', null, () => api.logout());
await step('getSites after the logout', null, () => api.getSites(given.organizationId));
window.location.href = '/';
api.setToken(token);
await step('getSites with the old token', null, () => api.getSites(given.organizationId));

console.log(JSON.stringify(steps));
