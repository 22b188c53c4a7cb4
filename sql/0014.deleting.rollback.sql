drop index sensor_states_sensor, sensors_gateway, units_area, alerts_gateway, dead_letters_gateway;
