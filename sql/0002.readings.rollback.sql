drop table unit_states, gateway_states, gateway_watermarks, dead_letter_overflows, dead_letters, held_readings, sensor_readings;
