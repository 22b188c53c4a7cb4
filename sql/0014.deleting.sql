-- depends: 0011.letters
-- Deleting a sensor, an area or a gateway looks for what refers to it: without these by reading the whole table, row by
-- row of what is deleted.
create index sensor_states_sensor on sensor_states (sensor_id);
create index sensors_gateway on sensors (gateway_id) where gateway_id is not null;
create index units_area on units (area_id);
create index alerts_gateway on alerts (gateway_id) where gateway_id is not null;
create index dead_letters_gateway on dead_letters (gateway_id) where gateway_id is not null;
