#!/bin/sh
# Mosquitto, and beside it somebody who has it read its accounts again when they change (it is process 1 here).
set -eu
accounts=/etc/mosquitto/accounts/frostguard.passwd
(
  last=$(stat -c '%i %Y' "$accounts")
  while sleep 1; do
    now=$(stat -c '%i %Y' "$accounts" 2>/dev/null) || continue
    if [ "$now" != "$last" ]; then
      last=$now
      kill -HUP 1
    fi
  done
) &
exec mosquitto -c /etc/mosquitto/mosquitto.conf
